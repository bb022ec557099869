"""How many pictures of a class go where: DIGITS' arithmetic. Standard library alone."""

from __future__ import annotations

import math


def split_counts(num_pictures: int, pct_val: float, pct_test: float) -> tuple[int, int, int]:
    """Return how many of a class's pictures are for training, validation and testing.

    Shares round half away from zero, training first; the last set asked for takes the rest. Each set asked for (a share
    above 0 %) gets at least one picture where there are as many pictures as sets: the largest set gives it.
    """
    pct_train = 100 - pct_val - pct_test
    train = _share(num_pictures, pct_train)
    val = min(_share(num_pictures, pct_val), num_pictures - train) if pct_test > 0 else num_pictures - train
    counts = [train, val, num_pictures - train - val]
    wanted = [share > 1e-9 for share in (pct_train, pct_val, pct_test)]
    if num_pictures >= sum(wanted):
        for index, is_wanted in enumerate(wanted):
            if is_wanted and not counts[index]:
                counts[counts.index(max(counts))] -= 1
                counts[index] = 1
    return counts[0], counts[1], counts[2]


def _share(count: int, percent: float) -> int:
    return math.floor(count * percent / 100 + 0.5)


def num_sets(pct_val: float, pct_test: float) -> int:
    """Return how many sets are asked for: a class with fewer pictures than that is left out."""
    return (pct_val + pct_test < 100) + (pct_val > 0) + (pct_test > 0)
