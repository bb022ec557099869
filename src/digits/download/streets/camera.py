"""The eye of a street scene, and the canvas it draws on: every stroke goes into the picture and, with its class, into the label.

World coordinates are metres: X to the right, Y up from the ground, Z away from the eye. Both canvases are larger than the result by
``SUPERSAMPLE``; the picture is averaged down, and the label takes the class of one point of each pixel, so that both show the same edges.

Legend: HWC = height, width, channels of uint8 RGB; HW = height, width of class ids.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SUPERSAMPLE = 2
_SHIFT = 4
_FAR = 30_000.0
"""Points beyond are cut off: OpenCV's coordinates are 16 bits wide before the fraction."""

Colour = tuple[float, float, float]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """Where the eye is and where it looks; lengths in metres, the picture's in pixels of the canvas."""

    width: int
    height: int
    focal: float
    horizon: float
    centre: float
    eye: float
    """Height above the ground."""
    side: float
    """X of the eye."""

    def project(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Return where a few ``points`` (X, Y, Z > 0) are seen: [N, 2] of x, y."""
        seen = []
        for x, y, z in points:  # of so few, numpy would take longer
            scale = self.focal / z
            seen.append((self.centre + (x - self.side) * scale, self.horizon + (self.eye - y) * scale))
        return np.array(seen, np.float64).clip(-_FAR, _FAR)

    def project_many(self, points_N3: NDArray[np.float64]) -> NDArray[np.float64]:
        """Do the same for an array of many."""
        scale = self.focal / points_N3[:, 2]
        x, y = (
            self.centre + (points_N3[:, 0] - self.side) * scale,
            self.horizon + (self.eye - points_N3[:, 1]) * scale,
        )
        return np.stack([x, y], 1).clip(-_FAR, _FAR)

    def metre(self, z: float) -> float:
        """Return how many pixels a metre takes at distance ``z``."""
        return self.focal / z


class Canvas:
    """A picture and its label under way."""

    def __init__(self, camera: Camera, haze: Colour, clear: float) -> None:
        """Begin an empty canvas.

        Args:
            camera: the eye.
            haze: what far things fade into.
            clear: the distance in metres at which two thirds of a colour is haze.
        """
        self.camera, self._haze, self._clear = camera, haze, clear
        self.image_HWC = np.zeros((camera.height, camera.width, 3), np.uint8)
        self.label_HW = np.zeros((camera.height, camera.width), np.uint8)

    def faded(self, colour: Colour, z: float) -> Colour:
        """Return ``colour`` as it is seen through ``z`` metres of air."""
        share = 1 - math.exp(-z / self._clear)
        (red, green, blue), (far_red, far_green, far_blue) = colour, self._haze
        rest = 1 - share
        return red * rest + far_red * share, green * rest + far_green * share, blue * rest + far_blue * share

    def polygon(self, points: Sequence[Point], colour: Colour, kind: int) -> None:
        """Fill a flat shape of the world, seen at its mean distance."""
        z = sum(point[2] for point in points) / len(points)
        self.flat(self.camera.project(points), self.faded(colour, z), kind)

    def flat(self, points_N2: NDArray[np.float64], colour: Colour, kind: int) -> None:
        """Fill a shape given in pixels of the canvas."""
        fixed = np.rint(points_N2 * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(self.image_HWC, [fixed], colour, cv2.LINE_8, _SHIFT)
        cv2.fillPoly(self.label_HW, [fixed], float(kind), cv2.LINE_8, _SHIFT)

    def many(self, quads_N42: NDArray[np.float64], colour: Colour, kind: int) -> None:
        """Fill many shapes of four corners alike."""
        fixed = list(np.rint(quads_N42 * (1 << _SHIFT)).astype(np.int32))
        if fixed:
            cv2.fillPoly(self.image_HWC, fixed, colour, cv2.LINE_8, _SHIFT)
            cv2.fillPoly(self.label_HW, fixed, float(kind), cv2.LINE_8, _SHIFT)

    def line(
        self, start: tuple[float, float], end: tuple[float, float], width: float, colour: Colour, kind: int
    ) -> None:
        """Draw a bar with round ends in pixels of the canvas, at least one pixel wide."""
        ends = [tuple(round(value * (1 << _SHIFT)) for value in point) for point in (start, end)]
        thickness = max(1, round(width))
        cv2.line(self.image_HWC, ends[0], ends[1], colour, thickness, cv2.LINE_8, _SHIFT)
        cv2.line(self.label_HW, ends[0], ends[1], float(kind), thickness, cv2.LINE_8, _SHIFT)

    def disc(self, x: float, y: float, radius: float, colour: Colour, kind: int, *, ring: float = 0.0) -> None:
        """Draw a disc, or a ring of that width, in pixels of the canvas."""
        centre = (round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT)))
        thickness = max(1, round(ring)) if ring else -1
        for target, value in ((self.image_HWC, colour), (self.label_HW, float(kind))):
            cv2.circle(target, centre, round(radius * (1 << _SHIFT)), value, thickness, cv2.LINE_8, _SHIFT)
