"""Contours: text files of a point a line, and the masks that they enclose."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.images import read_file

_MOST_BYTES = 1_000_000
_FEWEST_POINTS = 3


def read_contour(path: bytes, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return the points [N, 2] of x, y in pixels of a picture of (height, width) ``size``; 0, 0 is the centre of the first pixel.

    Raises:
        DataError: a line is no point, one lies outside the picture, or there are not three (LABEL_CONTOUR).
    """
    data = read_file(path)
    if len(data) > _MOST_BYTES:
        raise _problem(f"The contour has {len(data):,} bytes, more than {_MOST_BYTES:,}.")
    points = [
        _point(line, number, size)
        for number, line in enumerate(data.decode("utf-8-sig", "replace").splitlines(), 1)
        if line.strip()
    ]
    if len(points) < _FEWEST_POINTS:
        raise _problem(f"The contour has {len(points)} points, which enclose nothing.")
    return np.array(points)


def _point(line: str, number: int, size: tuple[int, int]) -> tuple[float, float]:
    try:
        x, y = map(float, line.split())
    except ValueError as error:
        raise _problem(f"Line {number} is no point: {line[:40]!r}.") from error
    height, width = size
    if not (math.isfinite(x) and math.isfinite(y) and -0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
        raise _problem(f"Line {number}, {line.strip()[:40]}, lies outside the picture of {width}×{height}.")
    return x, y


def _problem(text: str) -> DataError:
    return DataError(text, hint="A line is x y, in pixels.", rule="LABEL_CONTOUR")


def enclosed(points: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the mask [H, W] of 1 within the polygon and on its edge, each point on the pixel nearest to it, and 0 outside."""
    mask_HW = np.zeros(size, np.uint8)
    limits = np.array(size[::-1]) - 1
    cv2.fillPoly(mask_HW, [np.clip(np.rint(points), 0, limits).astype(np.int32)], (1,))
    return mask_HW
