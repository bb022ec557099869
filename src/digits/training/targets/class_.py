"""Kind ``class``: one class id a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.core.measures import RECALL
from digits.scoring.calibration import Calibration
from digits.scoring.confusion import Confusion, ConfusionCounts, mean, ratio
from digits.scoring.kept import kept
from digits.training.outputs import class_scores, single_numbers
from digits.training.targets import Answers, Cells

TOP = 5
MOST_RECALLS = 50
"""Of more classes there is no curve each."""
_LEAST = 1e-12  # a probability of 0 would make the loss of all infinite
_SUMS_WITHIN = 0.01


class ClassTarget:
    """Class ids are floats on their way in, as all blobs of Caffe; probabilities on their way out."""

    unit = 1.0
    move = None

    def __init__(self, answers: Answers) -> None:
        self._labels = answers.labels

    def collate(self, targets: NDArray[Any]) -> Tensor:
        """Return [N] float32."""
        return torch.from_numpy(np.asarray(targets, np.float32))

    def measure(self, outputs: Mapping[str, Tensor], targets: Tensor) -> dict[str, Tensor]:  # noqa: ARG002 - the protocol's
        """Return the losses and accuracies that the network itself computes."""
        return single_numbers(outputs)

    def tally(self, device: torch.device) -> Recalls | None:
        """Return what finds the share of each class's pictures that are told; of many classes nobody reads as many curves."""
        return Recalls(self._labels, device) if len(self._labels) <= MOST_RECALLS else None

    def predict(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return [N, classes]: the last output, as DIGITS takes it, with places beyond the classes averaged."""
        scores = list(outputs.values())[-1]
        probabilities: NDArray[Any] = scores.reshape(*scores.shape[:2], -1).mean(axis=2)
        return probabilities

    def scores(self, labels: Sequence[str], columns: NDArray[np.int64]) -> ClassScores:
        """Return accuracy, top 5, log loss, the confusion of all classes and how far the confidence can be trusted."""
        return ClassScores(labels, columns)


class Recalls:
    """How many pictures each class has and how many of them are told, over a validation."""

    def __init__(self, labels: Sequence[str], device: torch.device) -> None:
        self._labels = labels
        self._all, self._right = (torch.zeros(len(labels), dtype=torch.int64, device=device) for _ in range(2))

    @property
    def counts(self) -> Sequence[Tensor]:
        """Pictures of each class, and those of them that were told."""
        return self._all, self._right

    def add(self, outputs: Mapping[str, Tensor], targets: Tensor) -> None:
        """Take the scores of a batch; a network that shows none is not counted."""
        num_classes = len(self._labels)
        scores = class_scores(outputs, len(targets), num_classes)
        if scores is None:
            return
        truth = targets.long()
        right = truth[scores[:, :num_classes].argmax(1) == truth]
        self._all += torch.bincount(truth, minlength=num_classes)
        self._right += torch.bincount(right, minlength=num_classes)

    def result(self) -> dict[str, float]:
        """Return ``recall/<label>`` of each class that has pictures."""
        rows = zip(self._labels, self._all.tolist(), self._right.tolist(), strict=True)
        return {f"{RECALL}/{label}": right / count for label, count, right in rows if count}


class ClassScores:
    """What one class a picture says about a model."""

    def __init__(self, labels: Sequence[str], columns: NDArray[np.int64]) -> None:
        self._labels, self._ids = labels, columns
        self._top = min(TOP, len(labels))
        self._confusion, self._calibration = ConfusionCounts(len(labels)), Calibration()
        self._count = self._in_top = 0
        self._loss = 0.0
        self._are_probabilities = True
        later = [f"{word}_{place}" for place in range(2, self._top + 1) for word in ("prediction", "probability")]
        self.columns = ("label", "prediction", "probability", "right", *later)

    def add(self, answers: NDArray[Any], targets: NDArray[Any]) -> tuple[NDArray[Any], Cells]:
        """Take probabilities [N, classes] and class ids [N]; outputs beyond the labels are left out, as in DIGITS."""
        known_NC = answers[:, : len(self._labels)]
        truth = self._ids[targets]
        order = np.argsort(-known_NC, axis=1, kind="stable")[:, : self._top]
        said = order[:, 0]
        best = np.take_along_axis(known_NC, order, axis=1)
        self._confusion.add(truth, said)
        self._calibration.add(best[:, 0], said == truth)
        self._count += len(truth)
        self._in_top += int((order == truth[:, None]).any(axis=1).sum())
        own = known_NC[np.arange(len(truth)), truth].astype(np.float64)
        self._loss += float(-np.log(np.maximum(own, _LEAST)).sum())
        self._are_probabilities &= bool((np.abs(answers.sum(axis=1) - 1) < _SUMS_WITHIN).all())
        cells = [
            (self._labels[true], *self._cells(ids, values, int(true)))
            for true, ids, values in zip(truth, order.tolist(), best.tolist(), strict=True)
        ]
        return kept(truth=truth, said=said, wrong=said != truth, score=best[:, 0]), cells

    def _cells(self, ids: list[int], values: list[float], true: int) -> tuple[object, ...]:
        pairs = [(self._labels[each], round(value, 6)) for each, value in zip(ids, values, strict=True)]
        return (*pairs[0], int(ids[0] == true), *(cell for pair in pairs[1:] for cell in pair))

    def result(self) -> dict[str, Any]:
        """Return the numbers; ``confusion`` names classes by their labels. Scores that are no probabilities are not calibrated."""
        confusion = Confusion(self._labels, self._confusion.cells())
        metrics = {
            "accuracy": ratio(confusion.right, confusion.count),
            f"top{TOP}": ratio(self._in_top, self._count),
            "mean_f1": mean(each.f1 for each in confusion.per_class),
        }
        if self._are_probabilities:
            metrics |= {
                "log_loss": ratio(self._loss, self._count),
                "expected_calibration_error": self._calibration.error(),
            }
        return {
            "metrics": metrics,
            "per_class": [asdict(each) for each in confusion.per_class],
            "confusion": [[self._labels[row], self._labels[column], count] for row, column, count in confusion.cells],
            "calibration": self._calibration.as_json() if self._are_probabilities else None,
        }


def make(answers: Answers) -> ClassTarget:
    """Return the kind."""
    return ClassTarget(answers)
