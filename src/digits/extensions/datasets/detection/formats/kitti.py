"""KITTI: a text for each picture, a line a thing: ``type truncated occluded alpha left top right bottom h w l x y z rotation_y``."""

from __future__ import annotations

from digits.extensions.datasets.detection.boxes import Box, Scene
from digits.extensions.datasets.detection.formats import LineError, number, ordered

COLUMNS = (
    "type", "truncated", "occluded", "alpha", "left", "top", "right", "bottom", "height", "width", "length", "x", "y", "z",
    "rotation_y",
)  # fmt: skip


def parse(text: str) -> list[Box]:
    """Return the boxes of one picture; more columns than KITTI's 15 (a score) are passed over.

    Raises:
        LineError: a line has too few columns, or words where numbers belong.
    """
    boxes = []
    for at, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = line.split()
        if len(parts) < len(COLUMNS):
            raise LineError(
                f"{len(parts)} columns; a line of KITTI has {len(COLUMNS)}.",
                line=at,
                hint=f"They are {' '.join(COLUMNS)}.",
            )
        values = [number(each, name, at) for each, name in zip(parts[1:], COLUMNS[1:], strict=False)]
        truncated, occluded, alpha, left, top, right, bottom, high, wide, long, x, y, z, rotation = values
        scene = Scene(truncated, occluded, alpha, (high, wide, long), (x, y, z), rotation)
        boxes.append(ordered(Box(parts[0], left, top, right, bottom, line=at, scene=scene)))
    return boxes
