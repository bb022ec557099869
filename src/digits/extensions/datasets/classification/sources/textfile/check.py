"""What is said of lists before a job exists. It runs in the web process, and reads no further than the first lines."""

from __future__ import annotations

from pathlib import Path

from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.data.reader import TargetKind
from digits.data.rules import DBS
from digits.extensions.datasets.classification.sources.textfile.lines import BadLineError, entries
from digits.extensions.datasets.classification.sources.textfile.spec import KINDS, TextfileSource
from digits.extensions.datasets.paths import file_problem, folder_problem

WORDS = ("A list of pictures", "Lists of pictures for {dbs}")
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
    kind = KINDS[source.label_kind]
    for name in (*(f"{db}_images" for db in dbs(source)), "labels_file"):
        field = field_of(source, name)
        if name == "labels_file" and kind == "vector" and not getattr(source, field).strip():
            continue
        problems[field] = _file_problem(source, field, settings) or (
            _list_problem(Path(getattr(source, field)).expanduser(), kind) if name != "labels_file" else ""
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


def _list_problem(path: Path, kind: TargetKind) -> str:
    """Return why none of a list's first lines can be used; empty where one can."""
    first: DataError | None = None
    try:
        for _, entry in zip(range(_LOOKED_AT), entries(path, kind), strict=False):
            if not isinstance(entry, BadLineError):
                return ""
            first = first or entry
    except OSError as error:
        return f"The list cannot be read: {error.strerror or error}."
    return str(first) if first else "The list is empty."


def recognise(path: Path) -> dict[str, str | bool] | None:
    """Return the fields of the list at ``path``; train, val, test and labels files beside it, as DIGITS writes them, belong to it."""
    if not path.is_file() or not _is_list(path):
        return None
    names = {db: path.with_name(f"{db}{path.suffix}") for db in DBS}
    fields: dict[str, str | bool] = {"use_local_files": True, "local_train_images": str(path)}
    for db in DBS[1:]:
        beside = path == names["train"] and names[db].is_file()
        fields |= {f"use_{db}": beside} | ({f"local_{db}_images": str(names[db])} if beside else {})
    labels = path.with_name("labels.txt")
    return fields | ({"local_labels_file": str(labels)} if labels.is_file() else {})


def _is_list(path: Path) -> bool:
    """Whether one of the first lines names a picture and its class, and none is binary."""
    good = False
    for _, entry in zip(range(_LOOKED_AT), entries(path, "class"), strict=False):
        good = good or not isinstance(entry, BadLineError)
        if isinstance(entry, BadLineError) and b"\0" in entry.text:
            return False
    return good
