"""Kind ``classes``: any number of classes a picture, each asked for by itself.

The network's label blob is [N, classes], 1 where a picture is of a class: what ``SigmoidCrossEntropyLoss`` takes. An output of that shape
(a ``Sigmoid`` that is left in training and validation) is measured; scores beyond 0..1 are taken through the sigmoid first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.scoring.confusion import ClassRow, mean, ratio
from digits.scoring.kept import NO_CLASS, kept
from digits.training.outputs import last_rows, of_targets, single_numbers
from digits.training.targets import Answers, Cells

YES = 0.5
"""A class is found from this probability on."""


class ClassesTarget:
    """Zeros and ones on their way in, a probability for each class on their way out."""

    unit = 1.0
    move = None

    def collate(self, targets: NDArray[Any]) -> Tensor:
        """Return [N, classes] float32 of 0 and 1."""
        return torch.from_numpy(np.asarray(targets, np.float32))

    def measure(self, outputs: Mapping[str, Tensor], targets: Tensor) -> dict[str, Tensor]:
        """Return what the network computes itself, the share of right answers over all labels, and F1.

        F1 is each picture's own, 1 where it has no class and none is found, and the mean of these.
        """
        found = single_numbers(outputs)
        for scores in of_targets(outputs, targets):
            probabilities, wanted = as_probabilities(scores), targets.bool()
            said = probabilities >= YES
            both, either = (said & wanted).sum(1), said.sum(1) + wanted.sum(1)
            f1 = torch.where(either > 0, 2 * both / either.clamp(min=1), torch.ones((), device=scores.device))
            found |= {"label_accuracy": (said == wanted).float().mean(), "label_f1": f1.mean()}
        return found

    def tally(self, device: torch.device) -> None:
        """Count nothing."""

    def predict(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return [N, classes], each class's own probability: the last output."""
        return as_probabilities(torch.from_numpy(last_rows(outputs))).numpy()

    def scores(self, labels: Sequence[str], columns: NDArray[np.int64]) -> ClassesScores:
        """Return precision, recall and F1 of each class, and their mean."""
        return ClassesScores([labels[column] for column in columns], columns)


class ClassesScores:
    """What any number of classes a picture say about a model; of the classes that the targets have."""

    columns = ("labels", "predictions", "probabilities", "right")

    def __init__(self, labels: Sequence[str], columns: NDArray[np.int64]) -> None:
        self._labels, self._columns = labels, columns
        self._wanted, self._said, self._right = (np.zeros(len(labels), np.int64) for _ in range(3))
        self._count = self._whole = self._equal = 0

    def add(self, answers: NDArray[Any], targets: NDArray[Any]) -> tuple[NDArray[Any], Cells]:
        """Take probabilities [N, classes] and zeros and ones [N, classes].

        Kept of a picture is the class about which the model errs most surely, missed or found; without an error, the least sure one.
        """
        probabilities, wanted = answers[:, self._columns], targets.astype(bool)
        said = probabilities >= YES
        for total, each in ((self._wanted, wanted), (self._said, said), (self._right, wanted & said)):
            total += each.sum(axis=0)
        wrong = wanted != said
        self._count += len(wanted)
        self._whole += int((~wrong.any(axis=1)).sum())
        self._equal += int((~wrong).sum())
        sure = np.where(said, probabilities, 1 - probabilities)
        worst = np.where(wrong.any(axis=1), np.where(wrong, sure, -1).argmax(axis=1), sure.argmin(axis=1))
        rows = np.arange(len(worst))
        ids = self._columns[worst]
        rest = kept(
            truth=np.where(wanted[rows, worst], ids, NO_CLASS), said=np.where(said[rows, worst], ids, NO_CLASS),
            wrong=wrong.any(axis=1), score=sure[rows, worst],
        )  # fmt: skip
        return rest, [self._cells(*each) for each in zip(probabilities, wanted, said, strict=True)]

    def _cells(self, probabilities: NDArray[Any], wanted: NDArray[Any], said: NDArray[Any]) -> tuple[object, ...]:
        names = [";".join(self._labels[index] for index in np.flatnonzero(each).tolist()) for each in (wanted, said)]
        return *names, ";".join(f"{value:.4f}" for value in probabilities[said]), int((wanted == said).all())

    def result(self) -> dict[str, Any]:
        """Return the numbers; ``accuracy`` is the share of pictures with every class right."""
        rows = [
            ClassRow.of(label, count=int(wanted), predicted=int(said), right=int(right))
            for label, wanted, said, right in zip(self._labels, self._wanted, self._said, self._right, strict=True)
        ]
        metrics = {
            "mean_f1": mean(each.f1 for each in rows),
            "accuracy": ratio(self._whole, self._count),
            "label_accuracy": ratio(self._equal, self._count * len(rows)),
        }
        return {"metrics": metrics, "per_class": [asdict(each) for each in rows], "confusion": [], "calibration": None}


def as_probabilities(scores: Tensor) -> Tensor:
    """Return scores through the sigmoid unless all are probabilities already."""
    scores = scores.detach()
    is_done = scores.numel() == 0 or (scores.min() >= 0 and scores.max() <= 1)
    return scores if is_done else torch.sigmoid(scores)


def make(answers: Answers) -> ClassesTarget:  # noqa: ARG001 - every kind's
    """Return the kind."""
    return ClassesTarget()
