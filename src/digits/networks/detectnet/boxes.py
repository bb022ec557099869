"""Boxes as DetectNet's labels hold them, and what becomes of them when their picture is changed.

Legend: a table is (boxes, 16), float32; a row is x, y, width, height, alpha, class, 0, rotation, truncated, occluded, length, width, height,
x, y, z (KITTI's facts after the class are carried along and not used). Pixels; a picture of width W reaches from 0 to W.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NUM_FACTS = 16
X, Y, WIDTH, HEIGHT, CLASS = 0, 1, 2, 3, 5
Boxes = NDArray[np.float32]


def boxes_of(label: Boxes) -> Boxes:
    """Return the table of a label (rows, 16), whose first row holds the number of boxes; what it says beyond its rows is passed over."""
    count = int(label[0, 0]) if len(label) and np.isfinite(label[0, 0]) else 0
    return label[1 : 1 + max(0, count)].copy()


def flipped(boxes: Boxes, width: int) -> Boxes:
    """Return the boxes of a picture that was mirrored, left to right."""
    return _with(boxes, x=width - boxes[:, X] - boxes[:, WIDTH])


def scaled(boxes: Boxes, by_x: float, by_y: float) -> Boxes:
    """Return the boxes of a picture that was enlarged."""
    return _with(
        boxes, x=boxes[:, X] * by_x, y=boxes[:, Y] * by_y, width=boxes[:, WIDTH] * by_x, height=boxes[:, HEIGHT] * by_y
    )


def turned(boxes: Boxes, matrix_2x3: NDArray[np.float64]) -> Boxes:
    """Return, for each box, the upright one around its turned corners."""
    left, top = boxes[:, X], boxes[:, Y]
    right, bottom = left + boxes[:, WIDTH], top + boxes[:, HEIGHT]
    corners = np.array([[left, right, left, right], [top, top, bottom, bottom], np.ones((4, len(boxes)))])
    x, y = np.einsum("ij,jcn->icn", matrix_2x3, corners)
    return _with(boxes, x=x.min(0), y=y.min(0), width=np.ptp(x, axis=0), height=np.ptp(y, axis=0))


def moved(boxes: Boxes, x: int, y: int) -> Boxes:
    """Return the boxes of a part of the picture that begins at (x, y)."""
    return _with(boxes, x=boxes[:, X] - x, y=boxes[:, Y] - y)


def clipped(boxes: Boxes, width: int, height: int) -> Boxes:
    """Return what of the boxes lies in a picture of this size; those of which nothing does are left out."""
    left, right = (np.clip(boxes[:, X] + extra, 0, width) for extra in (0, boxes[:, WIDTH]))
    top, bottom = (np.clip(boxes[:, Y] + extra, 0, height) for extra in (0, boxes[:, HEIGHT]))
    return with_area(_with(boxes, x=left, y=top, width=right - left, height=bottom - top))


def with_area(boxes: Boxes) -> Boxes:
    """Return the boxes that have one."""
    return boxes[(boxes[:, WIDTH] > 0) & (boxes[:, HEIGHT] > 0)]


def _with(boxes: Boxes, **columns: NDArray[np.floating]) -> Boxes:
    changed = boxes.copy()
    for name, values in columns.items():
        changed[:, {"x": X, "y": Y, "width": WIDTH, "height": HEIGHT}[name]] = values
    return changed
