"""Tables whose rows name pictures: columns found by name, rows with what is wrong with them, and how they are shared out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from digits.core.errors import DataError
from digits.data.refused import RefusedWriter
from digits.data.rules import DBS
from digits.data.tables import Row, Table, open_table
from digits.extensions.datasets.building.pairs import shared_out

T = TypeVar("T")
_SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test", "testing": "test"}  # fmt: skip
_LOOKED_AT = 20


def open_file(path: str) -> Table:
    """Open the table at ``path``.

    Raises:
        DataError: it is none.
    """
    try:
        return open_table(Path(path).expanduser())
    except DataError as error:
        raise DataError(error.message, where=error.where or path, hint=error.hint, rule=error.rule) from error


def column(table: Table, name: str, path: str) -> str:
    """Return the column called ``name``, the first where that is blank.

    Raises:
        DataError: there is none of that name.
    """
    names = table.columns.names
    wanted = name.strip() or (names[0] if names else "")
    if wanted not in names:
        raise DataError(
            f"The table has no column {wanted!r}.", where=path, hint=f"It has {', '.join(names[:20])}.", rule="TABLE_COLUMN"
        )  # fmt: skip
    return wanted


def number_columns(table: Table, asked: str, others: Sequence[str], path: str) -> list[str]:
    """Return the columns ``asked`` for (with commas between them), else all but ``others`` whose first rows hold numbers alone.

    Raises:
        DataError: one is not there, or there is none.
    """
    if asked.strip():
        return [column(table, name, path) for name in asked.split(",") if name.strip()]
    names = [name for name in table.columns.names if name and name not in others]
    first = [row for row in islice(table.rows(names), _LOOKED_AT) if isinstance(row, Row)]
    found = [name for at, name in enumerate(names) if first and all(_is_number(row.values[at]) for row in first)]
    if not found:
        raise DataError(
            "No column of the table holds numbers.", where=path, hint="Name the columns.", rule="TABLE_COLUMN"
        )
    return found


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def listed_names(path: str, table: Table) -> frozenset[bytes] | None:
    """Return the names in a list of pictures, a line each, without folder and ending; None where the file is a table like ``table``.

    Raises:
        DataError: it cannot be read.
    """
    file = Path(path).expanduser()
    try:
        if file.suffix.lower() not in (".txt", ".lst") and len(open_file(path).columns.names) > 1:
            return None
        text = file.read_bytes()
    except OSError as error:
        raise DataError(f"It cannot be read: {error.strerror or error}.", where=path) from error
    head = text.split(b"\n", 1)[0]
    if all(name.encode() in head for name in table.columns.names):
        return None
    return frozenset(stem(line.split()[0]) for line in text.splitlines() if line.strip())


def stem(path: bytes) -> bytes:
    """Return a path's name without folder and ending."""
    return os.path.splitext(os.path.basename(path))[0]


def database_of(text: object) -> str:
    """Return the database that a cell of a split column names; "" for another word."""
    return _SPLITS.get(str(text).strip().lower(), "")


def rows_of(
    table: Table, columns: Sequence[str], db: str, refused: RefusedWriter, tick: Callable[[int], None]
) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield (line, values of ``columns``) of the good rows; the others are refused."""
    for count, row in enumerate(table.rows(columns)):
        tick(count)
        if isinstance(row, Row):
            yield row.line, row.values
        else:
            refused.add(db, row.text.encode("utf-8", "surrogateescape"), row.error, row.line)


def resolve(text: object, root: Path) -> bytes:
    """Return the path that a cell names, which may be relative to ``root``."""
    return os.fsencode(os.path.normpath(root / Path(str(text).strip())))


def shared_in_three(items: list[T], pct_val: float, pct_test: float, seed: int) -> dict[str, list[T]]:
    """Return the items by database; shares are drawn by ``seed``, and each keeps the order."""
    tested = shared_out(items, pct_test, seed + 1) if pct_test else {"train": items}
    left = tested.get("train", [])
    share = 100 * pct_val / (100 - pct_test) if pct_test < 100 else 0.0
    parts = shared_out(left, min(share, 100.0), seed) | ({"test": tested["val"]} if "val" in tested else {})
    return {db: parts[db] for db in DBS if parts.get(db)}
