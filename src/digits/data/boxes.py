"""Boxes as they are stored, DIGITS' label of sixteen numbers a box, and as they are learned: class id, left, top, right, bottom, ignore.

Legend: N pictures of at most M boxes; coordinates are pixels of the stored picture.
"""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.data.resize import Plan

COLUMNS = 16
"""Of a row of DIGITS' labels: x, y, w, h, alpha, class, 0, roty, truncated, occluded, length, width, height, X, Y, Z."""
TARGET_COLUMNS = 6
NO_BOX = -1.0
"""The class id of rows beyond a picture's last box."""
_X, _Y, _WIDTH, _HEIGHT, _CLASS = 0, 1, 2, 3, 5
FOUND = "boxes"
"""The name of the output that holds what was found."""
_FOUND_COLUMNS, _CONFIDENCE = (5, 6), 4
_GOLDEN = 0.618034


def box_targets(label: NDArray[np.float32], places: Mapping[int, int], most: int) -> NDArray[np.float32]:
    """Return the boxes of one picture, float32 [most, 6]: class id, left, top, right, bottom, ignore (0 or 1).

    Of an ignored box the class id is 0 and means nothing; rows beyond the last box have the class id -1 and zeros.

    Args:
        label: DIGITS' label, [at least n + 1, 16].
        places: class id by DIGITS' id; a box of another id is ignored.
        most: rows.
    """
    targets = np.zeros((most, TARGET_COLUMNS), np.float32)
    targets[:, 0] = NO_BOX
    rows = label[1 : 1 + int(label[0, 0])]
    found = [places.get(int(each)) for each in rows[:, _CLASS]]
    targets[: len(rows), 0] = [0 if each is None else each for each in found]
    targets[: len(rows), 1:3] = rows[:, (_X, _Y)]
    targets[: len(rows), 3:5] = rows[:, (_X, _Y)] + rows[:, (_WIDTH, _HEIGHT)]
    targets[: len(rows), 5] = [each is None for each in found]
    return targets


def is_box_list(value: NDArray[Any]) -> bool:
    """Return whether an output is a list of boxes, [N, K, 5 or 6] or [N, 1, K, 5 or 6]: left, top, right, bottom, confidence, and a class id."""
    is_list = value.ndim == 3 or (value.ndim == 4 and value.shape[1] == 1)
    return is_list and value.shape[-1] in _FOUND_COLUMNS


def found_in(outputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32] | None:
    """Return the boxes among the outputs of a network, [N, K, 6]; None where there are none.

    They are the output ``boxes``; of a network without it its lists of five columns, of which, by name, the first has the boxes of class 0.
    """
    if FOUND in outputs:
        return np.asarray(outputs[FOUND], np.float32)
    lists = [
        outputs[name].reshape(len(outputs[name]), -1, outputs[name].shape[-1])
        for name in sorted(outputs)
        if is_box_list(outputs[name])
    ]
    if not lists:
        return None
    rows = [
        each if each.shape[-1] > _CONFIDENCE + 1 else np.insert(each, _CONFIDENCE + 1, place, axis=2)
        for place, each in enumerate(lists)
    ]
    return np.concatenate(rows, axis=1).astype(np.float32)


def in_source(
    found: NDArray[np.float32], source: tuple[int, int], steps: Plan, corner: tuple[int, int]
) -> NDArray[np.float32]:
    """Return boxes that were found in a resized picture in the pixels of the picture before, cut off at its edges.

    Args:
        found: rows of a list (``is_box_list``), any axes before; those without confidence stay as they are.
        source: height and width of the picture before.
        steps: how it was brought to its size.
        corner: (top, left) of what the network sees in that.
    """
    moved = found.copy()
    is_box = found[..., _CONFIDENCE] > 0
    for axis, columns in ((0, (1, 3)), (1, (0, 2))):
        for column in columns:
            place = (found[..., column] + corner[axis] + steps.start[axis]) * (source[axis] / steps.scaled[axis])
            moved[..., column] = np.where(is_box, np.clip(place, 0, source[axis]), found[..., column])
    return moved


def box_digest(targets: NDArray[np.float32], labels: Sequence[str]) -> bytes:
    """Return the digest of a picture's boxes: of their classes' names, upper or lower case alike, and edges to a hundredth of a pixel.

    Their order does not matter, nor what else a format says of them.
    """
    lines = []
    for class_id, *edges, ignore in targets[targets[:, 0] != NO_BOX].tolist():
        name = "" if ignore else labels[int(class_id)].casefold()
        lines.append(f"{' '.join(f'{value:.2f}' for value in edges)} {name}\n".encode("utf-8", "surrogateescape"))
    return hashlib.sha256(b"boxes\n" + b"".join(sorted(lines))).digest()


def distinct_colours(count: int) -> NDArray[np.uint8]:
    """Return bright colours that are told apart on a photograph: [count, 3] of RGB, each far in hue from those before it."""
    hues = [(0.02 + _GOLDEN * index) % 1 for index in range(count)]
    colours = [
        colorsys.hsv_to_rgb(hue, (0.85, 0.6)[index // 8 % 2], (1, 0.8)[index // 16 % 2])
        for index, hue in enumerate(hues)
    ]
    return (np.array(colours).reshape(-1, 3) * 255).round().astype(np.uint8)
