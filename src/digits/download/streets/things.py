"""What stands in front of the houses and on the road: trees, lamps, signs, cars, people on foot and on bicycles."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from digits.download.streets.camera import Canvas, Colour
from digits.download.streets.classes import CAR, CYCLIST, PEDESTRIAN, POLE, ROAD, SIGN, VEGETATION
from digits.download.streets.paint import shaded, varied

PAINTS: tuple[Colour, ...] = (
    (170, 34, 36), (34, 60, 128), (214, 214, 214), (40, 42, 46), (120, 126, 132), (196, 158, 44), (54, 98, 74),
)  # fmt: skip
CLOTHES: tuple[Colour, ...] = (
    (150, 52, 48), (52, 74, 120), (62, 96, 66), (198, 170, 88), (94, 66, 104), (60, 60, 64), (196, 188, 176), (206, 120, 60),
)  # fmt: skip
SKIN: tuple[Colour, ...] = ((222, 178, 148), (164, 116, 84), (108, 74, 56))
Part = tuple[float, Callable[[], None]]


def along(canvas: Canvas, side: int, road: float, edge: float, rng: np.random.Generator) -> list[Part]:
    """Return what stands on the pavement of one side (-1 left, 1 right) and is parked at its kerb."""
    kerb = side * (road + 0.5)
    parts: list[Part] = []

    def add(z: float, draw: Callable[..., None], *given: object) -> None:
        parts.append((z, partial(draw, canvas, *given, z, rng.spawn(1)[0])))

    if rng.random() < 0.55:
        for z in np.arange(rng.uniform(5, 12), 70, rng.uniform(8, 16)):
            add(float(z), _tree, kerb)
    if rng.random() < 0.75:
        for z in np.arange(rng.uniform(4, 12), 70, rng.uniform(12, 22)):
            add(float(z), _lamp, kerb, side)
    for _ in range(int(rng.integers(0, 3))):
        add(float(rng.uniform(4, 22)), _sign, kerb)
    for _ in range(int(rng.integers(0, 5))):
        walk = float(rng.uniform(road + 0.7, abs(edge) - 0.2))
        add(float(rng.uniform(4, 30)), _pedestrian, side * walk)
    if rng.random() < 0.6:
        z = float(rng.uniform(5, 14))
        while z < 60:
            if rng.random() < 0.6:
                add(z, _car, side * (road - 1.05))
            z += float(rng.uniform(5.2, 8.5))
    return parts


def on_the_road(canvas: Canvas, road: float, rng: np.random.Generator) -> list[Part]:
    """Return the traffic: cars, cyclists, and people who cross."""
    parts: list[Part] = []
    for lane in (-road / 2, road / 2):
        if rng.random() < 0.55:
            z = float(rng.uniform(7, 40))
            parts.append((z, partial(_car, canvas, lane * float(rng.uniform(0.5, 0.8)), z, rng.spawn(1)[0])))
    for _ in range(int(rng.choice([0, 1, 1, 2]))):
        z, x = float(rng.uniform(4.5, 20)), float(rng.choice([-1, 1]) * rng.uniform(0.35, 0.8) * road)
        parts.append((z, partial(_cyclist, canvas, x, z, rng.spawn(1)[0])))
    if rng.random() < 0.25:
        z = float(rng.uniform(6, 22))
        parts.append((z, partial(_pedestrian, canvas, float(rng.uniform(-road, road)), z, rng.spawn(1)[0])))
    return parts


def foliage(
    canvas: Canvas, x: float, y: float, size: float, floor: float, colour: Colour, rng: np.random.Generator
) -> None:
    """Draw leaves as discs about (x, y) in pixels, lighter above, down to ``floor`` at most."""
    for index in range(11):
        angle, reach = rng.uniform(0, 2 * np.pi), size * 0.62 * np.sqrt(rng.random())
        radius = size * rng.uniform(0.32, 0.5)
        cy = min(y + reach * np.sin(angle) * 0.8, floor - radius * 0.8)
        tone = (0.78 if index < 4 else 1.0) + 0.22 * (y - cy) / max(size, 1.0)
        canvas.disc(x + reach * np.cos(angle), cy, radius, shaded(colour, float(tone)), VEGETATION)


def _tree(canvas: Canvas, x: float, z: float, rng: np.random.Generator) -> None:
    tall, crown = float(rng.uniform(3.5, 7)), float(rng.uniform(1.0, 2.0))
    (x_px, floor), (_, top) = canvas.camera.project([(x, 0, z), (x, tall, z)])
    metre = canvas.camera.metre(z)
    bark = canvas.faded(varied((88, 68, 52), 10, rng), z)
    canvas.line((x_px, floor), (x_px, top), 0.22 * metre, bark, VEGETATION)
    green = varied(((70, 112, 50), (96, 124, 58), (150, 124, 50))[int(rng.choice(3, p=(0.5, 0.38, 0.12)))], 12, rng)
    foliage(canvas, x_px, top, crown * metre, floor, canvas.faded(green, z), rng)


def _lamp(canvas: Canvas, x: float, side: int, z: float, rng: np.random.Generator) -> None:
    tall = float(rng.uniform(4.5, 7))
    reach = x - side * float(rng.uniform(0.8, 1.8))
    (x_px, floor), (_, top), (arm, arm_y) = canvas.camera.project([(x, 0, z), (x, tall, z), (reach, tall + 0.2, z)])
    metre = canvas.camera.metre(z)
    grey = canvas.faded(varied((92, 96, 98), 14, rng), z)
    canvas.line((x_px, floor), (x_px, top), 0.16 * metre, grey, POLE)
    canvas.line((x_px, top), (arm, arm_y), 0.09 * metre, grey, POLE)
    canvas.line((arm, arm_y), (arm + side * 0.4 * metre, arm_y), 0.16 * metre, canvas.faded((226, 224, 204), z), POLE)


def _sign(canvas: Canvas, x: float, z: float, rng: np.random.Generator) -> None:
    tall = float(rng.uniform(2.1, 2.8))
    (x_px, floor), (_, top) = canvas.camera.project([(x, 0, z), (x, tall, z)])
    size = canvas.camera.metre(z) * float(rng.uniform(0.32, 0.45))
    canvas.line((x_px, floor), (x_px, top), 0.09 * canvas.camera.metre(z), canvas.faded((130, 132, 134), z), POLE)
    red, blue, white = ((176, 30, 36), (28, 76, 156), (236, 236, 232))
    shape = int(rng.integers(3))
    if shape == 0:
        canvas.disc(x_px, top, size, canvas.faded(red, z), SIGN)
        canvas.disc(x_px, top, size * 0.68, canvas.faded(white, z), SIGN)
    elif shape == 1:
        for scale, colour in ((1.15, red), (0.68, white)):
            triangle = np.array([(0, -1.0), (0.95, 0.65), (-0.95, 0.65)]) * size * scale + (x_px, top)
            canvas.flat(triangle, canvas.faded(colour, z), SIGN)
    else:
        square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * size * 0.9 + (x_px, top)
        canvas.flat(square, canvas.faded(blue, z), SIGN)
        canvas.flat(square * 0.5 + np.array((x_px, top)) * 0.5, canvas.faded(white, z), SIGN)


def _car(canvas: Canvas, x: float, z: float, rng: np.random.Generator) -> None:
    """Draw a car from behind: a body, a cabin, windows, lights, wheels, and the side that is seen."""
    wide, long = float(rng.uniform(0.82, 0.98)), float(rng.uniform(3.4, 4.6))
    low, waist, top = 0.28, float(rng.uniform(0.85, 1.0)), float(rng.uniform(1.38, 1.75))
    colour = varied(PAINTS[int(rng.integers(len(PAINTS)))], 12, rng)
    glass = varied((48, 58, 70), 8, rng)
    inner = x + wide * (1 if canvas.camera.side > x else -1)
    back = z + long

    def box(points: list[tuple[float, float, float]], shade: Colour) -> None:
        canvas.polygon(points, shade, CAR)

    shadow = [
        (x - wide - 0.1, 0.0, z - 0.1),
        (x + wide + 0.1, 0.0, z - 0.1),
        (x + wide + 0.1, 0.0, back),
        (x - wide - 0.1, 0.0, back),
    ]
    canvas.polygon(shadow, (44, 44, 48), ROAD)
    for place in (z + 0.8, back - 0.8):
        (x_px, y_px) = canvas.camera.project([(inner, 0.32, place)])[0]
        canvas.disc(x_px, y_px, 0.32 * canvas.camera.metre(place), (30, 30, 32), CAR)
    box([(inner, low, z), (inner, low, back), (inner, waist * 0.92, back), (inner, waist, z)], shaded(colour, 0.8))
    roof = x + (inner - x) * 0.82
    box(
        [(inner, waist, z + 0.3), (inner, waist, back - 1.1), (roof, top, back - 1.7), (roof, top, z + 0.7)],
        shaded(glass, 1.1),
    )
    box([(x - wide, low, z), (x + wide, low, z), (x + wide, waist, z), (x - wide, waist, z)], colour)
    cabin = [
        (x - wide, waist, z),
        (x + wide, waist, z),
        (x + wide * 0.82, top, z + 0.5),
        (x - wide * 0.82, top, z + 0.5),
    ]
    box(cabin, shaded(colour, 1.08))
    pane = [
        (x - wide * 0.84, waist + 0.06, z),
        (x + wide * 0.84, waist + 0.06, z),
        (x + wide * 0.7, top - 0.1, z + 0.4),
        (x - wide * 0.7, top - 0.1, z + 0.4),
    ]
    box(pane, glass)
    for side in (-1, 1):
        inside, outside = x + side * wide * 0.72, x + side * wide * 0.97
        box(
            [
                (inside, waist - 0.3, z),
                (outside, waist - 0.3, z),
                (outside, waist - 0.08, z),
                (inside, waist - 0.08, z),
            ],
            (186, 44, 40),
        )
        box([(inside, 0.02, z), (outside, 0.02, z), (outside, low, z), (inside, low, z)], (30, 30, 32))
    box(
        [(x - 0.26, low + 0.14, z), (x + 0.26, low + 0.14, z), (x + 0.26, low + 0.26, z), (x - 0.26, low + 0.26, z)],
        (226, 226, 214),
    )


def _pedestrian(canvas: Canvas, x: float, z: float, rng: np.random.Generator) -> None:
    tall = float(rng.uniform(1.5, 1.9))
    (x_px, floor) = canvas.camera.project([(x, 0, z)])[0]
    unit = canvas.camera.metre(z) * tall
    coat, legs = (varied(CLOTHES[int(rng.integers(len(CLOTHES)))], 12, rng) for _ in range(2))
    stride = float(rng.uniform(0.02, 0.13)) * unit
    for foot in (-stride, stride):
        canvas.line(
            (x_px, floor - 0.47 * unit),
            (x_px + foot, floor - 0.02 * unit),
            0.085 * unit,
            canvas.faded(shaded(legs, 0.7), z),
            PEDESTRIAN,
        )
    _trunk(canvas, x_px, floor - 0.83 * unit, floor - 0.43 * unit, unit, canvas.faded(coat, z), PEDESTRIAN)
    for arm in (-1, 1):
        canvas.line(
            (x_px + arm * 0.11 * unit, floor - 0.79 * unit),
            (x_px + arm * 0.13 * unit - arm * stride * 0.3, floor - 0.46 * unit),
            0.055 * unit,
            canvas.faded(shaded(coat, 0.85), z),
            PEDESTRIAN,
        )
    _head(canvas, x_px, floor - 0.92 * unit, unit, z, PEDESTRIAN, rng)


def _cyclist(canvas: Canvas, x: float, z: float, rng: np.random.Generator) -> None:
    (x_px, floor) = canvas.camera.project([(x, 0, z)])[0]
    metre = canvas.camera.metre(z)
    coat, legs = (varied(CLOTHES[int(rng.integers(len(CLOTHES)))], 12, rng) for _ in range(2))
    dark = canvas.faded((38, 38, 42), z)
    turn = float(rng.uniform(0.1, 0.55)) * metre
    wheel = 0.34 * metre
    for place in (-turn, turn):
        canvas.disc(x_px + place, floor - wheel, wheel, dark, CYCLIST, ring=0.07 * metre)
    canvas.line((x_px - turn, floor - wheel), (x_px + turn, floor - 0.62 * metre), 0.06 * metre, dark, CYCLIST)
    canvas.line((x_px - turn * 0.5, floor - 0.85 * metre), (x_px, floor - wheel), 0.06 * metre, dark, CYCLIST)
    canvas.line((x_px + turn, floor - wheel), (x_px + turn * 0.8, floor - 1.0 * metre), 0.06 * metre, dark, CYCLIST)
    for foot, lift in ((-0.08, 0.2), (0.1, 0.38)):
        canvas.line(
            (x_px - turn * 0.4, floor - 0.9 * metre),
            (x_px + foot * metre, floor - lift * metre),
            0.14 * metre,
            canvas.faded(shaded(legs, 0.7), z),
            CYCLIST,
        )
    _trunk(canvas, x_px, floor - 1.5 * metre, floor - 0.85 * metre, 1.6 * metre, canvas.faded(coat, z), CYCLIST)
    canvas.line(
        (x_px + 0.12 * metre, floor - 1.4 * metre),
        (x_px + turn * 0.8, floor - 1.02 * metre),
        0.09 * metre,
        canvas.faded(shaded(coat, 0.85), z),
        CYCLIST,
    )
    _head(canvas, x_px + turn * 0.15, floor - 1.64 * metre, 1.7 * metre, z, CYCLIST, rng)


def _trunk(canvas: Canvas, x: float, top: float, bottom: float, unit: float, colour: Colour, kind: int) -> None:
    shoulder, hip = 0.125 * unit, 0.095 * unit
    canvas.flat(
        np.array([(x - shoulder, top), (x + shoulder, top), (x + hip, bottom), (x - hip, bottom)]), colour, kind
    )


def _head(canvas: Canvas, x: float, y: float, unit: float, z: float, kind: int, rng: np.random.Generator) -> None:
    skin = SKIN[int(rng.integers(len(SKIN)))]
    hair = varied((62, 46, 36), 14, rng)
    canvas.disc(x, y - 0.015 * unit, 0.068 * unit, canvas.faded(hair, z), kind)
    canvas.disc(x, y + 0.012 * unit, 0.055 * unit, canvas.faded(skin, z), kind)
