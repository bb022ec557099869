"""Kind ``vector``: some numbers a picture, as in regression. The label blob is [N, numbers]: what ``EuclideanLoss`` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.scoring.confusion import ratio
from digits.scoring.kept import NO_CLASS, kept
from digits.training.outputs import last_rows, of_targets, single_numbers
from digits.training.targets import Answers, Cells


class VectorTarget:
    """Numbers in, numbers out."""

    unit = 1.0
    move = None

    def __init__(self, answers: Answers) -> None:
        self._means = answers.means

    def collate(self, targets: NDArray[Any]) -> Tensor:
        """Return [N, numbers] float32."""
        return torch.from_numpy(np.asarray(targets, np.float32))

    def measure(self, outputs: Mapping[str, Tensor], targets: Tensor) -> dict[str, Tensor]:
        """Return what the network computes itself, and the mean absolute error of an output that is as the targets are."""
        found = single_numbers(outputs)
        for values in of_targets(outputs, targets):
            found["mae"] = (values.detach() - targets).abs().mean()
        return found

    def tally(self, device: torch.device) -> None:
        """Count nothing."""

    def predict(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return [N, numbers]: the last output."""
        return last_rows(outputs)

    def scores(self, labels: Sequence[str], columns: NDArray[np.int64]) -> VectorScores:
        """Return how far off the numbers are."""
        return VectorScores([labels[column] for column in columns], columns, self._means)


class VectorScores:
    """What numbers say about a model; ``means``, where they are known, are what one would say of each who has seen no picture."""

    def __init__(self, labels: Sequence[str], columns: NDArray[np.int64], means: Sequence[float] = ()) -> None:
        self._labels, self._columns = labels, columns
        self._means = np.array(means, np.float64) if len(means) == len(labels) else np.full(len(labels), np.nan)
        self._mean_off = np.zeros(len(labels))
        self._off, self._squares = np.zeros(len(labels)), np.zeros(len(labels))
        self._count = 0
        self.columns = (*labels, *(f"{label} predicted" for label in labels), "error")

    def add(self, answers: NDArray[Any], targets: NDArray[Any]) -> tuple[NDArray[Any], Cells]:
        """Take numbers [N, numbers] and what they should be; kept of a picture is its mean absolute error."""
        found, wanted = answers[:, self._columns].astype(np.float64), targets.astype(np.float64)
        off = np.abs(found - wanted)
        self._off += off.sum(axis=0)
        self._squares += (off**2).sum(axis=0)
        self._mean_off += np.abs(wanted - self._means).sum(axis=0)
        self._count += len(off)
        cells = np.round(np.concatenate([wanted, found, off.mean(axis=1, keepdims=True)], axis=1), 6).tolist()
        return kept(truth=NO_CLASS, said=NO_CLASS, wrong=True, score=off.mean(axis=1)), cells

    def result(self) -> dict[str, Any]:
        """Return the mean absolute error and the root of the mean square, of all numbers and of each.

        ``mean_error`` is the error of saying the mean of training each time, ``of_mean`` the model's as a share of that (of all numbers
        the mean of these); None where the mean is not known, or always right.
        """
        rows = [self._row(number) for number in range(len(self._labels))]
        size = self._count * len(self._labels)
        square = ratio(float(self._squares.sum()), size)
        shares = [row["of_mean"] for row in rows]
        return {
            "metrics": {
                "mae": ratio(float(self._off.sum()), size), "rmse": None if square is None else square**0.5,
                "of_mean": None if None in shares else float(np.mean(shares)),
            },
            "per_class": rows,
            "confusion": [],
            "calibration": None,
        }  # fmt: skip

    def _row(self, number: int) -> dict[str, Any]:
        off, mean_off = float(self._off[number]), float(self._mean_off[number])
        square, is_known = ratio(float(self._squares[number]), self._count), np.isfinite(mean_off)
        return {
            "label": self._labels[number], "count": self._count, "mae": ratio(off, self._count),
            "rmse": None if square is None else square**0.5,
            "mean_error": ratio(mean_off, self._count) if is_known else None,
            "of_mean": off / mean_off if is_known and mean_off else None,
        }  # fmt: skip


def make(answers: Answers) -> VectorTarget:
    """Return the kind."""
    return VectorTarget(answers)
