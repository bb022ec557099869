"""CSV files of any delimiter, with a header; and JSON lines, one object each."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from digits.core.errors import DataError
from digits.data.tables import BadRow, Columns, Row

_DELIMITERS = ",\t;|"
_MAX_LINE = 1 << 20
_SHOWN = 200


class CsvTable:
    """Rows of a delimited text; the header names the columns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _open(path) as file:
            header = next((line for line in _lines(file) if line.strip()), "")
        # The first of those that part the header into the most columns.
        self._delimiter = max(_DELIMITERS, key=lambda each: len(_fields(header, each)))
        self.columns = Columns(tuple(name.strip() for name in _fields(header, self._delimiter)))

    def rows(self, columns: Sequence[str]) -> Iterator[Row | BadRow]:
        """See ``Table.rows``."""
        wanted = [self.columns.names.index(name) for name in columns]
        width = max(wanted, default=0) + 1
        with _open(self._path) as file:
            reader = csv.reader(_lines(file), delimiter=self._delimiter)
            is_header = True
            while True:
                try:
                    fields = next(reader, None)
                except csv.Error as error:
                    yield BadRow(reader.line_num, "", _bad(f"The row cannot be read: {error}"))
                    continue
                if fields is None:
                    return
                if not fields or (len(fields) == 1 and not fields[0].strip()):
                    continue
                if is_header:
                    is_header = False
                elif len(fields) < width:
                    text = self._delimiter.join(fields)[:_SHOWN]
                    names = len(self.columns.names)
                    yield BadRow(reader.line_num, text, _bad(f"The row has {len(fields)} columns, the header {names}"))
                else:
                    yield Row(reader.line_num, tuple(fields[index] for index in wanted))


class JsonlTable:
    """One JSON object a line; the columns are the keys of the first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _open(path) as file:
            first = next((line for line in _lines(file) if line.strip()), "")
        try:
            found = _parsed(first)
        except DataError as error:
            raise DataError(error.message, where="line 1", hint=error.hint, rule="TABLE_UNKNOWN") from error
        self.columns = Columns(tuple(found))

    def rows(self, columns: Sequence[str]) -> Iterator[Row | BadRow]:
        """See ``Table.rows``; what an object does not have is None."""
        with _open(self._path) as file:
            for number, line in enumerate(_lines(file), start=1):
                if not line.strip():
                    continue
                try:
                    found = _parsed(line)
                except DataError as error:
                    yield BadRow(number, line.strip()[:_SHOWN], error)
                else:
                    yield Row(number, tuple(found.get(name) for name in columns))


def _parsed(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _bad(f"The line is no JSON: {str(error)[:_SHOWN].rstrip('.')}") from error
    if not isinstance(found, dict):
        raise _bad("The line is no JSON object")
    return found


def _fields(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _bad(message: str) -> DataError:
    return DataError(f"{message}.", rule="TABLE_ROW")


def _open(path: Path) -> TextIO:
    with path.open("rb") as file:
        utf_16 = file.read(2) in (b"\xff\xfe", b"\xfe\xff")
    if utf_16:
        return path.open(encoding="utf-16", errors="replace", newline="")
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")  # names of files may be any bytes


def _lines(file: TextIO) -> Iterator[str]:
    """Yield the lines; of one that is absurdly long, its beginning."""
    while line := file.readline(_MAX_LINE):
        rest = line
        while not rest.endswith(("\n", "\r")) and len(rest) == _MAX_LINE:
            rest = file.readline(_MAX_LINE)
        yield line
