"""Digits drawn by the program, for a machine that can fetch nothing: the same sizes and form as MNIST, the same every time.

Each class is a few strokes in a unit square; each picture bends them by its own slant, size, turn, thickness and a wobble of
every point. A network learns them as it learns MNIST, but the figures say nothing about handwriting.

Legend: N = pictures, HW = height and width.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.download.folders import Pictures

SIZE = 28
SUPERSAMPLE = 3  # drawn larger and averaged down: the soft edges of a scanned pen
SHIFT = 4  # fractional bits of a coordinate as OpenCV takes them
PART = 1000  # pictures of one generator: the result does not depend on the number of threads

Stroke = list[tuple[float, float]]


def _arc(centre: tuple[float, float], radii: tuple[float, float], start: float, end: float) -> Stroke:
    """Return points of an ellipse from ``start`` to ``end`` degrees, 0 at the right, clockwise as y points down."""
    angles = np.radians(np.linspace(start, end, 13))
    return [(centre[0] + radii[0] * np.cos(a), centre[1] + radii[1] * np.sin(a)) for a in angles]


STROKES: tuple[tuple[Stroke, ...], ...] = (
    (_arc((0.5, 0.5), (0.3, 0.42), 0, 360),),
    ([(0.35, 0.25), (0.52, 0.08), (0.52, 0.92)],),
    ([*_arc((0.5, 0.32), (0.28, 0.24), 190, 395), (0.22, 0.9), (0.8, 0.9)],),
    ([*_arc((0.47, 0.29), (0.25, 0.21), 200, 440)], _arc((0.47, 0.7), (0.29, 0.22), 270, 515)),
    ([(0.62, 0.92), (0.62, 0.08), (0.18, 0.64), (0.84, 0.64)],),
    ([(0.76, 0.1), (0.32, 0.1), (0.28, 0.46), *_arc((0.48, 0.66), (0.28, 0.25), 235, 510)],),
    ([(0.66, 0.08), (0.36, 0.4), *_arc((0.5, 0.68), (0.26, 0.23), 200, 560)],),
    ([(0.2, 0.1), (0.8, 0.1), (0.42, 0.92)],),
    (_arc((0.5, 0.29), (0.22, 0.2), 90, 450), _arc((0.5, 0.7), (0.27, 0.22), 270, 630)),
    ([*_arc((0.52, 0.32), (0.25, 0.23), 0, 360), (0.74, 0.55), (0.58, 0.92)],),
)


def digits(num_train: int, num_test: int) -> tuple[Pictures, Pictures]:
    """Return training and test pictures, white on black as MNIST's files have them; the same on every machine's every run."""
    return _draw(num_train, seed=1), _draw(num_test, seed=2)


def _draw(count: int, *, seed: int) -> Pictures:
    parts = range(-(-count // PART))
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        drawn = list(threads.map(lambda part: _part(min(PART, count - part * PART), seed=(seed, part)), parts))
    if not drawn:
        return Pictures(np.zeros((0, SIZE, SIZE), np.uint8), np.zeros(0, np.uint8))
    return Pictures(np.concatenate([images for images, _ in drawn]), np.concatenate([labels for _, labels in drawn]))


def _part(count: int, *, seed: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count).astype(np.uint8)
    images_NHW = np.empty((count, SIZE, SIZE), np.uint8)
    for index, label in enumerate(labels):
        images_NHW[index] = _one(int(label), rng)
    return images_NHW, labels


def _one(label: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    side = SIZE * SUPERSAMPLE
    canvas = np.zeros((side, side), np.uint8)
    turn, slant = rng.normal(0, 0.12), rng.normal(0, 0.18)
    scale = rng.uniform(0.55, 0.75, 2) * side
    move = rng.uniform(-0.06, 0.06, 2) * side
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1, -slant], [0, 1]]) @ np.diag(scale)
    thickness = int(rng.integers(5, 10))
    for stroke in STROKES[label]:
        points = np.array(stroke) - 0.5 + rng.normal(0, 0.012, (len(stroke), 2))
        on_canvas = points @ matrix.T + side / 2 + move
        fixed = np.rint(on_canvas * (1 << SHIFT)).astype(np.int32)
        cv2.polylines(canvas, [fixed[:, None]], False, 255, thickness, cv2.LINE_AA, SHIFT)
    small = cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)
