"""DIGITS' four ways to bring a picture to one size, and the arithmetic behind them.

Legend: HWC = height, width, channels of uint8. Sizes are (height, width) in pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError

ResizeMode = Literal["squash", "crop", "fill", "half_crop"]
MAX_CHANNELS = 16
_CV_CHANNELS = 4  # OpenCV's limit


@dataclass(frozen=True)
class Plan:
    """Scale the picture to ``scaled``, cut ``size`` out of it from ``start`` on; where that leaves it, noise.

    ``start`` is (top, left) in the scaled picture; negative means padding of that many pixels.
    """

    scaled: tuple[int, int]
    start: tuple[int, int]
    size: tuple[int, int]


def plan(source: tuple[int, int], size: tuple[int, int], mode: ResizeMode) -> Plan:
    """Return what ``mode`` does to a picture of size ``source`` (DIGITS' arithmetic; halves round away from zero).

    ``squash`` ignores the aspect ratio; ``crop`` covers the target and cuts the longer side about its centre; ``fill`` stays
    inside it and pads; ``half_crop`` scales by the mean of the two ratios, cuts one side and pads the other. A padded side
    grows by a pixel where the padding could not be the same on both sides.
    """
    height, width = size
    h_ratio, w_ratio = source[0] / height, source[1] / width
    if mode == "squash" or h_ratio == w_ratio:
        return Plan(size, (0, 0), size)
    ratio = {"crop": min(h_ratio, w_ratio), "fill": max(h_ratio, w_ratio), "half_crop": (h_ratio + w_ratio) / 2}[mode]
    sides = [(max(1, _round(side / ratio)), target) for side, target in zip(source, size, strict=True)]
    scaled = tuple(side + (side < target and (target - side) % 2) for side, target in sides)
    start = tuple(
        _round((side - target) / 2) if side > target else -((target - side) // 2)
        for side, target in zip(scaled, size, strict=True)
    )
    return Plan((scaled[0], scaled[1]), (start[0], start[1]), size)


def _round(value: float) -> int:
    return math.floor(value + 0.5)


def resize(
    image_HWC: NDArray[np.uint8],
    size: tuple[int, int],
    mode: ResizeMode,
    *,
    rng: np.random.Generator | None = None,
) -> NDArray[np.uint8]:
    """Return the picture at ``size`` = (height, width), as DIGITS would make it.

    Shrinking averages areas, enlarging is bilinear. Padding is noise 0..254 per pixel and channel from ``rng`` (a generator
    seeded with 0 where none is given). One channel stays one channel; a picture of that size already is returned as it is.

    Raises:
        DataError: a side is 0, or ``image_HWC`` is not uint8 of 1 to 16 channels.
    """
    if image_HWC.dtype != np.uint8 or image_HWC.ndim != 3 or not 1 <= image_HWC.shape[2] <= MAX_CHANNELS:
        raise DataError(f"A picture is uint8 of 1 to {MAX_CHANNELS} channels, not {image_HWC.dtype} {image_HWC.shape}.")
    if not image_HWC.size or min(size) < 1:
        raise DataError(f"A picture of {image_HWC.shape[:2]} cannot be brought to {size}.", rule="IMG_EMPTY")
    steps = plan((image_HWC.shape[0], image_HWC.shape[1]), size, mode)
    return place(scale(image_HWC, steps.scaled), steps, rng=rng)


def scale(image_HWC: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the picture scaled to ``size``; each side by itself shrinks by area or grows bilinearly.

    OpenCV takes one interpolation for both sides, and would leave out source pixels of the one that shrinks.
    """
    height, width = image_HWC.shape[:2]
    if (height, width) == size:
        return image_HWC
    shrunk = (min(height, size[0]), min(width, size[1]))
    if shrunk != (height, width):
        image_HWC = _shrink(image_HWC, shrunk)
    if shrunk != size:
        image_HWC = _cv_resize(image_HWC, size, cv2.INTER_LINEAR)
    return image_HWC


def _shrink(image_HWC: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Average areas.

    Where both sides shrink to less than 5/6, but not below 5/12, an area is averaged from bilinear samples, one or (where a
    side shrinks to less than 2/3) two on each side: within a level of the exact average, as near to Pillow's bilinear as
    that is, and faster than OpenCV's table of weights.
    """
    ratios = image_HWC.shape[0] / size[0], image_HWC.shape[1] / size[1]
    if all(1.2 < ratio < 2.4 for ratio in ratios):
        samples = (size[0] * (1 + (ratios[0] > 1.5)), size[1] * (1 + (ratios[1] > 1.5)))
        image_HWC = _cv_resize(image_HWC, samples, cv2.INTER_LINEAR)
        if samples == size:
            return image_HWC
        if samples[1] != size[1]:  # of two pixels, bilinear is the average too, and then the faster one
            return _cv_resize(image_HWC, size, cv2.INTER_LINEAR)
    return _cv_resize(image_HWC, size, cv2.INTER_AREA)


def _cv_resize(image_HWC: NDArray[np.uint8], size: tuple[int, int], interpolation: int) -> NDArray[np.uint8]:
    channels = image_HWC.shape[2]
    if channels > _CV_CHANNELS:
        parts = [image_HWC[:, :, first : first + _CV_CHANNELS] for first in range(0, channels, _CV_CHANNELS)]
        return np.concatenate([_cv_resize(part, size, interpolation) for part in parts], axis=2)
    # OpenCV keeps Intel's kernels, twice as fast, for those who say (each thread for itself) that a last bit may differ.
    cv2.ipp.setUseIPP_NotExact(True)
    result = cv2.resize(image_HWC, (size[1], size[0]), interpolation=interpolation)
    return np.asarray(result, np.uint8).reshape(*size, image_HWC.shape[2])


def place(image_HWC: NDArray[np.uint8], steps: Plan, *, rng: np.random.Generator | None = None) -> NDArray[np.uint8]:
    """Return ``steps.size`` pixels of the scaled picture: cut where it is larger, noise where it is smaller."""
    (top, left), (height, width) = steps.start, steps.size
    cut = image_HWC[max(top, 0) : max(top, 0) + height, max(left, 0) : max(left, 0) + width]
    if cut.shape[:2] == steps.size:
        return cut
    generator = np.random.default_rng(0) if rng is None else rng
    canvas = generator.integers(0, 255, (height, width, image_HWC.shape[2]), dtype=np.uint8)
    y, x = max(-top, 0), max(-left, 0)
    canvas[y : y + cut.shape[0], x : x + cut.shape[1]] = cut
    return canvas
