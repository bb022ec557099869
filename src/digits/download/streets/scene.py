"""What stands where in a drawn street, by chance, and the light it stands in.

A scene is made of a road with pavements, two rows of lots (houses, fences, green) and things in front of them; all of it is drawn from
far to near, so that what is nearer hides what is behind, in the picture and in the label alike.

Legend: HWC = height, width, channels of uint8 RGB; HW = height, width of class ids.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.download.streets import houses, paint, things
from digits.download.streets.camera import SUPERSAMPLE, Camera, Canvas
from digits.download.streets.classes import CLASSES

NEAR, FAR = 1.6, 90.0
"""Metres: what is nearer lies below the picture; what is farther is closed off by a house."""
_TEXTURE = np.zeros(len(CLASSES), np.float32)
_TEXTURE[:] = (2.0, 7.0, 6.0, 6.0, 5.0, 13.0, 3.0, 3.0, 2.0, 4.0, 4.0)
"""How rough each class looks, in levels."""


@dataclass(frozen=True)
class Street:
    """A drawn scene: the picture [H, W, 3] and the class id of each of its pixels [H, W]."""

    image_HWC: NDArray[np.uint8]
    label_HW: NDArray[np.uint8]


@dataclass(frozen=True)
class Plan:
    """The ground plan; metres from the middle of the road."""

    road: float
    """Half the road's width."""
    left: float
    right: float
    """Where the lots begin: the outer edges of the pavements, left negative."""


def draw_street(width: int, height: int, *, seed: tuple[int, ...]) -> Street:
    """Return the scene of ``seed`` in ``width`` x ``height`` pixels; the same one every time, and another for every seed."""
    rng = np.random.default_rng(seed)
    camera = _camera(width * SUPERSAMPLE, height * SUPERSAMPLE, rng)
    sky = paint.Sky.by_chance(rng)
    canvas = Canvas(camera, sky.haze, float(rng.uniform(90, 260)))
    road = float(rng.uniform(3.2, 5.4))
    plan = Plan(road, -road - float(rng.uniform(1.4, 3.4)), road + float(rng.uniform(1.4, 3.4)))
    sky.draw(canvas, rng)
    _ground(canvas, plan, rng)
    houses.close_off(canvas, FAR, rng)
    for _, draw in sorted(_parts(canvas, plan, rng), key=lambda part: -part[0]):
        draw()
    return _finished(canvas, (height, width), sky, rng)


def _camera(width: int, height: int, rng: np.random.Generator) -> Camera:
    return Camera(
        width=width,
        height=height,
        focal=width * float(rng.uniform(0.72, 0.98)),
        horizon=height * float(rng.uniform(0.5, 0.62)),
        centre=width * float(rng.uniform(0.36, 0.64)),
        eye=float(rng.uniform(1.3, 1.9)),
        side=float(rng.uniform(-1.6, 1.6)),
    )


def _ground(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """Draw the road with its markings, and the pavements, which go on below the lots."""
    tone = float(rng.uniform(72, 122))
    paint.ground(canvas, plan.road, (tone, tone, tone * float(rng.uniform(0.96, 1.08))), NEAR * 0.6, FAR * 1.4)
    light = float(rng.uniform(135, 185))
    tint = (light, light * float(rng.uniform(0.93, 1.0)), light * float(rng.uniform(0.85, 0.98)))
    for inner, outer in ((-plan.road, plan.left - 30), (plan.road, plan.right + 30)):
        paint.pavement(canvas, inner, outer, tint, NEAR * 0.6, FAR * 1.4)
    paint.markings(canvas, plan.road, NEAR * 0.6, FAR, rng)


def _parts(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> list[tuple[float, Callable[[], None]]]:
    """Return (distance, call that draws it) of everything that stands on the ground."""
    parts: list[tuple[float, Callable[[], None]]] = []
    sun = float(rng.uniform(0.72, 1.0)), float(rng.uniform(0.72, 1.0))
    for edge, light in ((plan.left, sun[0]), (plan.right, sun[1])):
        parts += houses.row(canvas, edge, light, NEAR, FAR, rng)
    for side in (-1, 1):
        edge = plan.left if side < 0 else plan.right
        parts += things.along(canvas, side, plan.road, edge, rng)
    parts += things.on_the_road(canvas, plan.road, rng)
    return parts


def _finished(canvas: Canvas, size: tuple[int, int], sky: paint.Sky, rng: np.random.Generator) -> Street:
    """Average down, and lay texture, light and the sensor's noise over it."""
    height, width = size
    label_HW = np.ascontiguousarray(canvas.label_HW[SUPERSAMPLE // 2 :: SUPERSAMPLE, SUPERSAMPLE // 2 :: SUPERSAMPLE])
    small = cv2.resize(canvas.image_HWC, (width, height), interpolation=cv2.INTER_AREA)
    grain = rng.standard_normal((height, width), np.float32)
    coarse = cv2.resize(
        rng.standard_normal((max(2, height // 6), max(2, width // 6)), np.float32), (width, height),
        interpolation=cv2.INTER_CUBIC,
    )  # fmt: skip
    rough = (_TEXTURE[label_HW] * (0.6 * grain + 0.8 * coarse))[:, :, None]
    noise = rng.standard_normal((height, width, 3), np.float32) * np.float32(rng.uniform(1.0, 4.0))
    lit = (small.astype(np.float32) + rough) * np.asarray(sky.light, np.float32) + noise
    gamma = float(rng.uniform(0.85, 1.2))
    image = 255 * (np.clip(lit, 0, 255) / 255) ** gamma
    return Street(np.rint(image).astype(np.uint8), label_HW)
