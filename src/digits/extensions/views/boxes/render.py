"""Lists of boxes among the outputs of a network, and how they fit those that should be found."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.boxes import NO_BOX, distinct_colours, is_box_list
from digits.data.encode import encode_png
from digits.data.images import visible
from digits.data.views import Outputs, Rendered, ViewFacts
from digits.extensions.views.boxes.spec import BoxesViewSpec

SAME = 0.5
"""Intersection over union from which on a box stands for a true one."""


def render(
    outputs: Outputs, picture_HWC: NDArray[np.uint8], facts: ViewFacts, spec: BoxesViewSpec
) -> Rendered:  # fmt: skip
    """Return the picture and the boxes with a confidence above 0, the surest first, and the true ones where they are known.

    Raises:
        DataError: no output is a list of boxes.
    """
    lists = {name: rows for name, value in outputs.items() if (rows := _rows(value)) is not None}
    if not lists:
        shapes = "; ".join(f"{name}: {' × '.join(map(str, value.shape))}" for name, value in outputs.items())
        raise DataError(
            f"No output is a list of boxes ({shapes}).",
            hint="One is 1 × boxes × 5 or 6: left, top, right, bottom, confidence, class. Choose another view.",
            rule="VIEW_SHAPE",
        )  # fmt: skip
    boxes = [box for name, rows in lists.items() for box in _found(name, rows, facts)]
    boxes.sort(key=lambda box: -float(box["confidence"]))
    true = _true(facts)
    _match(boxes, true)
    told = {
        "boxes": boxes,
        "true": true,
        "classes": _classes(boxes, spec),
        "has_truth": facts.true_labels("boxes") is not None,
    }
    told["most"] = max([1.0, *(float(box["confidence"]) for box in boxes)])
    return Rendered(told, {"picture": encode_png(np.ascontiguousarray(visible(picture_HWC)))})


def _rows(value: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Return an output as rows of boxes, None where it is no list of them."""
    return value.reshape(-1, value.shape[-1]) if is_box_list(value) else None


def _found(output: str, rows: NDArray[np.float32], facts: ViewFacts) -> list[dict[str, Any]]:
    found = []
    for row in rows[np.isfinite(rows).all(axis=1) & (rows[:, 4] > 0)]:
        number = int(row[5]) if len(row) > 5 else None
        left, top, right, bottom, confidence = (float(value) for value in row[:5])
        label = output if number is None else _name(facts, number)
        found.append(
            {"left": left, "top": top, "right": right, "bottom": bottom, "confidence": confidence, "class": number,
             "label": label, "output": output}
        )  # fmt: skip
    return found


def _name(facts: ViewFacts, number: int) -> str:
    return facts.labels[number] if 0 <= number < len(facts.labels) else f"class {number}"


def _true(facts: ViewFacts) -> list[dict[str, Any]]:
    rows = facts.true_labels("boxes")
    if rows is None:
        return []
    return [
        {"class": int(row[0]), "label": _name(facts, int(row[0])), "left": float(row[1]), "top": float(row[2]),
         "right": float(row[3]), "bottom": float(row[4]), "found": False}
        for row in rows
        if row[0] != NO_BOX and not row[5]
    ]  # fmt: skip


def _match(boxes: list[dict[str, Any]], true: list[dict[str, Any]]) -> None:
    """Note in each box the overlap with the true one that it stands for: the surest box takes the one it fits best, each once."""
    for box in boxes:
        box["iou"] = None
        same = [each for each in true if not each["found"] and box["class"] in (None, each["class"])]
        best = max(same, key=lambda each: _overlap(box, each), default=None)
        if best is not None and (overlap := _overlap(box, best)) >= SAME:
            box["iou"], best["found"] = overlap, True


def _overlap(a: dict[str, Any], b: dict[str, Any]) -> float:
    """Return the intersection over union of two boxes."""
    width = min(a["right"], b["right"]) - max(a["left"], b["left"])
    height = min(a["bottom"], b["bottom"]) - max(a["top"], b["top"])
    both = max(0.0, width) * max(0.0, height)
    areas = sum((each["right"] - each["left"]) * (each["bottom"] - each["top"]) for each in (a, b))
    return both / (areas - both) if areas > both else 0.0


def _classes(boxes: list[dict[str, Any]], spec: BoxesViewSpec) -> list[dict[str, Any]]:
    """Return the classes, or outputs without any, that boxes were found of, with their colours."""
    kinds = sorted({(-1 if box["class"] is None else box["class"], box["label"]) for box in boxes})
    palette = distinct_colours(max([0, *(number for number, _ in kinds)]) + 1)
    return [
        {
            "label": label,
            "colour": spec.box_color if number < 0 else "#" + bytes(palette[number].tolist()).hex(),
            "count": sum(box["label"] == label for box in boxes),
        }
        for number, label in kinds
    ]
