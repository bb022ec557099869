"""How well boxes were found: average precision as COCO counts it, by pycocotools.

Legend: a true row is (class, left, top, right, bottom, ignored), class -1 for none; a found row is (left, top, right, bottom, confidence, class),
confidence 0 for none. Pixels.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

MOST = 100  # found boxes of a picture that count, as COCO does
_EVERY_SIZE = [[0.0, 1e10]]


@dataclass(frozen=True)
class Precision:
    """Average precisions; NaN of a class that has no true box."""

    map50: float
    map50_95: float
    ap50: tuple[float, ...]
    ap50_95: tuple[float, ...]


class Detections:
    """Gathers true and found boxes, a batch at a time."""

    def __init__(self, num_classes: int) -> None:
        self._num_classes = num_classes
        self._true: list[dict[str, Any]] = []
        self._found: list[NDArray[np.float64]] = []
        self.count = 0
        self.per_class = np.zeros(num_classes, np.int64)
        """True boxes of each class."""

    def add(self, found_NK6: NDArray[np.floating], true_NM6: NDArray[np.floating]) -> None:
        """Take the boxes of a batch of pictures."""
        for found, true in zip(found_NK6, true_NM6, strict=True):
            self.count += 1
            for row in true[(true[:, 0] >= 0) | (true[:, 5] > 0)].tolist():
                self._take(row)
            sure = found[found[:, 4] > 0].astype(np.float64)
            rows = np.empty((len(sure), 7))
            rows[:, 0] = self.count
            rows[:, 1:3], rows[:, 3:5] = sure[:, :2], sure[:, 2:4] - sure[:, :2]
            rows[:, 5], rows[:, 6] = sure[:, 4], sure[:, 5]
            self._found.append(rows)

    def _take(self, row: Sequence[float]) -> None:
        category, left, top, right, bottom, ignored = row
        width, height = right - left, bottom - top
        # What is to be ignored is so for every class: whatever is found there is neither right nor wrong.
        for each in range(self._num_classes) if ignored else (int(category),):
            self._true.append(
                {
                    "id": len(self._true) + 1, "image_id": self.count, "category_id": each, "area": width * height,
                    "bbox": [left, top, width, height], "iscrowd": int(ignored > 0),
                }
            )  # fmt: skip
            if not ignored:
                self.per_class[each] += 1

    def precision(self) -> Precision:
        """Return the average precisions of what was taken so far."""
        if not self.per_class.any():
            nothing = (float("nan"),) * self._num_classes
            return Precision(float("nan"), float("nan"), nothing, nothing)
        with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints what it does
            table = self._table()
        at50 = tuple(_mean(table[0, :, each]) for each in range(self._num_classes))
        over = tuple(_mean(table[:, :, each]) for each in range(self._num_classes))
        return Precision(_nanmean(at50), _nanmean(over), at50, over)

    def _table(self) -> NDArray[np.float64]:
        """Return precision at [overlaps from 0.50 to 0.95, recalls from 0 to 1, classes]; -1 where there is none."""
        truth = COCO()
        truth.dataset = {
            "images": [{"id": each} for each in range(1, self.count + 1)],
            "categories": [{"id": each} for each in range(self._num_classes)],
            "annotations": self._true,
        }
        truth.createIndex()
        rows = np.concatenate(self._found)
        if not len(rows):
            table: NDArray[np.float64] = np.full((10, 101, self._num_classes), -1.0)
            table[:, :, self.per_class > 0] = 0.0
            return table
        evaluation = COCOeval(truth, truth.loadRes(rows), "bbox")
        evaluation.params.areaRng, evaluation.params.areaRngLbl = _EVERY_SIZE, ["all"]
        evaluation.params.maxDets = [MOST]
        evaluation.evaluate()
        evaluation.accumulate()
        found: NDArray[np.float64] = evaluation.eval["precision"][:, :, :, 0, 0]
        return found


SURE, OVERLAP = 0.3, 0.5
"""What counts as found where the boxes of one picture are counted, and how much it has to share with a true box."""


@dataclass(frozen=True)
class Matches:
    """The boxes of one picture, one by one."""

    right: int
    missed: int
    wrong: int
    worst_class: int
    """The class with the most missed and wrong boxes; -1 where there are none."""


def match(found_K6: NDArray[np.floating], true_M6: NDArray[np.floating]) -> Matches:
    """Give each true box the surest found one of its class that overlaps it enough; what lies in ignored boxes does not count."""
    found = found_K6[found_K6[:, 4] >= SURE]
    found = found[np.argsort(-found[:, 4], kind="stable")]
    true = true_M6[(true_M6[:, 0] >= 0) & (true_M6[:, 5] == 0)]
    overlaps = _overlaps(found[:, :4], true[:, 1:5]) * (found[:, 5, None] == true[None, :, 0])
    free = np.ones(len(true), bool)
    partner = np.full(len(found), False)
    for index, row in enumerate(overlaps):
        best = int(np.argmax(row * free)) if len(true) else 0
        if len(true) and free[best] and row[best] >= OVERLAP:
            free[best], partner[index] = False, True
    ignored = true_M6[true_M6[:, 5] > 0]
    beside = _inside(found[:, :4], ignored[:, 1:5]) < OVERLAP
    wrong = found[~partner & beside]
    errors = np.concatenate([true[free, 0], wrong[:, 5]]).astype(np.int64)
    worst = int(np.bincount(errors).argmax()) if len(errors) else -1
    return Matches(int(partner.sum()), int(free.sum()), len(wrong), worst)


def _shared(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    area: NDArray[np.float64] = np.clip(high - low, 0, None).prod(-1, dtype=np.float64)
    return area


def _areas(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    area: NDArray[np.float64] = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(-1, dtype=np.float64)
    return area


def _overlaps(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the intersection over union of every pair."""
    shared = _shared(one, other)
    return shared / np.maximum(_areas(one)[:, None] + _areas(other)[None] - shared, 1e-9)


def _inside(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the largest share of each box that lies in one of the others."""
    if not len(other):
        return np.zeros(len(one))
    shares: NDArray[np.float64] = (_shared(one, other) / np.maximum(_areas(one)[:, None], 1e-9)).max(1)
    return shares


def _mean(values: NDArray[np.float64]) -> float:
    known = values[values > -1]
    return float(known.mean()) if len(known) else float("nan")


def _nanmean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return sum(known) / len(known) if known else float("nan")
