"""What a training begins with beyond its own spec, found once when it is submitted: ``beginning.json`` of its job folder.

A definition that another model lent, and weight files. So a training does not change when the other model gets newer snapshots or is
deleted: snapshots are linked into the folder below ``weights/``. Files of a user's own stay where they are.
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from digits.core.files import read_json, write_json
from digits.core.jobfolder import JobFolder

FILE = "beginning.json"
WEIGHTS = "weights"
PYTHON_LAYERS = "digits_python_layers.py"
"""The module with a job's layers written in Python: DIGITS' name for it."""
COPIED = "weights.json"
"""What became of each layer when the weights were copied."""

_DRIVE = re.compile(r"[A-Za-z]")


class WeightFile(BaseModel):
    """A file to copy weights from."""

    model_config = ConfigDict(frozen=True)
    path: str = Field(description="Absolute, or below the job folder.")
    name: str = Field(description="What people call it: its path, or 'lenet, epoch 3'.")
    sha256: str = Field(default="", description="Of the whole file, where it is known.")


class Beginning(BaseModel):
    """``beginning.json``."""

    model_config = ConfigDict(frozen=True)
    text: str = Field(default="", description="The definition, where the spec does not hold it.")
    model: str = Field(default="", description="Id of the model that lent the definition.")
    weights: tuple[WeightFile, ...] = Field(default=(), description="Copied one after the other; the last one wins.")

    @classmethod
    def read(cls, folder: JobFolder) -> Beginning:
        """Return what the training in ``folder`` begins with: nothing, where it has no such file."""
        try:
            return cls.model_validate(read_json(folder.path / FILE))
        except FileNotFoundError:
            return cls()

    def write(self, folder: JobFolder) -> None:
        """Write the file."""
        write_json(folder.path / FILE, self.model_dump(mode="json"))

    def files(self, folder: JobFolder) -> tuple[tuple[Path, WeightFile], ...]:
        """Return where each weight file lies."""
        return tuple((folder.path / each.path, each) for each in self.weights)


def split_paths(text: str) -> tuple[str, ...]:
    """Return the paths in "A:B:C", without blanks around them; the letter of a drive stays with its path."""
    parts: list[str] = []
    for part in text.split(":"):
        if parts and _DRIVE.fullmatch(parts[-1].strip()) and part[:1] in ("\\", "/"):
            parts[-1] += ":" + part
        else:
            parts.append(part)
    return tuple(part.strip() for part in parts if part.strip())
