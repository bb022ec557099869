"""Kind ``mask``: the class of each pixel, as in segmentation.

On its way in a mask is uint8 [N, 1, H, W] of class ids, floats once it is on the device, as all blobs of Caffe; the dataset's ignore label
stands where no class is meant. A network answers with [N, classes, H, W], scores or probabilities, of the mask's size: in training and
validation under the name ``scores`` (``digits.training.outputs``), in tests as its last output. Curves are ``pixel_accuracy``,
``mean_iou`` and ``iou/<label>``, of the pixels that count of the whole validation set.

Legend: N pictures, C classes, H height, W width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.core.measures import IOU
from digits.scoring.kept import NO_CLASS, kept
from digits.scoring.masks import counted, floor, mask_means, mask_rows
from digits.training.geometry import Moves, moved
from digits.training.outputs import pixel_scores, single_numbers
from digits.training.targets import Answers, Cells

_NOTHING = 255
"""In the place of values that are no class, where answers are scored: 256 classes leave no pixel over to be ignored."""


class MaskTarget:
    """Class ids of pixels in, class ids of pixels out."""

    unit = 1.0

    def __init__(self, answers: Answers) -> None:
        self._labels, self._ignore = answers.labels, answers.ignore_label

    def collate(self, targets: NDArray[Any]) -> Tensor:
        """Return uint8 [N, 1, H, W]."""
        return torch.from_numpy(np.ascontiguousarray(targets, np.uint8))[:, None]

    def move(self, targets: Tensor, by: Moves) -> Tensor:
        """Return each pixel's nearest; from beyond the edges comes the ignore label, or the border's class where there is none."""
        return moved(targets, by, self._ignore)

    def measure(self, outputs: Mapping[str, Tensor], targets: Tensor) -> dict[str, Tensor]:
        """Return what the network computes itself, and the share of right pixels where it shows its scores."""
        found = single_numbers(outputs)
        scores = pixel_scores(outputs, targets)
        if scores is not None:
            truth = targets[:, 0]
            counts = truth != self._ignore if self._ignore is not None else torch.ones_like(truth, dtype=torch.bool)
            right = (scores.argmax(1) == truth) & counts
            found["pixel_accuracy"] = right.sum() / counts.sum().clamp(min=1)
        return found

    def tally(self, device: torch.device) -> MaskTally:
        """Return what counts pixels over a validation."""
        return MaskTally(self._labels, self._ignore, device)

    def predict(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return uint8 [N, H, W]: the class of the greatest score of each pixel in the last output."""
        classes: NDArray[np.uint8] = list(outputs.values())[-1].argmax(axis=1).astype(np.uint8)
        return classes

    def scores(self, labels: Sequence[str], columns: NDArray[np.int64]) -> MaskScores:
        """Return pixel accuracy, mean accuracy and mean IoU, those of each class, and the confusion in pixels."""
        return MaskScores(labels, columns, self._ignore)


class MaskTally:
    """The confusion of all pixels that count, over a validation."""

    def __init__(self, labels: tuple[str, ...], ignore_label: int | None, device: torch.device) -> None:
        self._labels, self._ignore = labels, ignore_label
        self._cells = torch.zeros(len(labels) ** 2, dtype=torch.int64, device=device)

    @property
    def counts(self) -> Sequence[Tensor]:
        """Pixels of each class that were taken for each class."""
        return (self._cells,)

    def add(self, outputs: Mapping[str, Tensor], targets: Tensor) -> None:
        """Take the scores of a batch; a network that shows none is not counted."""
        scores, num_classes = pixel_scores(outputs, targets), len(self._labels)
        if scores is None or scores.shape[1] < num_classes:
            return
        truth, said = targets[:, 0].long(), scores[:, :num_classes].argmax(1)
        counts = truth < num_classes
        if self._ignore is not None:  # it may be a class's id: then that class does not count
            counts &= truth != self._ignore
        cells = torch.where(counts, truth * num_classes + said, num_classes**2)
        self._cells += torch.bincount(cells.flatten(), minlength=num_classes**2 + 1)[: num_classes**2]

    def result(self) -> dict[str, float]:
        """Return ``pixel_accuracy``, ``mean_iou`` and ``iou/<label>`` of each class that has pixels; nothing where none was counted."""
        num_classes = len(self._labels)
        confusion = self._cells.cpu().numpy().reshape(num_classes, num_classes)
        rows = mask_rows(self._labels, confusion)
        means = mask_means(rows, confusion)
        named = {name: means[name] for name in ("pixel_accuracy", "mean_iou")}
        named |= {f"{IOU}/{row.label}": row.iou for row in rows}
        return {name: value for name, value in named.items() if value is not None}


class MaskScores:
    """What masks say about a model; kept of a picture is the confusion of classes that costs it the most pixels."""

    columns = ("pixels", "pixel_accuracy", "mean_iou", "most_missed", "taken_for")

    def __init__(self, labels: Sequence[str], columns: NDArray[np.int64], ignore_label: int | None) -> None:
        self._labels = tuple(labels)
        self._ids = np.full(256, _NOTHING, np.uint8)
        self._ids[: len(columns)] = columns
        if ignore_label is not None:
            self._ids[ignore_label] = _NOTHING
        self._confusion = np.zeros((len(labels), len(labels)), np.int64)

    def add(self, answers: NDArray[Any], targets: NDArray[Any]) -> tuple[NDArray[Any], Cells]:
        """Take masks [N, H, W] and what they should be; the score that is kept is the share of wrong pixels."""
        cells: list[tuple[object, ...]] = []
        rows = np.zeros((len(answers), 2), np.int64)
        wrong = np.zeros(len(answers))
        for place, (said, truth) in enumerate(zip(answers, targets, strict=True)):
            confusion = counted(self._ids[truth], said, len(self._labels))
            self._confusion += confusion
            means = mask_means(mask_rows(self._labels, confusion), confusion)
            errors = confusion - np.diag(confusion.diagonal())
            rows[place] = np.unravel_index(errors.argmax(), errors.shape) if errors.any() else (NO_CLASS, NO_CLASS)
            wrong[place] = errors.sum() / max(1, int(confusion.sum()))
            names = [self._labels[each] if each != NO_CLASS else "" for each in rows[place].tolist()]
            cells.append((int(confusion.sum()), *map(_rounded, (means["pixel_accuracy"], means["mean_iou"])), *names))
        return kept(truth=rows[:, 0], said=rows[:, 1], wrong=wrong > 0, score=wrong), cells

    def result(self) -> dict[str, Any]:
        """Return the numbers; ``floor`` is what the most frequent class alone would score."""
        confusion = self._confusion
        rows = mask_rows(self._labels, confusion)
        least = floor(self._labels, confusion.sum(1))
        true, said = np.nonzero(confusion)
        return {
            "metrics": mask_means(rows, confusion),
            "per_class": [asdict(row) for row in rows],
            "confusion": [
                [self._labels[row], self._labels[column], int(confusion[row, column])]
                for row, column in zip(true.tolist(), said.tolist(), strict=True)
            ],
            "calibration": None,
            "floor": asdict(least) if least else None,
        }


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 6)


def make(answers: Answers) -> MaskTarget:
    """Return the kind."""
    return MaskTarget(answers)
