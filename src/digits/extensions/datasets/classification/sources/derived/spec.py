"""What a dataset takes from others (``ClassificationSpec.base``), and the source that has nothing to add to it."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import field_validator

from digits.core.jobfolder import JOB_ID
from digits.core.spec import Spec, field
from digits.data.rules import DBS

_SEPARATOR = re.compile(r"[,\s]+")


class Base(Spec):
    """The records of other datasets, which go into this one as they are stored; empty for a dataset made of its source alone."""

    prefix: ClassVar[str] = "base_"
    ids: str = field(
        "",
        title="Datasets to begin with",
        flat="base",
        widget="hidden",
        description="Ids of datasets, comma-separated, whose records this one begins with; each record stays in its database.",
        max_length=10_000,
    )
    dbs: str = field(
        "",
        title="Their databases",
        widget="hidden",
        description="Which databases they have: of train, val and test, comma-separated.",
        max_length=20,
    )
    rename: str = field(
        "",
        title="Rename classes",
        flat="rename",
        widget="hidden",
        description="Lines 'old=new'; classes that get the same name become one.",
        max_length=1_000_000,
    )
    changes: str = field(
        "",
        title="Changes of labels",
        flat="base_changes_file",
        widget="file",
        description="JSON: a list of {db, key, label} for records of the first dataset; label null leaves the record out.",
    )

    @field_validator("ids")
    @classmethod
    def _are_ids(cls, text: str) -> str:
        wrong = next((each for each in split(text) if not JOB_ID.fullmatch(each)), "")
        if wrong:
            raise ValueError(f"{wrong[:64]!r} is no id of a dataset.")
        return ",".join(dict.fromkeys(split(text)))

    @field_validator("dbs")
    @classmethod
    def _are_dbs(cls, text: str) -> str:
        if set(split(text)) - set(DBS):
            raise ValueError("The databases are train, val and test.")
        return ",".join(split(text))

    @field_validator("rename")
    @classmethod
    def _are_pairs(cls, text: str) -> str:
        renames(text)
        return text


class DerivedSource(Spec):
    """Nothing more than the datasets to begin with."""

    method: Literal["derived"] = field("derived", title="Other datasets", flat="method")


def split(text: str) -> list[str]:
    """Return the parts of a list with commas or blanks between."""
    return [each for each in _SEPARATOR.split(text.strip()) if each]


def renames(text: str) -> dict[str, str]:
    """Return the new name of each class by its old one.

    Raises:
        ValueError: a line is no ``old=new``, or names a class a second time.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        old, equals, new = (part.strip() for part in line.partition("="))
        if not equals or not old or not new:
            raise ValueError(f"Line {number}, {line[:80]!r}, is no 'old=new'.")
        if old in found:
            raise ValueError(f"Line {number} renames {old!r} a second time.")
        found[old] = new
    return found
