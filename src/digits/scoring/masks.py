"""How well masks are told, from the pixels of each class that were taken for each other class.

Legend: C classes; ``confusion`` is [C, C] of pixels, row = the true class, column = the class that was said.
Definitions: Long, Shelhamer, Darrell, Fully Convolutional Networks for Semantic Segmentation, 2015, section 5; the means are over the
classes that have pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digits.scoring.confusion import mean, ratio

Pixels = NDArray[np.int64]


@dataclass(frozen=True)
class MaskRow:
    """How well one class is told; None where it has no pixels."""

    label: str
    pixels: int
    iou: float | None
    """Pixels that are rightly told, as a share of those that are the class or were said to be."""
    accuracy: float | None
    """Pixels that are rightly told, as a share of those that are the class."""


@dataclass(frozen=True)
class Floor:
    """What saying the most frequent class everywhere gives: a network has learned something where it is better."""

    label: str
    pixel_accuracy: float
    mean_iou: float


def mask_rows(labels: tuple[str, ...], confusion_CC: Pixels) -> list[MaskRow]:
    """Return the rates of each class, in order of their ids."""
    pixels, said, right = confusion_CC.sum(1), confusion_CC.sum(0), confusion_CC.diagonal()
    return [
        MaskRow(label, count, ratio(hits, count + found - hits) if count else None, ratio(hits, count))
        for label, count, found, hits in zip(labels, pixels.tolist(), said.tolist(), right.tolist(), strict=True)
    ]


def mask_means(rows: list[MaskRow], confusion_CC: Pixels) -> dict[str, float | None]:
    """Return pixel_accuracy, mean_accuracy and mean_iou, each 0 to 1; None where there are no pixels."""
    return {
        "pixel_accuracy": ratio(int(confusion_CC.diagonal().sum()), int(confusion_CC.sum())),
        "mean_accuracy": mean(row.accuracy for row in rows),
        "mean_iou": mean(row.iou for row in rows),
    }


def floor(labels: tuple[str, ...], pixels_C: Pixels) -> Floor | None:
    """Return what the most frequent class alone would score on so many pixels of each class; None where there are none."""
    total = int(pixels_C.sum())
    if not total:
        return None
    place = int(pixels_C.argmax())
    share = int(pixels_C[place]) / total
    return Floor(labels[place], share, share / int(np.count_nonzero(pixels_C)))


def counted(truth: NDArray[np.uint8], said: NDArray[np.uint8], num_classes: int) -> Pixels:
    """Return the confusion [C, C] of pixels; those whose true value is no class do not count, nor what is said there."""
    counts = truth < num_classes
    cells = truth[counts].astype(np.int64) * num_classes + np.minimum(said[counts], num_classes - 1)
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)
