"""The two rows along the street: houses with windows, fences with green behind them, hedges; and the house at its end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digits.download.streets.camera import Canvas, Colour, Point
from digits.download.streets.classes import BUILDING, FENCE, VEGETATION
from digits.download.streets.paint import shaded, varied
from digits.download.streets.things import foliage

WALLS: tuple[Colour, ...] = (
    (188, 148, 118), (168, 92, 74), (206, 192, 164), (150, 146, 142), (196, 176, 132), (134, 110, 100), (214, 208, 198), (120, 132, 150),
)  # fmt: skip
Part = tuple[float, Callable[[], None]]


def row(canvas: Canvas, edge: float, light: float, near: float, far: float, rng: np.random.Generator) -> list[Part]:
    """Return the lots along one side, whose fronts stand at X = ``edge``; ``light`` is how bright that side is."""
    parts: list[Part] = []
    z = near
    tall = float(rng.uniform(5.5, 14.0))
    while z < far:
        length = float(rng.uniform(6, 15))
        end = min(z + length, far)
        lot = rng.random()
        if lot < 0.72:
            draw = partial(_house, canvas, edge, z, end, tall * float(rng.uniform(0.7, 1.35)), light, rng.spawn(1)[0])
        elif lot < 0.88:
            draw = partial(_fenced, canvas, edge, z, end, light, rng.spawn(1)[0])
        else:
            draw = partial(_hedge, canvas, edge, z, end, light, rng.spawn(1)[0])
        parts.append(((z + end) / 2, draw))
        z = end + (float(rng.uniform(0.5, 2.5)) if rng.random() < 0.25 else 0.0)
    return parts


def close_off(canvas: Canvas, z: float, rng: np.random.Generator) -> None:
    """Draw the houses that stand across the end of the street."""
    x = -34.0
    while x < 34:
        width = float(rng.uniform(7, 14))
        wall, top = varied(WALLS[int(rng.integers(len(WALLS)))], 12, rng), float(rng.uniform(7, 17))
        canvas.polygon([(x, 0, z), (x + width, 0, z), (x + width, top, z), (x, top, z)], wall, BUILDING)
        across = np.linspace(x + 0.8, x + width - 0.8, 5)
        for floor in np.arange(1.2, top - 2, 3.2):
            for left in across[:-1]:
                pane = [(left, floor, z), (left + 1, floor, z), (left + 1, floor + 1.6, z), (left, floor + 1.6, z)]
                canvas.polygon(pane, shaded(wall, 0.6), BUILDING)
        x += width


def _house(
    canvas: Canvas, edge: float, near: float, far: float, top: float, light: float, rng: np.random.Generator
) -> None:
    """Draw a house: the front along the street, the gable towards the eye, its windows and door."""
    wall = shaded(varied(WALLS[int(rng.integers(len(WALLS)))], 14, rng), light)
    out = edge + (12.0 if edge > 0 else -12.0)
    gable: list[Point] = [(edge, 0, near), (out, 0, near), (out, top, near), (edge, top, near)]
    if rng.random() < 0.4:  # a pitched roof
        ridge = top + float(rng.uniform(1.5, 3.5))
        roof = varied((132, 78, 64) if rng.random() < 0.6 else (92, 92, 98), 12, rng)
        middle = (edge + out) / 2
        canvas.polygon(
            [(edge, top, near), (edge, top, far), (middle, ridge, far), (middle, ridge, near)], roof, BUILDING
        )
        gable = [*gable[:3], (middle, ridge, near), gable[3]]
    canvas.polygon(gable, shaded(wall, 0.78), BUILDING)
    for first, last in _pieces(near, far, 4):
        canvas.polygon([(edge, 0, first), (edge, 0, last), (edge, top, last), (edge, top, first)], wall, BUILDING)
    canvas.polygon([(edge, 0, near), (edge, 0, far), (edge, 0.5, far), (edge, 0.5, near)], shaded(wall, 0.7), BUILDING)
    glass = varied((70, 84, 100) if rng.random() < 0.8 else (226, 206, 140), 14, rng)
    frame = shaded(wall, 1.18)
    panes = _panes(edge, near, far, top, rng)
    middle_z = (near + far) / 2
    canvas.many(_seen(canvas, panes, grow=0.12), canvas.faded(frame, middle_z), BUILDING)
    canvas.many(_seen(canvas, panes, grow=0.0), canvas.faded(glass, middle_z), BUILDING)
    if rng.random() < 0.35:
        band = varied((150, 54, 50) if rng.random() < 0.5 else (54, 96, 84), 20, rng)
        canvas.polygon([(edge, 2.6, near), (edge, 2.6, far), (edge, 3.2, far), (edge, 3.2, near)], band, BUILDING)


def _pieces(near: float, far: float, count: int) -> list[tuple[float, float]]:
    edges = np.linspace(near, far, count + 1).tolist()
    return list(pairwise(edges))


def _panes(edge: float, near: float, far: float, top: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the windows of a front as [N, 5]: X, Z from and to, Y from and to."""
    pitch, storey = float(rng.uniform(1.6, 2.8)), float(rng.uniform(2.7, 3.4))
    wide, tall = pitch * float(rng.uniform(0.4, 0.65)), storey * float(rng.uniform(0.4, 0.6))
    places = np.arange(near + 0.5, far - wide, pitch)
    floors = np.arange(0.9, top - tall - 0.3, storey)
    grid = np.array([(edge, z, z + wide, y, y + tall) for z in places for y in floors], np.float64)
    return grid.reshape(-1, 5)


def _seen(canvas: Canvas, panes_N5: NDArray[np.float64], *, grow: float) -> NDArray[np.float64]:
    x, near, far, low, high = panes_N5.T
    near, far, low, high = np.maximum(near - grow, 0.5), far + grow, low - grow, high + grow
    corners = np.stack([(x, low, near), (x, low, far), (x, high, far), (x, high, near)]).transpose(2, 0, 1)
    return canvas.camera.project_many(corners.reshape(-1, 3)).reshape(-1, 4, 2)


def _fenced(canvas: Canvas, edge: float, near: float, far: float, light: float, rng: np.random.Generator) -> None:
    """Draw a garden: trees behind a fence of boards, or of bars that let them be seen."""
    _green(canvas, edge + (3.0 if edge > 0 else -3.0), near, far, float(rng.uniform(1.5, 4.5)), light, rng)
    tall = float(rng.uniform(1.0, 2.0))
    colour = shaded(varied((142, 112, 84) if rng.random() < 0.5 else (96, 104, 112), 16, rng), light)
    canvas.polygon([(edge, 0, near), (edge, 0, far), (edge, tall, far), (edge, tall, near)], colour, FENCE)
    dark = shaded(colour, 0.72)
    for z in np.arange(near, far, 0.5):
        canvas.polygon([(edge, 0, z), (edge, 0, z + 0.08), (edge, tall, z + 0.08), (edge, tall, z)], dark, FENCE)
    for y in (0.25 * tall, 0.85 * tall):
        canvas.polygon([(edge, y, near), (edge, y, far), (edge, y + 0.1, far), (edge, y + 0.1, near)], dark, FENCE)


def _hedge(canvas: Canvas, edge: float, near: float, far: float, light: float, rng: np.random.Generator) -> None:
    tall = float(rng.uniform(1.0, 2.4))
    green = shaded(varied((74, 104, 52), 12, rng), light)
    if rng.random() < 0.6:
        _green(canvas, edge + (4.0 if edge > 0 else -4.0), near, far, float(rng.uniform(3, 6)), light, rng)
    canvas.polygon([(edge, 0, near), (edge, 0, far), (edge, tall, far), (edge, tall, near)], green, VEGETATION)
    out = edge + (1.2 if edge > 0 else -1.2)
    canvas.polygon(
        [(edge, 0, near), (out, 0, near), (out, tall, near), (edge, tall, near)], shaded(green, 0.8), VEGETATION
    )


def _green(
    canvas: Canvas, x: float, near: float, far: float, tall: float, light: float, rng: np.random.Generator
) -> None:
    """Draw a bank of bushes from far to near."""
    green = shaded(varied((84, 112, 58), 14, rng), light)
    for z in np.arange(far, near, -max(1.2, tall / 2)):
        size = canvas.camera.metre(max(z, 1.0)) * tall * 0.55
        (x_px, y_px), (_, ground) = canvas.camera.project([(x, tall * 0.55, max(z, 1.0)), (x, 0, max(z, 1.0))])
        foliage(canvas, x_px, y_px, size, ground, canvas.faded(green, z), rng)
