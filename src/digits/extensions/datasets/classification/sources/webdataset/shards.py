"""Which tar files a folder or a pattern stands for. Standard library alone: the form's check looks, too."""

from __future__ import annotations

import glob
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from digits.core.errors import DataError
from digits.data.rules import DBS, UNDECIDED
from digits.extensions.datasets.classification.sources.shares import SPLITS

MAX_SHARDS = 100_000
_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d{1,9})\.\.(\d{1,9})")


@dataclass(frozen=True)
class Shard:
    """One tar file, and the number of the database that its place tells."""

    path: Path
    db: int = UNDECIDED


def is_pattern(text: str) -> bool:
    """Whether ``text`` stands for several files."""
    return any(sign in text for sign in "{*?[")


def folder_of(text: str) -> Path:
    """Return the folder that a path or pattern lies in: what a person must be allowed to read."""
    path = Path(text).expanduser()
    while is_pattern(str(path)):
        path = path.parent
    return path


def shards(text: str) -> list[Shard]:
    """Return the shards of a folder (with one level of sub-folders), of a pattern or of one file, sorted.

    Raises:
        DataError: there is none, or one of a brace pattern is not there.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        found = [each for folder in _folders(path) for each in sorted(folder.iterdir()) if _is_shard(each)]
    elif is_pattern(text) and not path.exists():
        found = list(_matching(str(path)))
    else:
        found = [path]
    if not found:
        raise DataError("There is no tar file.", where=text, hint="Name the folder of the shards.", rule="NO_SHARDS")
    missing = next((each for each in found if not each.is_file()), None)
    if missing:
        raise DataError("This shard is not there.", where=str(missing), rule="NO_SHARDS")
    return [Shard(each, _db_of(each, folder_of(text))) for each in found]


def _folders(path: Path) -> Iterator[Path]:
    yield path
    yield from (
        each
        for each in sorted(path.iterdir())
        if each.name.lower().encode("utf-8", "replace") in SPLITS and each.is_dir()
    )


def _is_shard(path: Path) -> bool:
    return path.name.lower().endswith(_SUFFIXES) and not path.name.startswith(".") and path.is_file()


def _matching(pattern: str) -> Iterator[Path]:
    for each in expanded(pattern):
        yield from map(Path, sorted(glob.glob(each)) if is_pattern(each) else [each])


def expanded(pattern: str) -> Iterator[str]:
    """Return the texts that braces stand for: ``{000..012}`` counts, ``{a,b}`` lists.

    Raises:
        DataError: they are too many.
    """
    choices = [_choices(part) if index % 2 else (part,) for index, part in enumerate(_BRACES.split(pattern))]
    count = math.prod(map(len, choices))
    if count > MAX_SHARDS:
        raise DataError(f"The pattern stands for {count:,} files, more than {MAX_SHARDS:,}.", rule="NO_SHARDS")
    return map("".join, product(*choices))


def _choices(inside: str) -> Sequence[str]:
    found = _RANGE.fullmatch(inside)
    if not found:
        return inside.split(",")
    first, last = int(found[1]), int(found[2])
    if abs(last - first) >= MAX_SHARDS:
        raise DataError(f"{{{inside}}} stands for more than {MAX_SHARDS:,} files.", rule="NO_SHARDS")
    numbers = range(first, last + 1) if first <= last else range(first, last - 1, -1)
    return [f"{number:0{len(found[1])}}" for number in numbers]


def _db_of(path: Path, root: Path) -> int:
    """Return the database that a shard is for by its name (train-000.tar), else by its folder below ``root`` (validation/000.tar)."""
    word = re.match(r"[a-z]*", path.name.lower())
    db = SPLITS.get(word[0].encode()) if word else None
    if db is None and path.parent != root:
        db = SPLITS.get(path.parent.name.lower().encode("utf-8", "replace"))
    return DBS.index(db) if db else UNDECIDED
