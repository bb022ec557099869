"""What is said of lists before a job exists. It runs in the web process, and reads no further than the first lines."""

from __future__ import annotations

from pathlib import Path

from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.data.rules import DBS
from digits.extensions.datasets.classification.paths import file_problem, folder_problem
from digits.extensions.datasets.classification.sources.textfile.lines import BadLineError, entries
from digits.extensions.datasets.classification.sources.textfile.spec import TextfileSource

_LOOKED_AT = 1000
"""Lines of a list in which at least one must be good."""


def dbs(source: TextfileSource) -> tuple[str, ...]:
    """Return the databases that there are lists for."""
    wanted = {"train": True, "val": source.use_val, "test": source.use_test}
    return tuple(db for db in DBS if wanted[db])


def field_of(source: TextfileSource, name: str) -> str:
    """Return the field that holds ``name`` ("train_images", "labels_file"): of a file on the server, or of one that was sent."""
    return f"local_{name}" if source.use_local_files else name


def check(source: TextfileSource, settings: Settings) -> dict[str, list[str]]:
    """Return the problems by field."""
    problems: dict[str, str] = {}
    for name in (*(f"{db}_images" for db in dbs(source)), "labels_file"):
        field = field_of(source, name)
        problems[field] = _file_problem(source, field, settings) or (
            _list_problem(Path(getattr(source, field)).expanduser()) if name != "labels_file" else ""
        )
    for db in dbs(source):
        folder = getattr(source, f"{db}_folder")
        problems[f"{db}_folder"] = folder_problem(folder, settings) if folder.strip() else ""
    return {field: [problem] for field, problem in problems.items() if problem}


def _file_problem(source: TextfileSource, field: str, settings: Settings) -> str:
    text = getattr(source, field)
    if not text.strip():
        return "Name a file on the server." if source.use_local_files else "Choose a file to send."
    return file_problem(text, settings) if source.use_local_files else ""


def _list_problem(path: Path) -> str:
    """Return why none of a list's first lines can be used; empty where one can."""
    first: DataError | None = None
    try:
        for _, entry in zip(range(_LOOKED_AT), entries(path), strict=False):
            if not isinstance(entry, BadLineError):
                return ""
            first = first or entry
    except OSError as error:
        return f"The list cannot be read: {error.strerror or error}."
    return str(first) if first else "The list is empty."
