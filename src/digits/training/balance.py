"""What each class's loss is multiplied by so that all classes weigh alike, however many pictures they have."""

from __future__ import annotations

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
