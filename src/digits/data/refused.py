"""``refused.csv``: the files that a dataset was made without, and why: columns db, path, line, rule, reason."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from digits.core.errors import DataError

COLUMNS = ("db", "path", "line", "rule", "reason")


@dataclass(frozen=True)
class Refused:
    """One row; ``line`` is that of the list which named the file, where there is one."""

    db: str
    path: str
    line: int | None
    rule: str
    reason: str


class RefusedWriter:
    """Appends rows as they come; bytes of odd file names are kept as they are."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
        self._rows = csv.writer(self._file)
        self._rows.writerow(COLUMNS)
        self.count = 0

    def add(self, db: str, path: bytes, error: DataError, line: int | None = None) -> None:
        """Write one row."""
        reason = f"{error.message} {error.hint}".strip()
        self._rows.writerow((db, os.fsdecode(path), "" if line is None else line, error.rule, reason))
        self.count += 1

    def close(self) -> None:
        """Force the rows to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def read_refused(path: Path) -> Iterator[Refused]:
    """Yield the rows of ``refused.csv``; none where there is no such file."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        for row in csv.DictReader(file):
            line = int(row["line"]) if row["line"] else None
            yield Refused(row["db"], row["path"], line, row["rule"], row["reason"])
