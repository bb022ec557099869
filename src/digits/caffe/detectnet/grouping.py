"""Rectangles that nearly are the same become one: OpenCV's ``groupRectangles``, which its version 5 has no more.

Legend: a rectangle is (x, y, width, height), whole pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Rect = NDArray[np.int64]


def group_rectangles(rects: Sequence[Rect], threshold: int, eps: float) -> list[tuple[Rect, int]]:
    """Return the mean of each group of more than ``threshold`` rectangles, and how many it has.

    Args:
        rects: any number of rectangles.
        threshold: groups of no more are left out.
        eps: how far sides may lie apart, in halves of the mean of width and height of the smaller one.
    """
    groups = _groups(rects, eps)
    means = [np.rint(np.mean([rects[index] for index in group], axis=0)).astype(np.int64) for group in groups]
    large = [(mean, len(group)) for mean, group in zip(means, groups, strict=True) if len(group) > threshold]
    return [
        (mean, count)
        for place, (mean, count) in enumerate(large)
        if not any(
            other_place != place and _lies_in(mean, other, eps) and (others > max(3, count) or count < 3)
            for other_place, (other, others) in enumerate(large)
        )
    ]


def _groups(rects: Sequence[Rect], eps: float) -> list[list[int]]:
    """Return who is like whom, or like one who is, in the order of the first of each group."""
    everyone = np.array(rects, np.int64).reshape(-1, 4)
    left = np.ones(len(everyone), bool)
    groups = []
    while left.any():
        group = [int(np.argmax(left))]
        left[group[0]] = False
        for member in group:  # it grows while it is walked
            alike = np.flatnonzero(left & _are_alike(everyone[member], everyone, eps))
            left[alike] = False
            group += alike.tolist()
        groups.append(group)
    return groups


def _are_alike(one: Rect, others: NDArray[np.int64], eps: float) -> NDArray[np.bool_]:
    allowed = eps * np.minimum(one[2:], others[:, 2:]).sum(1, keepdims=True) * 0.5
    begins = np.abs(one[:2] - others[:, :2])
    ends = np.abs(one[:2] + one[2:] - others[:, :2] - others[:, 2:])
    return np.asarray(np.all(np.hstack([begins, ends]) <= allowed, axis=1))


def _lies_in(inner: Rect, outer: Rect, eps: float) -> bool:
    margin = np.rint(outer[2:] * eps)
    begins = np.all(inner[:2] >= outer[:2] - margin)
    return bool(begins and np.all(inner[:2] + inner[2:] <= outer[:2] + outer[2:] + margin))
