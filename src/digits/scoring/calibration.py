"""How far a model's confidence can be trusted: of the pictures of which it is 90 % sure, 90 % should be right.

Guo et al., On Calibration of Modern Neural Networks, 2017: the reliability diagram and the expected calibration error over
15 bins of equal width; a bin holds its upper edge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.scoring.confusion import ratio

NUM_BINS = 15
LEVELS = (0.999, 0.99, 0.9, 0.5)


class Calibration:
    """Gathers how sure the model was of each answer and whether it was right."""

    def __init__(self) -> None:
        self._counts = np.zeros(NUM_BINS, np.int64)
        self._right = np.zeros(NUM_BINS, np.int64)
        self._sure = np.zeros(NUM_BINS, np.float64)
        self._levels = np.zeros((len(LEVELS), 2), np.int64)

    def add(self, sure_N: NDArray[np.floating[Any]], right_N: NDArray[np.bool_]) -> None:
        """Add a batch: the probability of each answer, 0 to 1, and whether it was right."""
        sure = np.asarray(sure_N, np.float64)
        bins = np.clip(np.ceil(sure * NUM_BINS).astype(np.int64) - 1, 0, NUM_BINS - 1)
        self._counts += np.bincount(bins, minlength=NUM_BINS)
        self._right += np.bincount(bins[right_N], minlength=NUM_BINS)
        self._sure += np.bincount(bins, weights=sure, minlength=NUM_BINS)
        # float32 as answers come: 0.9 of them is not less than 0.9
        for row, level in enumerate(LEVELS):
            above = np.asarray(sure_N) >= sure_N.dtype.type(level)
            self._levels[row] += (above.sum(), (above & right_N).sum())

    def error(self) -> float | None:
        """Return the expected calibration error, 0 to 1: the gap between confidence and accuracy, weighted by the bins' counts."""
        total = int(self._counts.sum())
        return float(np.abs(self._right - self._sure).sum() / total) if total else None

    def as_json(self) -> dict[str, Any]:
        """Return ``bins`` of (from, to, count, mean confidence, accuracy) and ``levels`` of (sure of at least, count, accuracy)."""
        rows = zip(self._counts.tolist(), self._sure.tolist(), self._right.tolist(), strict=True)
        return {
            "bins": [
                {
                    "from": index / NUM_BINS, "to": (index + 1) / NUM_BINS, "count": count,
                    "confidence": ratio(sure, count), "accuracy": ratio(right, count),
                }
                for index, (count, sure, right) in enumerate(rows)
            ],
            "levels": [
                {"confidence": level, "count": count, "accuracy": ratio(right, count)}
                for level, (count, right) in zip(LEVELS, self._levels.tolist(), strict=True)
            ],
        }  # fmt: skip
