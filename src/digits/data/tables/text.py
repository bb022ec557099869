"""CSV files of any delimiter, with a header; and JSON lines, one object each."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from operator import itemgetter
from pathlib import Path
from typing import TextIO

from digits.core.errors import DataError
from digits.data.tables import BadRow, Columns, Row

_DELIMITERS = ",\t;|"
_MAX_LINE = 1 << 20
_SHOWN = 200
_FIRST_BLOCK, _BLOCK = 1 << 16, 1 << 22


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
        with _open(self._path) as file:
            yield from self._rows(_lines(file), columns, line=0, is_header=True)

    def tallies(self, columns: Sequence[str]) -> Iterator[Counter[tuple[str, ...]] | Row | BadRow]:
        """Do what :meth:`rows` does six times as fast, for who only counts: rows of plain blocks come as a Counter.

        Its keys are the values of all columns but the first, which is not blank. Until a quote is met a block of lines is whole rows;
        one with anything odd is read as ever.
        """
        with self._path.open("rb") as file:
            line, is_header, at = 0, True, 0
            while block := file.read(_FIRST_BLOCK if is_header else _BLOCK):
                rest = file.readline(_MAX_LINE)
                if b'"' in block or b'"' in rest or b"\0" in block or len(rest) == _MAX_LINE:
                    break
                block += rest
                counts = None if is_header else self._tally(block, columns)
                if counts is None:
                    text = block.decode("utf-8-sig" if is_header else "utf-8", "surrogateescape")
                    yield from self._rows(StringIO(text, newline=""), columns, line=line, is_header=is_header)
                else:
                    yield counts
                line, at, is_header = line + block.count(b"\n"), file.tell(), is_header and not block.strip()
            else:
                return
        with _open(self._path) as text_file:
            if at:
                text_file.seek(at)  # no byte of a stateless encoding has been read yet
            yield from self._rows(_lines(text_file), columns, line=line, is_header=is_header)

    def _tally(self, block: bytes, columns: Sequence[str]) -> Counter[tuple[str, ...]] | None:
        """Return the rows of a block counted; None where one is odd."""
        first, *others = (itemgetter(self.columns.names.index(name)) for name in columns)
        delimiter = self._delimiter.encode()
        rows = [line.split(delimiter) for line in block.splitlines()]
        try:
            if not all(map(bytes.strip, map(first, rows))):
                return None
            found = Counter(zip(*(map(each, rows) for each in others), strict=True))
        except IndexError:
            return None
        return Counter({_decoded(values): count for values, count in found.items()})

    def _rows(
        self, lines: Iterable[str], columns: Sequence[str], *, line: int, is_header: bool
    ) -> Iterator[Row | BadRow]:
        """Yield the rows of ``lines``, before which ``line`` others were."""
        wanted = [self.columns.names.index(name) for name in columns]
        width = max(wanted, default=0) + 1
        reader = csv.reader(lines, delimiter=self._delimiter)
        while True:
            try:
                fields = next(reader, None)
            except csv.Error as error:
                yield BadRow(line + reader.line_num, "", _bad(f"The row cannot be read: {error}"))
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
                why = _bad(f"The row has {len(fields)} columns, the header {names}")
                yield BadRow(line + reader.line_num, text, why)
            else:
                yield Row(line + reader.line_num, tuple(fields[index] for index in wanted))


def _decoded(values: tuple[bytes, ...]) -> tuple[str, ...]:
    return tuple(value.decode("utf-8", "surrogateescape") for value in values)


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
