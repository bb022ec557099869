"""Patches of tissue that are drawn, coloured as haematoxylin and eosin do: nuclei purple, the rest pink.

Epithelium is where nuclei stand close to each other, round, in paler cells; elsewhere they are few, long and as purple. So it is not told by
the colour of a pixel, only by what surrounds it.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from examples.running import save

SIDE = 64
_PINK, _PALE, _PURPLE = (190, 130, 215), (205, 165, 220), (130, 60, 90)  # BGR
Point = tuple[int, int]


def write(folder: Path, count: int) -> tuple[Path, Path]:
    """Write ``count`` patches and their masks, 255 where there is epithelium; return both folders."""
    rng = np.random.default_rng(1)
    for number in range(count):
        patch, mask = draw(rng)
        save(patch, folder / "patches" / f"{number:05d}.png")
        save(mask, folder / "masks" / f"{number:05d}.png")
    return folder / "patches", folder / "masks"


def draw(rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a patch [H, W, 3] of BGR and its mask [H, W]."""
    patch, mask = np.full((SIDE, SIDE, 3), _PINK, np.uint8), np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(int(rng.integers(1, 3))):
        place, axes = _point(rng.integers(0, SIDE, 2)), _point(rng.integers(12, 26, 2))
        cv2.ellipse(mask, place, axes, float(rng.uniform(0, 180)), 0, 360, 255, cv2.FILLED)
    patch[mask > 0] = _PALE
    for y in range(0, SIDE, 7):
        for x in range(0, SIDE, 7):
            place = _point(np.clip(rng.normal((x, y), 1.2), 0, SIDE - 1))
            if mask[place[1], place[0]]:
                cv2.circle(patch, place, int(rng.integers(2, 4)), _PURPLE, cv2.FILLED)
            elif rng.random() < 0.3:
                cv2.ellipse(patch, place, (5, 1), float(rng.uniform(0, 180)), 0, 360, _PURPLE, cv2.FILLED)
    stained = cv2.GaussianBlur(patch, (0, 0), 0.7) * rng.uniform(0.85, 1.1) + rng.normal(0, 8, patch.shape)
    return np.asarray(stained.clip(0, 255), np.uint8), mask


def _point(values: NDArray[np.generic]) -> Point:
    return round(float(values[0])), round(float(values[1]))
