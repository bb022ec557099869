"""Builds a text classification dataset, and opens it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from digits.core.errors import DataError
from digits.core.events import Emit
from digits.core.jobfolder import JobFolder
from digits.core.work import StopCheck, WorkerSettings
from digits.data.masks import parse_names
from digits.data.pairdb import CreatedPairs, Pair
from digits.data.reader import DatasetReader, TargetKind
from digits.data.recordreader import RecordReader
from digits.data.textcodes import Characters
from digits.extensions.datasets.building.build import PairBuild, Shape, Work, build_with
from digits.extensions.datasets.building.pairs import shared_out
from digits.extensions.datasets.text.rows import read_rows
from digits.extensions.datasets.text.spec import TextSpec


class _Item(NamedTuple):
    file: bytes
    line: int
    label: str
    text: str


class _Build(PairBuild[TextSpec, _Item]):
    kind: TargetKind = "class"
    unit: ClassVar[str] = "texts"

    def __init__(self, spec: TextSpec, work: Work) -> None:
        super().__init__(spec, work)
        self._characters = Characters(spec.alphabet)
        self._ids: dict[str, int] = {}
        self._names: list[str] = []

    def find(self) -> dict[str, list[_Item]]:
        spec = self.spec
        rows = list(self._rows(spec.train_data_file, "train"))
        if spec.val_data_file:
            parts = {"train": rows, "val": list(self._rows(spec.val_data_file, "val"))}
        else:
            parts = shared_out(rows, spec.folder_pct_val, self.seed)
        self._name_classes({row.label for row in chain(*parts.values())})
        return parts

    def _rows(self, path: str, db: str) -> Iterator[_Item]:
        file_name = os.fsencode(Path(path).expanduser())
        # texts are cut while they are read, so that no more of a large file is kept than is needed
        for row in read_rows(path, self.spec.max_chars_per_sample):
            self.tick(row.line)
            if row.text is None:
                error = DataError("The row has no text behind its class.", rule="TABLE_ROW")
                self.work.refused.add(db, file_name, error, row.line)
            else:
                yield _Item(file_name, row.line, row.label, row.text)

    def _name_classes(self, found: set[str]) -> None:
        """Number the classes: as the rows do, from 0 or 1, or by name."""
        given = self._given_names()
        numbers = {label: int(label) for label in found if label.isascii() and label.isdigit()}
        others = sorted(found - numbers.keys())
        if numbers and len(others) <= 1:  # a header's "class" at most
            least, most = min(numbers.values()), max(numbers.values())
            start = 1 if least and (not given or most == len(given)) else 0
            self._ids = {label: number - start for label, number in numbers.items()}
            count = most - start + 1
            if given and count > len(given):
                raise DataError(
                    f"A row is of class {most}; {len(given)} classes are named, from {start}.",
                    where=self.spec.class_labels_file, rule="LABEL_VALUE",
                )  # fmt: skip
            if count > len(self._ids) + 10_000:
                raise DataError(f"A row is of class {most}.", hint="Number classes without gaps.", rule="LABEL_VALUE")
            self._names = given or [str(number + start) for number in range(count)]
        else:
            self._names = given or sorted(found)
            self._ids = {name: number for number, name in enumerate(self._names)}

    def _given_names(self) -> list[str]:
        path = self.spec.class_labels_file
        if not path.strip():
            return []
        try:
            return parse_names(Path(path).expanduser().read_text("utf-8-sig", "replace").splitlines())
        except OSError as error:
            raise DataError(f"It cannot be read: {error.strerror or error}.", where=path) from error

    def names(self, item: _Item) -> tuple[bytes, bytes]:
        return b"%b:%d" % (item.file, item.line), b""

    def line(self, item: _Item) -> bytes:
        return b"%b:%d %b" % (item.file, item.line, item.label.encode())

    def number(self, item: _Item) -> int:
        return item.line

    def shape_of(self, _items: Sequence[_Item]) -> Shape:
        return 1, self.spec.max_chars_per_sample, 1

    def make(self, item: _Item, _db: str) -> Pair:
        if item.label not in self._ids:
            raise DataError(f"There is no class {item.label[:40]!r}.", rule="LABEL_UNKNOWN")
        return Pair(self._characters.encode(item.text, self.spec.max_chars_per_sample), self._ids[item.label])

    def labels(self, _made: Mapping[str, CreatedPairs]) -> list[str]:
        return self._names

    def facts(self, _made: Mapping[str, CreatedPairs], _labels: Sequence[str]) -> dict[str, Any]:
        return {"alphabet": self.spec.alphabet}


def build(spec: TextSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck) -> dict[str, Any]:
    """Make the dataset; see :func:`~digits.extensions.datasets.building.build.build_with`."""
    return build_with(_Build, spec, folder, settings, emit, stop)


def open_reader(folder: JobFolder, db: str) -> DatasetReader:
    """Return the texts of database ``db``, as pictures one pixel high, and their classes.

    Raises:
        NotFoundError: the dataset has no such database (yet).
    """
    return RecordReader(folder.path, db, num_threads=WorkerSettings.from_environment().num_threads)
