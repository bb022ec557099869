"""Which columns of a table name the picture, its class and its database. Standard library alone: the form's check looks, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from digits.core.errors import DataError
from digits.data.rules import DBS, UNDECIDED
from digits.data.tables import Columns
from digits.extensions.datasets.classification.sources.shares import SPLITS

IMAGE_NAMES = ("image", "file_name", "filename", "path", "filepath", "file", "image_path", "url", "image_url", "img")
LABEL_NAMES = ("label", "class", "class_name", "category", "label_name", "labels", "fine_label", "target")
SPLIT_NAMES = ("split", "set", "subset")


@dataclass(frozen=True)
class Wanted:
    """The columns that are read."""

    image: str
    label: str
    split: str = ""
    """Empty where the table has none."""
    names: tuple[str, ...] = ()
    """Of the classes by number, where the table itself knows them."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        return (self.image, self.label, self.split) if self.split else (self.image, self.label)


def wanted(columns: Columns) -> Wanted:
    """Return which columns to read: those that the table's features say, else those that are called so.

    Raises:
        DataError: there is none for the picture, or none for the class (COLUMN_MISSING).
    """
    image = _of_type(columns, "Image") or _called(columns.names, IMAGE_NAMES)
    label = _of_type(columns, "ClassLabel") or _called(columns.names, LABEL_NAMES)
    for what, found, known in (("picture", image, IMAGE_NAMES), ("class", label, LABEL_NAMES)):
        if not found:
            has = ", ".join(name[:40] for name in columns.names[:20])
            raise DataError(
                f"No column names the {what}: there are {has or 'none'}.",
                hint=f"The first row names the columns; {', '.join(known[:-1])} or {known[-1]} would do.",
                rule="COLUMN_MISSING",
            )
    split = _called(columns.names, SPLIT_NAMES)
    return Wanted(image, label, split, _class_names(columns.features.get(label)))


def _called(names: tuple[str, ...], known: tuple[str, ...]) -> str:
    by_name = {name.lower(): name for name in reversed(names)}
    return next((by_name[name] for name in known if name in by_name), "")


def _of_type(columns: Columns, kind: str) -> str:
    """Return the first column of a type of the Hugging Face libraries."""
    for name, feature in columns.features.items():
        if isinstance(feature, dict) and feature.get("_type") == kind and name in columns.names:
            return name
    return ""


def _class_names(feature: Any) -> tuple[str, ...]:
    names = feature.get("names") if isinstance(feature, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return ()
    return tuple(names)


def db_of(value: Any) -> int:
    """Return the number of the database that a row is for; ``UNDECIDED`` where it does not say.

    Raises:
        DataError: it names none that is known (SPLIT_UNKNOWN).
    """
    text = str(value if value is not None else "").strip()
    if not text:
        return UNDECIDED
    db = SPLITS.get(text.lower().encode("utf-8", "replace"))
    if db is None:
        raise DataError(
            f"{text[:40]!r} is no database.", hint="Write train, val or test, or nothing.", rule="SPLIT_UNKNOWN"
        )
    return DBS.index(db)
