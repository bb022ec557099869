"""What the answers to a list of pictures say about the model: accuracy, confusion, and where it errs with confidence.

Legend: N pictures, K answers kept for each (the best five), C classes. Truth -1 is a picture without a label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.scoring.confusion import Confusion, ConfusionCounts, ratio

TOP = 5
UNKNOWN = -1


@dataclass(frozen=True)
class Mistake:
    """A picture that was given a wrong class."""

    path: str
    true_label: str
    predicted_label: str
    probability: float
    row: int = -1
    """Which of the answered pictures it is."""


@dataclass
class Tally:
    """Answers gathered chunk by chunk; a number costs four bytes, so that 200,000 pictures are no burden."""

    labels: Sequence[str]
    paths: list[str] = field(default_factory=list)
    _truth: list[NDArray[np.int32]] = field(default_factory=list)
    _ids: list[NDArray[np.int32]] = field(default_factory=list)
    _probabilities: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, paths: Sequence[str], truth: Sequence[int], tops: Sequence[Sequence[Sequence[Any]]]) -> None:
        """Add answers: for each path its true class id, and its best ``(class id, label, probability)``."""
        if not paths:
            return
        self.paths.extend(paths)
        known = [each if 0 <= each < len(self.labels) else UNKNOWN for each in truth]
        self._truth.append(np.asarray(known, np.int32))
        ids = np.full((len(paths), TOP), UNKNOWN - 1, np.int32)
        probabilities = np.zeros((len(paths), TOP), np.float32)
        for row, top in enumerate(tops):
            for place, answer in enumerate(top[:TOP]):
                ids[row, place], probabilities[row, place] = answer[0], answer[2]
        self._ids.append(ids)
        self._probabilities.append(probabilities)

    def __len__(self) -> int:
        return len(self.paths)

    def report(self, *, num_mistakes: int = 24) -> Report:
        """Return what the answers say."""
        if not self.paths:
            empty = np.empty(0, np.int32)
            return Report(
                self.labels, self.paths, empty, np.empty((0, TOP), np.int32), np.empty((0, TOP), np.float32), 0
            )
        return Report(
            self.labels, self.paths, np.concatenate(self._truth), np.concatenate(self._ids),
            np.concatenate(self._probabilities), num_mistakes,
        )  # fmt: skip


class Report:
    """The numbers of a page of results."""

    def __init__(
        self,
        labels: Sequence[str],
        paths: Sequence[str],
        truth_N: NDArray[np.int32],
        ids_NK: NDArray[np.int32],
        probabilities_NK: NDArray[np.float32],
        num_mistakes: int,
    ) -> None:
        self.labels, self.paths = labels, paths
        self._truth, self._ids, self._probabilities = truth_N, ids_NK, probabilities_NK
        self.count = len(paths)
        known = truth_N >= 0
        self.labelled = int(known.sum())
        right = ids_NK[:, 0] == truth_N
        in_top = (ids_NK == truth_N[:, None]).any(axis=1)
        self.top1 = ratio(int(right[known].sum()), self.labelled)
        self.top5 = ratio(int(in_top[known].sum()), self.labelled)
        counts = ConfusionCounts(len(labels))
        counts.add(truth_N[known], ids_NK[known, 0])
        self.confusion = Confusion(labels, counts.cells())
        self.mistakes = self._mistakes(known & ~right, num_mistakes)

    def _mistakes(self, wrong: NDArray[np.bool_], most: int) -> list[Mistake]:
        places = np.flatnonzero(wrong)
        order = places[np.argsort(-self._probabilities[places, 0], kind="stable")][:most]
        return [
            Mistake(
                self.paths[place],
                self.labels[self._truth[place]],
                self.labels[self._ids[place, 0]],
                float(self._probabilities[place, 0]),
                place,
            )
            for place in order.tolist()
        ]

    def rows(self, start: int = 0, count: int = 100) -> list[tuple[str, str, list[tuple[str, float]]]]:
        """Return (path, true label or "", [(label, probability), ...]) of some pictures, in the order of the list."""
        found = []
        for place in range(start, min(start + count, self.count)):
            truth = int(self._truth[place])
            answers = [
                (self.labels[index], float(share))
                for index, share in zip(self._ids[place], self._probabilities[place], strict=True)
                if index >= 0
            ]
            found.append((self.paths[place], self.labels[truth] if truth >= 0 else "", answers))
        return found


class Best:
    """The pictures with the highest score of each class, kept while scores come chunk by chunk."""

    def __init__(self, num_classes: int, count: int) -> None:
        self._scores = np.full((num_classes, count), -np.inf, np.float32)
        self._rows = np.full((num_classes, count), -1, np.int64)
        self._seen = 0

    def add(self, scores_NC: NDArray[np.float32]) -> None:
        """Take the scores of the next pictures."""
        rows = np.arange(self._seen, self._seen + len(scores_NC))
        self._seen += len(scores_NC)
        scores = np.concatenate([self._scores, scores_NC.T], axis=1)
        places = np.concatenate([self._rows, np.broadcast_to(rows, (len(self._rows), len(rows)))], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, : self._scores.shape[1]]
        self._scores = np.take_along_axis(scores, order, axis=1)
        self._rows = np.take_along_axis(places, order, axis=1)

    def of(self, class_id: int) -> list[tuple[int, float]]:
        """Return (place of the picture, score) of the best of a class, best first."""
        pairs = zip(self._rows[class_id].tolist(), self._scores[class_id].tolist(), strict=True)
        return [(row, score) for row, score in pairs if row >= 0]
