"""Folders of small pictures, drawn by a script."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from digits.core.events import Event
from digits.core.jobfolder import JobFolder
from digits.core.work import WorkerSettings
from digits.extensions.datasets.classification.build import build
from digits.extensions.datasets.classification.spec import ClassificationSpec

AS_ROOT = getattr(os, "getuid", lambda: 0)() == 0
"""Whether no folder is closed to these tests (nor on Windows)."""


def draw(path: Path, seed: int = 0, size: tuple[int, int] = (8, 8)) -> Path:
    """Write a picture of noise that no other seed gives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, "PNG")
    return path


def draw_classes(root: Path, counts: dict[str, int], size: tuple[int, int] = (8, 8)) -> Path:
    """Write ``counts`` pictures into a folder for each class."""
    for number, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for index in range(count):
            draw(root / name / f"{index:04d}.png", seed=1000 * number + index, size=size)
    return root


def spec_of(source: dict[str, Any] | Path, **fields: Any) -> ClassificationSpec:
    """A spec for 8 x 8 pictures in colour."""
    if isinstance(source, Path):
        source = {"train": str(source)}
    source = {"method": "folder"} | source
    return ClassificationSpec.model_validate(
        {"name": "test", "resize_width": 8, "resize_height": 8, "random_seed": 1} | fields | {"source": source}
    )


class Built:
    """A finished dataset, with what was said on the way."""

    def __init__(
        self, folder: Path, spec: ClassificationSpec, num_threads: int = 2, settings: WorkerSettings | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder
        self.folder = JobFolder(folder)
        self.events: list[Event] = []
        settings = settings or WorkerSettings(num_threads=num_threads)
        self.facts = build(spec, self.folder, settings, self._hear, lambda: False)

    def _hear(self, event: Event, /) -> None:
        self.events.append(event)
        json.loads(event.model_dump_json())  # whatever a file is called, an event can be written

    @property
    def warnings(self) -> str:
        """All that the build warned of."""
        return "\n".join(event.message for event in self.events if event.type == "warned")

    def lines(self, name: str) -> list[str]:
        """The lines of a text file."""
        return (self.path / name).read_bytes().decode("utf-8", "surrogateescape").splitlines()
