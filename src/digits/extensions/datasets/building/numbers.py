"""What is known of the numbers that are to be learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.data.index import Index


def numbers_of(folder: Path, dbs: Sequence[str], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return, of each number: its name, least, greatest, mean and standard deviation in training, and ``mean_error``.

    That is by how much one who always says the mean of training is wrong: the mean absolute error for validation, where there are such
    records, else for training. What a network says is worth something where it is less wrong.
    """

    def values(db: str) -> NDArray[np.float64]:
        return Index(folder / "index" / db, "vector").answers(len(labels)).astype(np.float64)

    train = values(dbs[0])
    mean = train.mean(axis=0)
    errors = np.abs(values("val" if "val" in dbs else dbs[0]) - mean).mean(axis=0)
    columns = zip(labels, train.min(axis=0), train.max(axis=0), mean, train.std(axis=0), errors, strict=True)
    keys = ("min", "max", "mean", "std", "mean_error")
    return [
        {"name": name} | {key: float(each) for key, each in zip(keys, found, strict=True)} for name, *found in columns
    ]
