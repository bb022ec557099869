"""How well DetectNet's boxes fit the true ones: each is right, wrong or missed, and precision, recall and their product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digits.caffe.detectnet.clustering import MAX_BOXES, Box, fill_list
from digits.networks.caffe.arrays import ArrayBlob
from digits.networks.caffe.python_layer import Layer

RIGHT, WRONG, MISSED = 1.0, 2.0, 3.0
LEAST_OVERLAP = 0.7
"""Of the area of both together, that a found box and a true one must share."""


class ScoreDetections(Layer):
    """True boxes and found ones in; out, found ones with 1 (right) or 2 (wrong) and missed true ones with 3."""

    def setup(self, bottom: Sequence[ArrayBlob], top: Sequence[ArrayBlob]) -> None:
        """Look at the numbers of bottoms and tops."""
        if len(bottom) != 2 or len(top) != 1:
            raise ValueError("lists of true and of found boxes are wanted, and one top")

    def reshape(self, bottom: Sequence[ArrayBlob], top: Sequence[ArrayBlob]) -> None:
        """Make the top a list for each picture."""
        top[0].reshape(bottom[0].shape[0], MAX_BOXES, 5)

    def forward(self, bottom: Sequence[ArrayBlob], top: Sequence[ArrayBlob]) -> None:
        """Match each found box with the true one that it overlaps most and that nothing was matched with."""
        for true, found, listed in zip(bottom[0].data, bottom[1].data, top[0].data, strict=True):
            fill_list(listed, _scored(_rows(true), _rows(found)))


class mAP(Layer):  # noqa: N801 - the name in definitions
    """Scored boxes in; out, in percent, precision x recall / 100, precision and recall, over all pictures of the batch."""

    def setup(self, bottom: Sequence[ArrayBlob], top: Sequence[ArrayBlob]) -> None:
        """Look at the numbers of bottoms and tops."""
        if len(bottom) != 1 or len(top) != 3:
            raise ValueError("a list of scored boxes is wanted, and three tops: mAP, precision, recall")

    def reshape(self, bottom: Sequence[ArrayBlob], top: Sequence[ArrayBlob]) -> None:
        """Make each top one number."""
        del bottom
        for each in top:
            each.reshape(1)

    def forward(self, bottom: Sequence[ArrayBlob], top: Sequence[ArrayBlob]) -> None:
        """Count."""
        kinds = bottom[0].data[..., 4]
        right, wrong, missed = (int(np.sum(kinds == kind)) for kind in (RIGHT, WRONG, MISSED))
        precision = 100 * right / (right + wrong) if right + wrong else 0.0
        recall = 100 * right / (right + missed) if right + missed else 0.0
        for each, value in zip(top, (precision * recall / 100, precision, recall), strict=True):
            each.data[...] = value


def _rows(listed: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [row for row in listed if row.any()]


def _scored(true: list[NDArray[np.float32]], found: list[NDArray[np.float32]]) -> list[Box]:
    left = dict(enumerate(true))
    scored: list[Box] = []
    for box in found:
        best = max(left, key=lambda index: _overlap(box, left[index]), default=None)
        is_right = best is not None and _overlap(box, left[best]) >= LEAST_OVERLAP
        if is_right and best is not None:
            del left[best]
        scored.append(_box(box, RIGHT if is_right else WRONG))
    return scored + [_box(box, MISSED) for box in left.values()]


def _box(row: NDArray[np.float32], kind: float) -> Box:
    left, top, right, bottom = (float(value) for value in row[:4])
    return left, top, right, bottom, kind


def _overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the area that two boxes share, over that of both together."""
    sides = np.minimum(one[2:4], other[2:4]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    areas = [float(np.prod(box[2:4] - box[:2])) for box in (one, other)]
    return shared / (sum(areas) - shared) if shared else 0.0
