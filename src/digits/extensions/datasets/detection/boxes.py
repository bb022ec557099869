"""Boxes around things: as annotation files have them, as a picture of another size has them, and as DIGITS' label databases do.

Coordinates are pixels of the picture, from its left and upper edge; ``right`` and ``bottom`` are where a box ends, so that its
width is ``right - left``. Values are taken as the files have them: whether somebody counted pixels from 0 or from 1 is not written in any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digits.data.boxes import COLUMNS


@dataclass(frozen=True, slots=True)
class Scene:
    """What KITTI says of a thing beside its box; zeros where another format says nothing."""

    truncated: float = 0.0
    occluded: float = 0.0
    alpha: float = 0.0
    """Angle of observation, radians."""
    size: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Height, width and length in metres."""
    place: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """X, Y, Z from the camera in metres."""
    rotation_y: float = 0.0


NO_SCENE = Scene()


@dataclass(frozen=True, slots=True)
class Box:
    """One thing in a picture."""

    label: str
    left: float
    top: float
    right: float
    bottom: float
    ignore: bool = False
    """Neither learned nor counted as a mistake: VOC's difficult ones, COCO's crowds."""
    line: int = 0
    """Of the file that says it; 0 where lines mean nothing."""
    scene: Scene = NO_SCENE

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def is_empty(self) -> bool:
        """Whether it has no area: a click that was no drag, as a rule."""
        return not (self.width > 0 and self.height > 0)

    def clipped(self, height: int, width: int) -> Box:
        """Return the part of it that lies within a picture of that size; it may be empty."""
        left, right = (min(max(value, 0.0), float(width)) for value in (self.left, self.right))
        top, bottom = (min(max(value, 0.0), float(height)) for value in (self.top, self.bottom))
        if (left, top, right, bottom) == (self.left, self.top, self.right, self.bottom):
            return self
        return replace(self, left=left, top=top, right=right, bottom=bottom)

    def scaled(self, down: float, across: float) -> Box:
        """Return it in a picture that is ``down`` times as high and ``across`` times as wide."""
        return replace(
            self, left=self.left * across, right=self.right * across, top=self.top * down, bottom=self.bottom * down
        )


def label_array(boxes: Sequence[Box], ids: Sequence[int], most: int) -> NDArray[np.float32]:
    """Return DIGITS' label of one picture, float32 [most + 1, 16]: the number of boxes and columns, then a row a box, farthest first.

    Args:
        boxes: in pixels of the stored picture.
        ids: DIGITS' class id of each; 0 is DontCare.
        most: greatest number of boxes of any picture.
    """
    label = np.zeros((most + 1, COLUMNS), np.float32)
    label[0, :2] = len(boxes), COLUMNS
    for row, at in enumerate(sorted(range(len(boxes)), key=lambda each: -boxes[each].scene.place[2]), 1):
        box, scene = boxes[at], boxes[at].scene
        high, wide, long = scene.size
        label[row] = (
            box.left, box.top, box.width, box.height, scene.alpha, ids[at], 0, scene.rotation_y, scene.truncated,
            scene.occluded, long, wide, high, *scene.place,
        )  # fmt: skip
    return label
