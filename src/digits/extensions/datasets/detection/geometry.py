"""A picture padded and resized, and its boxes with it.

Legend: HWC = height, width, channels of uint8; sizes are (height, width) in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.resize import scale
from digits.extensions.datasets.detection.boxes import Box
from digits.extensions.datasets.detection.spec import DetectionSpec


@dataclass(frozen=True)
class Geometry:
    """What is done to every picture."""

    padding: tuple[int, int] | None
    size: tuple[int, int] | None

    @classmethod
    def of(cls, spec: DetectionSpec) -> Geometry:
        """Return what ``spec`` asks for."""
        padding = spec.padding_image_height, spec.padding_image_width
        size = spec.resize_image_height, spec.resize_image_width
        return cls(*((given[0], given[1]) if given[0] and given[1] else None for given in (padding, size)))

    @property
    def stored(self) -> tuple[int, int] | None:
        """The size that all pictures get; None where each keeps its own."""
        return self.size or self.padding

    def apply(self, image_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the picture at the upper left of black, as large as asked for.

        Raises:
            DataError: it is larger than what it is to be padded to (IMG_SIZE).
        """
        if self.padding:
            image_HWC = _padded(image_HWC, self.padding)
        return scale(image_HWC, self.size) if self.size else image_HWC

    def boxes(self, boxes: Sequence[Box], size: tuple[int, int]) -> list[Box]:
        """Return the boxes of a picture of ``size`` as they are in what :meth:`apply` makes of it."""
        before = self.padding or size
        if self.size is None or self.size == before:
            return list(boxes)
        return [box.scaled(self.size[0] / before[0], self.size[1] / before[1]) for box in boxes]


def _padded(image_HWC: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    height, width, channels = image_HWC.shape
    if (height, width) == size:
        return image_HWC
    if height > size[0] or width > size[1]:
        raise DataError(
            f"The picture is {width}×{height}, larger than the {size[1]}×{size[0]} that it is to be padded to.",
            hint="Leave padding blank, or pad to the size of the largest picture; resizing comes after it.", rule="IMG_SIZE",
        )  # fmt: skip
    canvas = np.zeros((*size, channels), np.uint8)
    canvas[:height, :width] = image_HWC
    return canvas


def within(boxes: Sequence[Box], size: tuple[int, int]) -> tuple[list[Box], tuple[str, ...]]:
    """Return the boxes cut at the edges of a picture of ``size``, without those that lie outside it, and what was done in words."""
    cut = [box.clipped(*size) for box in boxes]
    inside = [box for box in cut if not box.is_empty]
    notes = []
    if any(after is not before for after, before in zip(cut, boxes, strict=True)):
        notes.append("boxes that reached out of it were cut at its edges")
    if len(inside) < len(cut):
        notes.append("boxes that lay outside it were left out")
    return inside, tuple(notes)
