"""Which class was taken for which, counted; and the rates that follow.

Legend: N pictures, C classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClassRow:
    """How well one class is found; None where nothing of it was there to tell."""

    label: str
    count: int
    precision: float | None
    recall: float | None
    f1: float | None

    @classmethod
    def of(cls, label: str, *, count: int, predicted: int, right: int) -> ClassRow:
        """Return the rates of a class with ``count`` pictures, given ``predicted`` times and ``right`` of these rightly."""
        # F1 is 2 right / (count + predicted): defined wherever the class occurs at all.
        return cls(label, count, ratio(right, predicted), ratio(right, count), ratio(2 * right, count + predicted))

    @property
    def wrong(self) -> int:
        """Pictures of the class that were not found."""
        return self.count - round(self.count * (self.recall or 0.0))


@dataclass(frozen=True)
class Pair:
    """So many pictures of one class were taken for another."""

    true_id: int
    predicted_id: int
    true_label: str
    predicted_label: str
    count: int
    share: float
    """Of the pictures of the true class."""


class ConfusionCounts:
    """Counts pairs of (true class, predicted class) batch by batch; only those that occur take memory."""

    def __init__(self, num_classes: int) -> None:
        self._num_classes = max(1, num_classes)
        self._counts: Counter[int] = Counter()

    def add(self, truth_N: NDArray[np.integer[Any]], said_N: NDArray[np.integer[Any]]) -> None:
        """Count a batch of class ids."""
        cells, counts = np.unique(truth_N.astype(np.int64) * self._num_classes + said_N, return_counts=True)
        for cell, count in zip(cells.tolist(), counts.tolist(), strict=True):
            self._counts[cell] += count

    def cells(self) -> list[tuple[int, int, int]]:
        """Return (true id, predicted id, count) of the cells that are not 0, in order."""
        return [(*divmod(cell, self._num_classes), count) for cell, count in sorted(self._counts.items())]


class Confusion:
    """A confusion matrix by its cells that are not 0: C x C of them would be too many."""

    def __init__(self, labels: Sequence[str], cells: Iterable[tuple[int, int, int]]) -> None:
        self.labels = labels
        self.cells = list(cells)
        self.count = sum(count for *_, count in self.cells)
        self.right = sum(count for row, column, count in self.cells if row == column)

    @property
    def wrong(self) -> int:
        """Pictures that were taken for another class."""
        return self.count - self.right

    @cached_property
    def per_class(self) -> list[ClassRow]:
        """The rates of each class, in order of their ids."""
        true, predicted, right = (np.zeros(len(self.labels), np.int64) for _ in range(3))
        for row, column, count in self.cells:
            true[row] += count
            predicted[column] += count
            right[row] += count * (row == column)
        return [
            ClassRow.of(label, count=int(true[index]), predicted=int(predicted[index]), right=int(right[index]))
            for index, label in enumerate(self.labels)
        ]

    @cached_property
    def pairs(self) -> list[Pair]:
        """Every pair of classes that was confused, the worst first."""
        wrong = sorted((cell for cell in self.cells if cell[0] != cell[1]), key=lambda cell: -cell[2])
        return [
            Pair(row, column, self.labels[row], self.labels[column], count, count / self.per_class[row].count)
            for row, column, count in wrong
        ]


def ratio(part: float, whole: float) -> float | None:
    """Return ``part / whole``; None where there is no whole."""
    return part / whole if whole else None


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values that are known; None where none is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
