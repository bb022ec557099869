"""The sky, the ground and its markings."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from digits.download.streets.camera import Camera, Canvas, Colour
from digits.download.streets.classes import ROAD, SIDEWALK, SKY

_SKIES: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((96, 150, 214), (196, 218, 236), (1.02, 1.0, 0.97)),  # clear
    ((170, 178, 186), (214, 217, 219), (0.92, 0.94, 0.98)),  # overcast
    ((128, 140, 190), (246, 205, 160), (1.06, 0.97, 0.86)),  # evening
    ((190, 205, 220), (236, 236, 230), (1.03, 1.03, 1.02)),  # bright haze
)
"""Above, at the horizon, and the light that falls on things."""


def varied(colour: Colour, spread: float, rng: np.random.Generator) -> Colour:
    """Return a colour near ``colour``; all of it lighter or darker, and each channel a little by itself."""
    moved = np.asarray(colour) + rng.normal(0, spread) + rng.normal(0, spread / 3, 3)
    red, green, blue = np.clip(moved, 8, 250).tolist()
    return red, green, blue


def shaded(colour: Colour, share: float) -> Colour:
    """Return ``colour`` times ``share``."""
    return min(255.0, colour[0] * share), min(255.0, colour[1] * share), min(255.0, colour[2] * share)


@dataclass(frozen=True)
class Sky:
    """The sky's colours and the light below it."""

    above: Colour
    haze: Colour
    light: Colour
    clouds: int

    @classmethod
    def by_chance(cls, rng: np.random.Generator) -> Sky:
        """Return one of a few kinds of weather, varied."""
        above, haze, light = _SKIES[int(rng.integers(len(_SKIES)))]
        level = float(rng.uniform(0.85, 1.08))
        lit = (light[0] * level, light[1] * level, light[2] * level)
        return cls(varied(above, 10, rng), varied(haze, 8, rng), lit, int(rng.integers(0, 7)))

    def draw(self, canvas: Canvas, rng: np.random.Generator) -> None:
        """Fill the whole canvas, and draw clouds where the sky will stay."""
        camera = canvas.camera
        share = np.clip(np.arange(camera.height) / camera.horizon, 0, 1)[:, None]
        rows = np.asarray(self.above) * (1 - share) + np.asarray(self.haze) * share
        canvas.image_HWC[:] = np.rint(np.clip(rows, 0, 255)).astype(np.uint8)[:, None, :]
        canvas.label_HW[:] = SKY
        for _ in range(self.clouds):
            _cloud(canvas, camera, rng)


def _cloud(canvas: Canvas, camera: Camera, rng: np.random.Generator) -> None:
    x, y = rng.uniform(0, camera.width), rng.uniform(0, camera.horizon * 0.6)
    size = camera.width * rng.uniform(0.03, 0.07)
    tone = float(rng.uniform(222, 250))
    for _ in range(5):
        axes = (int(size * rng.uniform(0.7, 1.5)), int(size * rng.uniform(0.2, 0.45)))
        place = (int(x + rng.normal(0, size)), int(y + rng.normal(0, size * 0.2)))
        cv2.ellipse(canvas.image_HWC, place, axes, 0, 0, 360, (tone, tone, tone), -1)


def ground(canvas: Canvas, half: float, colour: Colour, near: float, far: float) -> None:
    """Draw the road: the whole ground at first, darker near by."""
    camera = canvas.camera
    bottom = float(camera.height)
    wide = np.array([(0, camera.horizon), (camera.width, camera.horizon), (camera.width, bottom), (0, bottom)])
    canvas.flat(wide, canvas.faded(colour, far), ROAD)
    _strips(canvas, -half, half, colour, near, far, ROAD)


def pavement(canvas: Canvas, inner: float, outer: float, colour: Colour, near: float, far: float) -> None:
    """Draw a pavement from ``inner`` to ``outer`` metres with its kerb and joints."""
    _strips(canvas, inner, outer, colour, near, far, SIDEWALK)
    kerb = 0.16 if inner > 0 else -0.16
    _strips(canvas, inner, inner + kerb, shaded(colour, 0.8), near, far, SIDEWALK)
    for z in np.arange(2.5, 20, 2.5):
        joint = [(inner + kerb, 0.0, z), (outer, 0.0, z), (outer, 0.0, z + 0.06), (inner + kerb, 0.0, z + 0.06)]
        canvas.polygon(joint, shaded(colour, 0.9), SIDEWALK)


def _strips(canvas: Canvas, left: float, right: float, colour: Colour, near: float, far: float, kind: int) -> None:
    """Fill the ground between two lines along the road, in parts that fade with distance."""
    edges = np.geomspace(near, far, 9).tolist()
    for first, last in pairwise(edges):
        points = [(left, 0.0, first), (right, 0.0, first), (right, 0.0, last), (left, 0.0, last)]
        canvas.polygon(points, colour, kind)


def markings(canvas: Canvas, half: float, near: float, far: float, rng: np.random.Generator) -> None:
    """Draw the middle line, edge lines and now and then a zebra crossing; all of it is Road."""
    white = (226.0, 226.0, 220.0)
    if rng.random() < 0.85:
        dash, gap, z = float(rng.uniform(1.5, 3.5)), float(rng.uniform(1.5, 4.0)), near + float(rng.uniform(0, 3))
        while z < far / 2:
            points = [(-0.08, 0.0, z), (0.08, 0.0, z), (0.08, 0.0, z + dash), (-0.08, 0.0, z + dash)]
            canvas.polygon(points, white, ROAD)
            z += dash + gap
    if rng.random() < 0.4:
        for x in (-half + 0.4, half - 0.4):
            canvas.polygon([(x, 0.0, near), (x + 0.1, 0.0, near), (x + 0.1, 0.0, far), (x, 0.0, far)], white, ROAD)
    if rng.random() < 0.3:
        z = float(rng.uniform(6, 22))
        for x in np.arange(-half + 0.3, half - 0.4, 1.0):
            points = [(x, 0.0, z), (x + 0.5, 0.0, z), (x + 0.5, 0.0, z + 3), (x, 0.0, z + 3)]
            canvas.polygon(points, white, ROAD)
