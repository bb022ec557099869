"""Builds an image regression dataset, and opens it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digits.core.errors import DataError
from digits.core.events import Emit
from digits.core.jobfolder import JobFolder
from digits.core.work import StopCheck, WorkerSettings
from digits.data.pairdb import CreatedPairs, Pair
from digits.data.reader import DatasetReader, TargetKind
from digits.data.recordreader import RecordReader
from digits.data.rules import DBS
from digits.extensions.datasets.building.build import PairBuild, Work, build_with
from digits.extensions.datasets.building.tables import (
    column,
    database_of,
    listed_names,
    number_columns,
    open_file,
    resolve,
    rows_of,
    shared_in_three,
    stem,
)
from digits.extensions.datasets.paths import outside
from digits.extensions.datasets.regression.spec import RegressionSpec


@dataclass(frozen=True)
class _Item:
    path: bytes
    numbers: tuple[float, ...]
    line: int


class _Build(PairBuild[RegressionSpec, _Item]):
    kind: TargetKind = "vector"

    def __init__(self, spec: RegressionSpec, work: Work) -> None:
        super().__init__(spec, work)
        self._columns: list[str] = []

    def find(self) -> dict[str, list[_Item]]:
        spec = self.spec
        if spec.split_column:
            found = self._table(spec.train_file, "", spec.split_column)
            return {db: found[db] for db in DBS if db in found}
        rows, table = self._table(spec.train_file, "train")["train"], open_file(spec.train_file)
        given: dict[str, list[_Item]] = {}
        for db, path in (("test", spec.test_file), ("val", spec.val_file)):
            if not path:
                continue
            listed = listed_names(path, table)
            if listed is None:
                given[db] = self._table(path, db)[db]
            else:
                given[db] = [row for row in rows if stem(row.path) in listed]
                rows = [row for row in rows if stem(row.path) not in listed]
        pct_val = 0.0 if "val" in given else spec.folder_pct_val
        pct_test = 0.0 if "test" in given else spec.folder_pct_test
        parts = shared_in_three(rows, pct_val, pct_test, self.seed) | given
        return {db: parts[db] for db in DBS if db in parts}

    def _table(self, path: str, db: str, split: str = "") -> dict[str, list[_Item]]:
        """Return the rows of a table by database: all for ``db``, or as its column ``split`` says."""
        table, refused = open_file(path), self.work.refused
        paths = column(table, self.spec.path_column, path)
        splits = [column(table, split, path)] if split else []
        numbers = self._columns or number_columns(table, self.spec.label_columns, [paths, *splits], path)
        self._columns = [column(table, name, path) for name in numbers]
        root = Path(self.spec.image_folder or Path(path).expanduser().parent).expanduser()
        found: dict[str, list[_Item]] = {} if split else {db: []}
        for line, values in rows_of(table, [paths, *self._columns, *splits], db, refused, self.tick):
            name, part = resolve(values[0], root), database_of(values[-1]) if split else db
            try:
                if not part:
                    raise DataError(f"{str(values[-1])[:40]!r} is neither train, val nor test.", rule="TABLE_SPLIT")
                if wrong := outside(name, self.work.settings.data_roots):
                    raise wrong
                found.setdefault(part, []).append(_Item(name, self._numbers(values[1 : 1 + len(numbers)]), line))
            except DataError as error:
                refused.add(part, name, error, line)
        return found

    def _numbers(self, values: Sequence[object]) -> tuple[float, ...]:
        found = []
        for name, value in zip(self._columns, values, strict=True):
            try:
                number = float(str(value))
            except ValueError:
                number = math.nan
            if not math.isfinite(number):
                raise DataError(f"{name} is {str(value)[:40]!r}, which is no number.", rule="TABLE_NUMBER")
            found.append(number)
        return tuple(found)

    def names(self, item: _Item) -> tuple[bytes, bytes]:
        return item.path, b""

    def line(self, item: _Item) -> bytes:
        return b"%b %b" % (item.path, " ".join(f"{number:.9g}" for number in item.numbers).encode())

    def number(self, item: _Item) -> int:
        return item.line

    def make(self, item: _Item, _db: str) -> Pair:
        image_HWC, notes, _ = self.pictures.load(item.path)
        return Pair(image_HWC, np.array(item.numbers, np.float32), notes=notes)

    def labels(self, _made: Mapping[str, CreatedPairs]) -> list[str]:
        return self._columns


def build(
    spec: RegressionSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck
) -> dict[str, Any]:
    """Make the dataset; see :func:`~digits.extensions.datasets.building.build.build_with`."""
    return build_with(_Build, spec, folder, settings, emit, stop)


def open_reader(folder: JobFolder, db: str) -> DatasetReader:
    """Return the pictures and numbers of database ``db``.

    Raises:
        NotFoundError: the dataset has no such database (yet).
    """
    return RecordReader(folder.path, db, num_threads=WorkerSettings.from_environment().num_threads)
