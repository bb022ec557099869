"""What each class's loss is multiplied by so that rare classes count, however few pictures or pixels they have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def class_weights(classes: NDArray[Any], num_classes: int) -> NDArray[np.float32]:
    """Return n / (k × n_c) for each class: n pictures in all, n_c of the class, k classes that have any. scikit-learn calls it "balanced".

    Their mean over all pictures is 1, so the learning rate means what it meant. A class without pictures has 1.

    Args:
        classes: class id of each picture.
        num_classes: length of the result.
    """
    counts = np.bincount(np.asarray(classes, np.int64), minlength=num_classes)[:num_classes]
    present = np.count_nonzero(counts)
    return np.where(counts > 0, counts.sum() / (present * np.maximum(counts, 1)), 1.0).astype(np.float32)


def pixel_weights(pixels: Sequence[int], pictures: Sequence[int]) -> NDArray[np.float32]:
    """Return the square root of median frequency balancing for each class of masks; their mean over all pixels is 1.

    A class's frequency is its share of the pixels of the pictures that hold it; its weight is the root of the median of all frequencies
    over its own (Eigen and Fergus, 2015, without the root). On street scenes the root keeps the rare classes and costs the common ones
    less than the full weight does. A class without pixels has 1.

    Args:
        pixels: of each class.
        pictures: that hold each class; all of about one size.
    """
    counts, holding = np.asarray(pixels, np.float64), np.asarray(pictures, np.float64)
    there = counts > 0
    if not there.any():
        return np.ones(len(counts), np.float32)
    frequency = counts[there] / holding[there]
    weights = np.ones(len(counts))
    weights[there] = np.sqrt(np.median(frequency) / frequency)
    weights[there] /= (weights * counts).sum() / counts.sum()
    return weights.astype(np.float32)
