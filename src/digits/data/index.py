"""The index of a database, ``index/<db>/``: answers and names of the records in the order of their keys, without opening the database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.data.columns import ColumnWriter, PathList, PathListWriter, Ragged, RaggedWriter, read_column
from digits.data.reader import Answer, TargetKind
from digits.data.records import key, plain_key

_LABELS = "labels.npy"
_DTYPES = {"vector": "<f4"}
"""Of other answers than one class the index has class ids: of masks and boxes those that occur in the picture."""


class IndexWriter:
    """Writes an index, record by record.

    Args:
        folder: made if it is not there.
        kind: what the answers are.
    """

    def __init__(self, folder: Path, kind: TargetKind) -> None:
        self._paths = PathListWriter(folder)
        self._labels = ColumnWriter(folder / _LABELS, "<i4") if kind == "class" else None
        self._rows = RaggedWriter(folder, _DTYPES.get(kind, "<i4")) if kind != "class" else None

    def append(self, path: bytes, answer: Answer) -> None:
        """Add one record."""
        self._paths.append(path)
        if self._labels is not None:
            assert isinstance(answer, int)
            self._labels.append(answer)
        if self._rows is not None:
            assert isinstance(answer, tuple)
            self._rows.append(answer)

    def close(self) -> None:
        """Force all to the disk."""
        for column in (self._paths, self._labels, self._rows):
            if column is not None:
                column.close()

    def abort(self) -> None:
        """Close the files without caring what is in them."""
        for column in (self._paths, self._labels, self._rows):
            if column is not None:
                column.abort()


class Index:
    """An index open for reading, as memory maps."""

    def __init__(self, folder: Path, kind: TargetKind) -> None:
        self.kind = kind
        self.paths = PathList(folder)
        self._labels: NDArray[np.int32] | None = read_column(folder / _LABELS) if kind == "class" else None
        self._rows = Ragged(folder) if kind != "class" else None

    def __len__(self) -> int:
        return len(self.paths)

    def key(self, row: int) -> bytes:
        """Return the key of record ``row``."""
        return plain_key(row) if self._labels is None else key(row, int(self._labels[row]))

    def answer(self, row: int) -> Answer:
        """Return the answer of record ``row``."""
        if self._labels is not None:
            return int(self._labels[row])
        assert self._rows is not None
        return tuple(self._rows[row].tolist())

    def answers(self, size: int) -> NDArray[Any]:
        """Return all answers as :meth:`digits.data.reader.DatasetReader.targets` has them; ``size`` classes or numbers."""
        if self._labels is not None:
            return np.asarray(self._labels, np.int64)
        assert self._rows is not None
        if self.kind == "vector":
            return np.array(self._rows.values, np.float32).reshape(len(self), size)
        dense = np.zeros((len(self), size), np.uint8)
        dense[self._rows.rows_of(np.arange(len(self._rows.values))), self._rows.values] = 1
        return dense

    def counts(self, num_classes: int) -> list[int]:
        """Return how many records each class has; none for numbers."""
        found = self._classes()
        return [] if found is None else [int(count) for count in np.bincount(found, minlength=num_classes)]

    def rows_of(self, class_id: int) -> NDArray[np.int64]:
        """Return the records of a class, ascending."""
        found = self._classes()
        assert found is not None, "numbers are no classes"
        places = np.flatnonzero(found == class_id)
        return places if self._rows is None else self._rows.rows_of(places)

    def samples(self) -> dict[int, int]:
        """Return the first record of each class."""
        found = self._classes()
        if found is None:
            return {}
        ids, places = np.unique(found, return_index=True)
        rows = places if self._rows is None else self._rows.rows_of(places)
        return dict(zip(ids.tolist(), rows.tolist(), strict=True))

    def _classes(self) -> NDArray[np.int32] | None:
        """Return the class ids of all records after one another."""
        if self._labels is not None:
            return self._labels
        assert self._rows is not None
        return None if self.kind == "vector" else self._rows.values


def label_names(answer: Answer, labels: list[str]) -> str:
    """Return an answer in words: the names of its classes, or its numbers."""
    if isinstance(answer, int):
        return labels[answer] if 0 <= answer < len(labels) else str(answer)
    if all(isinstance(each, int) for each in answer):
        return ", ".join(label_names(int(each), labels) for each in answer)
    return ", ".join(f"{each:.6g}" for each in answer)
