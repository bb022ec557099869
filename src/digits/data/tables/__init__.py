"""Tables that list pictures: CSV, JSON lines, Parquet and Arrow files, told by their content and read as streams of rows.

Two hundred million lines take no more memory than two hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from digits.core.errors import DataError

HEAD_BYTES = 4096


class Row(NamedTuple):
    """A good row: its line in a text file, its number from 1 in others, and the values of the columns asked for."""

    line: int
    values: tuple[Any, ...]


class BadRow(NamedTuple):
    """A row that cannot be read; ``text`` is some of it."""

    line: int
    text: str
    error: DataError


@dataclass(frozen=True)
class Columns:
    """What a table has: the names of its columns, and what the Hugging Face libraries wrote down of them, {} without."""

    names: tuple[str, ...]
    features: Mapping[str, Any] = field(default_factory=dict)


class Table(Protocol):
    """An open table."""

    @property
    def columns(self) -> Columns:
        """Its columns."""

    def rows(self, columns: Sequence[str]) -> Iterator[Row | BadRow]:
        """Yield the values of ``columns`` row by row.

        Raises:
            DataError: the table is damaged.
        """


def kind_of(path: Path) -> str:
    """Return "csv", "jsonl", "parquet" or "arrow"; "" for what is no table.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"\xff\xff\xff\xff", b"ARROW1")):
        return "arrow"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "csv"  # UTF-16, as spreadsheets write it
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text or b"\0" in text:
        return ""
    return "jsonl" if text.startswith(b"{") else "csv"


def has_pyarrow() -> bool:
    """Whether Parquet and Arrow files can be read here."""
    return find_spec("pyarrow") is not None


def without_pyarrow() -> DataError:
    """Return what is said of a file that pyarrow would read, where it is not installed."""
    return DataError(
        "Parquet and Arrow files are read by pyarrow, which is not installed.",
        hint="Install it beside the server: pip install 'opendigits[parquet]'.",
        rule="PYARROW_MISSING",
    )


def open_table(path: Path) -> Table:
    """Open the table at ``path``.

    Raises:
        DataError: it is none, is damaged, or needs a library that is not installed.
    """
    try:
        kind = kind_of(path)
        if kind == "csv":
            from digits.data.tables.text import CsvTable

            return CsvTable(path)
        if kind == "jsonl":
            from digits.data.tables.text import JsonlTable

            return JsonlTable(path)
    except OSError as error:
        raise DataError(f"The table cannot be read: {error.strerror or error}.", rule="TABLE_DAMAGED") from error
    if not kind:
        raise DataError("This is no table.", hint="A CSV, JSON lines or Parquet file is needed.", rule="TABLE_UNKNOWN")
    if not has_pyarrow():
        raise without_pyarrow()
    from digits.data.tables.arrow import ArrowTable, ParquetTable

    return ParquetTable(path) if kind == "parquet" else ArrowTable(path)
