"""The records of a dataset, page by page, without reading its database through: filtered by class, searched by path.

The builder writes ``index/<db>/``: class ids and paths in the order of the keys, read here as memory maps.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digits.core.errors import DigitsError, NotFoundError
from digits.core.states import JobState
from digits.data.columns import PathList, read_column
from digits.store import Job

DBS = ("train", "val", "test")
MAX_SIZE = 1000


class NotReadyError(DigitsError):
    """The database is not finished, so it cannot be looked into."""

    code = "not-ready"
    http_status = 403


@dataclass(frozen=True)
class Item:
    """One record: its key in the database, its class and where its picture came from."""

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
    """Records of each class in the whole database."""
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
    if label is not None and not 0 <= label < len(names):
        raise DigitsError(f"There is no class {label}; there are {len(names)}, from 0.")
    folder = job.folder.path / "index" / name
    ids = read_column(folder / "labels.npy")
    paths = PathList(folder)
    chosen = paths.search(search.encode("utf-8", "surrogateescape")) if search else None
    if label is not None:
        chosen = np.flatnonzero(ids == label) if chosen is None else chosen[ids[chosen] == label]
    total = len(ids) if chosen is None else len(chosen)
    wanted = range(page * size, min((page + 1) * size, total))
    rows = [place if chosen is None else int(chosen[place]) for place in wanted]
    items = [_item(job, name, row, int(ids[row]), names, paths[row]) for row in rows]
    counts = np.bincount(ids, minlength=len(names)).tolist() if len(ids) else [0] * len(names)
    return Browse(name, page, size, total, items, counts, names)


def _item(job: Job, db: str, row: int, label_id: int, names: list[str], path: bytes) -> Item:
    label = names[label_id] if 0 <= label_id < len(names) else str(label_id)
    text = path.decode("utf-8", "replace")  # a page is UTF-8, a file name need not be
    return Item(row, key_of(row, label_id), label, text, f"/datasets/{job.id}/picture/{db}/{row}")


def key_of(row: int, label_id: int) -> str:
    """Return the key of a record, DIGITS' ``%08d_%d``."""
    return f"{row:08d}_{label_id}"


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


def label_id(job: Job, db: str, row: int) -> int:
    """Return the class id of record ``row``.

    Raises:
        NotFoundError: there is no such record.
    """
    ids = read_column(index_folder(job, db) / "labels.npy")
    if not 0 <= row < len(ids):
        raise NotFoundError(f"There is no record {row} in {db}.")
    return int(ids[row])
