"""The records of a dataset, page by page, without reading its database through: filtered by class, searched by path.

The builder writes ``index/<db>/``: class ids and paths in the order of the keys, read here as memory maps.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digits.core.errors import DigitsError, NotFoundError
from digits.core.states import JobState
from digits.data.index import Index, label_names
from digits.store import Job

DBS = ("train", "val", "test")
MAX_SIZE = 1000


class NotReadyError(DigitsError):
    """The database is not finished, so it cannot be looked into."""

    code = "not-ready"
    http_status = 403


@dataclass(frozen=True)
class Item:
    """One record: its key in the database, its classes or numbers in words, and where its picture came from."""

    index: int
    key: str
    label: str
    path: str
    url: str


@dataclass(frozen=True)
class Browse:
    """One page of records."""

    db: str
    page: int
    size: int
    total: int
    items: list[Item]
    counts: list[int]
    """Records of each class in the whole database; empty where answers are numbers."""
    labels: list[str]

    @property
    def num_pages(self) -> int:
        """Number of pages; at least 1."""
        return max(1, -(-self.total // self.size))


def browse(job: Job, db: str, page: int, size: int, label: int | None = None, search: str = "") -> Browse:
    """Return page ``page`` (from 0) of ``size`` records of ``db``: train, val or test, or a text that holds one of these.

    Raises:
        DigitsError: there is no such database or class.
        NotReadyError: it is not finished.
    """
    name = database_name(job, db)
    if not 1 <= size <= MAX_SIZE:
        raise DigitsError(f"size must be between 1 and {MAX_SIZE:,}.")
    names: list[str] = job.facts["labels"]
    index = open_index(job, name)
    counts = index.counts(len(names))
    if label is not None and not counts:
        raise DigitsError("This dataset has numbers, not classes.")
    if label is not None and not 0 <= label < len(names):
        raise DigitsError(f"There is no class {label}; there are {len(names)}, from 0.")
    chosen = index.paths.search(search.encode("utf-8", "surrogateescape")) if search else None
    if label is not None:
        of_class = index.rows_of(label)
        chosen = of_class if chosen is None else np.intersect1d(chosen, of_class, assume_unique=True)
    total = len(index) if chosen is None else len(chosen)
    wanted = range(page * size, min((page + 1) * size, total))
    rows = [place if chosen is None else int(chosen[place]) for place in wanted]
    items = [_item(job, name, row, index, names) for row in rows]
    return Browse(name, page, size, total, items, counts, names)


def _item(job: Job, db: str, row: int, index: Index, names: list[str]) -> Item:
    label = label_names(index.answer(row), names) or "none"
    text = index.paths[row].decode("utf-8", "replace")  # a page is UTF-8, a file name need not be
    return Item(row, index.key(row).decode(), label, text, f"/datasets/{job.id}/picture/{db}/{row}")


def open_index(job: Job, db: str) -> Index:
    """Open the index of a database."""
    return Index(index_folder(job, db), job.facts.get("target_kind", "class"))


def database_name(job: Job, db: str) -> str:
    """Return which finished database ``db`` means.

    Raises:
        DigitsError: there is none of that name.
        NotReadyError: the dataset is not finished.
    """
    name = next((each for each in DBS if each in db), "")
    if not name:
        raise DigitsError(f"No create_db task for {db[:40]}", hint="There are train, val and test.")
    if job.state is not JobState.DONE:
        raise NotReadyError(
            f"This create_db task's status should be 'D' but is {job.state.value[0]!r}: the dataset is {job.state.value}.",
            hint="It can be explored when it is done.",
        )
    if name not in job.facts.get("dbs", {}) or not index_folder(job, name).is_dir():
        raise NotFoundError(
            f"No create_db task for {name}", hint=f"This dataset has {', '.join(job.facts.get('dbs', {}))}."
        )
    return name


def index_folder(job: Job, db: str) -> Path:
    """Return the folder of a database's index."""
    return job.folder.path / "index" / db


def key_of(job: Job, db: str, row: int) -> bytes:
    """Return the key of record ``row``.

    Raises:
        NotFoundError: there is no such record.
    """
    index = open_index(job, db)
    if not 0 <= row < len(index):
        raise NotFoundError(f"There is no record {row} in {db}.")
    return index.key(row)
