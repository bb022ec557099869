"""Pairs drawn from classes of pictures: half of them two pictures of one class, half of two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def draw_pairs(sizes: Sequence[int], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ``count`` pairs of pictures, [count, 3]: the two numbers, and 1 where they are of one class; alternately alike and not.

    Pictures are numbered through the classes, of ``sizes``. Every picture is as likely as another; the two of a pair are different
    ones. Where no class has two pictures none is alike, and of a single class all are.
    """
    class_of = np.repeat(np.arange(len(sizes)), sizes)
    first_of = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    sizes_of = np.asarray(sizes)
    total = len(class_of)
    paired = np.flatnonzero(sizes_of[class_of] > 1)
    has_like, has_unlike = len(paired) > 0, np.count_nonzero(sizes_of) > 1
    is_like = np.arange(count) % 2 == 0 if has_like and has_unlike else np.full(count, has_like)
    firsts = np.where(
        is_like, paired[rng.integers(0, len(paired), count)] if has_like else 0, rng.integers(0, total, count)
    )
    starts, own = first_of[class_of[firsts]], sizes_of[class_of[firsts]]
    # another of the same class: a step of 1 to size - 1 around it; one of the others: a step past the whole class
    like = starts + (firsts - starts + rng.integers(1, np.maximum(own, 2))) % own
    unlike = (starts + own + rng.integers(0, np.maximum(total - own, 1))) % total
    return np.stack([firsts, np.where(is_like, like, unlike), is_like], axis=1).astype(np.int64)
