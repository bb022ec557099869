"""Puts the records of datasets into an inventory, as they are stored, and what a further source has beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError, NotFoundError
from digits.core.files import read_json
from digits.core.jobfolder import find_job_folder
from digits.data.changes import Changes, read_changes
from digits.data.columns import ColumnWriter, read_column
from digits.data.inventory import Inventory, InventoryWriter, Read
from digits.data.reader import Answer, TargetKind
from digits.data.rules import DBS, Rules
from digits.data.stored import StoredDb, StoredPicture
from digits.extensions.datasets.classification.pick import Picked
from digits.extensions.datasets.classification.sources.derived.spec import Base, DerivedSource, renames, split

Further = Callable[[InventoryWriter], Picked]
"""Collects the further source into an inventory of its own, and picks from it."""


def collect(source: DerivedSource, writer: InventoryWriter) -> Inventory:
    """Refuse: the source has nothing of its own.

    Raises:
        DataError: always; see :func:`collect_derived`.
    """
    del source, writer
    raise DataError("No dataset to begin with is named.", hint="Extend, relabel or merge one.", rule="DB_EMPTY")


@dataclass(frozen=True)
class _Dataset:
    """A finished dataset that is taken from."""

    folder: Path
    facts: dict[str, Any]

    @property
    def kind(self) -> TargetKind:
        """What its answers are."""
        return cast(TargetKind, self.facts.get("target_kind", "class"))

    @classmethod
    def open(cls, jobs: Path, job_id: str) -> _Dataset:
        """Find a dataset.

        Raises:
            DataError: it is gone, or was never finished.
        """
        try:
            folder = find_job_folder(jobs, job_id).path
            return cls(folder, read_json(folder / "dataset.json"))
        except (NotFoundError, OSError, ValueError) as error:
            raise DataError(f"The dataset {job_id} is not there any more.", rule="BASE_GONE") from error


def collect_derived(base: Base, writer: InventoryWriter, further: Further | None) -> Inventory:
    """Fill ``writer`` with the records of the datasets that ``base`` names, changed as it says, and then with the pictures of ``further``.

    Classes keep the order of the first dataset; what others add comes after them.

    Raises:
        DataError: a dataset is gone, two have answers of different kinds, or a class to be renamed is not there.
        StoppedError: asked to stop.
    """
    return _Derived(base, writer).collect(further)


class _Derived:
    def __init__(self, base: Base, writer: InventoryWriter) -> None:
        self._base, self._writer = base, writer
        self._datasets = [_Dataset.open(writer.folder.parent, each) for each in split(base.ids)]
        self._kind = self._datasets[0].kind
        self._names = renames(base.rename)
        self._ids: dict[str, int] = {}
        self._used: set[str] = set()
        self._places = ColumnWriter(writer.scratch / "stored-row.npy", "<i8")
        self._owners = ColumnWriter(writer.scratch / "stored-db.npy", "<i4")
        self._opened: list[StoredDb] = []

    def collect(self, further: Further | None) -> Inventory:
        if self._kind != "class":
            self._writer.ask_for(self._kind)
        changes = self._changes()
        for dataset in self._datasets:
            self._add_dataset(dataset, changes if dataset is self._datasets[0] else None)
        more = self._add_further(further) if further else None
        if missing := self._names.keys() - self._used:
            raise DataError(f"There is no class {min(missing)!r} to be renamed.", rule="NO_CLASS")
        self._places.close(durable=False)
        self._owners.close(durable=False)
        reads = self._reads(more)
        inventory = self._writer.finish(
            labels=list(self._ids),
            read=lambda _: reads[0],
            rules=Rules(labels_given=True, shuffle=bool(more) or len(self._datasets) > 1),
            origin=f"dataset {self._base.ids}",
        )
        return replace(inventory, stored=reads[1], close=self._close)

    def _close(self) -> None:
        for each in self._opened:
            each.close()

    def _changes(self) -> Changes | None:
        if not self._base.changes:
            return None
        first = self._datasets[0]
        return read_changes(self._writer.file(self._base.changes).read_bytes(), first.folder, first.facts)

    def _class(self, label: str) -> int:
        """Return the id of a class of ours by its name in a dataset or source."""
        if label in self._names:
            self._used.add(label)
        return self._ids.setdefault(self._names.get(label, label), len(self._ids))

    def _add_dataset(self, dataset: _Dataset, changes: Changes | None) -> None:
        labels: list[str] = dataset.facts["labels"]
        if dataset.kind != self._kind or (self._kind == "vector" and self._ids and list(self._ids) != labels):
            text = f"The datasets' answers are of different kinds: {self._kind} and {dataset.kind}."
            raise DataError(text, where=dataset.folder.name, rule="BASE_KIND")
        ids = [self._class(label) for label in labels]
        for db in (db for db in DBS if db in dataset.facts["dbs"]):
            stored = StoredDb(dataset.folder, db, dataset.facts)
            self._opened.append(stored)
            self._add_db(stored, ids, changes.by_db.get(db, {}) if changes else {})

    def _add_db(self, stored: StoredDb, ids: Sequence[int], changes: Mapping[int, int | None]) -> None:
        db, owner = DBS.index(stored.db), len(self._opened) - 1
        for row in range(len(stored)):
            answer = changes[row] if row in changes else stored.index.answer(row)
            if answer is None:
                self._writer.tick()
                continue
            self._writer.add(stored.index.paths[row], self._answer(answer, ids), db)
            self._places.append(row)
            self._owners.append(owner)

    def _answer(self, answer: Answer, ids: Sequence[int]) -> Answer:
        if isinstance(answer, int):
            return ids[answer]
        return answer if self._kind == "vector" else tuple(dict.fromkeys(ids[int(each)] for each in answer))

    def _add_further(self, further: Further) -> _More:
        before = self._writer.count
        picked = further(self._writer.part("further"))
        inventory = picked.inventory
        if inventory.kind != self._kind:
            text = f"The dataset's answers are of kind {self._kind}, those of the new pictures {inventory.kind}."
            raise DataError(text, where=inventory.origin, rule="BASE_KIND")
        ids = [self._class(label) for label in picked.labels]
        items = []
        for name, part in picked.parts.items():
            for item in part.order.tolist():
                answer = self._answer(picked.answer(item), ids)
                self._writer.add(inventory.names[item], answer, DBS.index(name), int(inventory.lines[item]))
                items.append(item)
        return _More(before, np.asarray(items, np.int64), inventory.read)

    def _reads(self, more: _More | None) -> tuple[Read, Callable[[int], StoredPicture | None]]:
        owners = read_column(self._writer.scratch / "stored-db.npy")
        rows = read_column(self._writer.scratch / "stored-row.npy")
        opened = self._opened

        def stored(item: int) -> StoredPicture | None:
            return opened[int(owners[item])].read(int(rows[item])) if item < len(rows) else None

        def read(item: int) -> bytes:
            if more is not None and item >= more.first:
                return more.read(int(more.items[item - more.first]))
            return opened[int(owners[item])].read(int(rows[item])).file()

        return read, stored


@dataclass(frozen=True)
class _More:
    """The pictures of the further source, from item ``first`` on."""

    first: int
    items: NDArray[np.int64]
    read: Read
