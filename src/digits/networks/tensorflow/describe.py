"""What a Keras network is, told before anything is trained: the table of layers and the graph. Runs where TensorFlow is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from digits.core.errors import NetworkError
from digits.networks.caffe.graph_svg import Box, draw
from digits.networks.tensorflow.definition import KerasDefinition, define
from digits.networks.tensorflow.params import Params, params_of
from digits.networks.tensorflow.table import layer_rows
from digits.networks.tensorflow.text import standard_text

BATCH_SIZE = 16
"""DIGITS' own for TensorFlow, where neither the form nor the text says one."""
_STATES = ["train", "val", "deploy"]
_INSIDE = (
    "Activation",
    "BatchNormalization",
    "Dropout",
    "Flatten",
    "LayerNormalization",
    "LeakyReLU",
    "ReLU",
    "Softmax",
)
"""Types that stand in the box of what they follow."""


def describe(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of layers and the graph of a network.

    Args:
        question: "text" (the definition) or "standard" (a standard network's name); "channels", "height", "width" of the pictures; "num_classes";
            "crop_size" and "batch_size", None or absent for the network's own; "runs": whether code of users may run here.

    Returns:
        What ``digits.networks.caffe.describe`` returns: layers, parameters, multiply_adds, activations_bytes, text, graph_svg, batch_size, warnings.

    Raises:
        NetworkError: the definition cannot be run, or not on such pictures; ``where`` is "line N".
    """
    text, definition = defined(question)
    rows = layer_rows(definition)
    size = [int(side) for side in definition.answering.inputs[0].shape[1:]]
    values = prod(size) + sum(prod(shape) for row in rows for shape in row["output_shapes"])
    batch_size = int(question.get("batch_size") or definition.train_batch_size or BATCH_SIZE)
    return {
        "layers": [row | {"states": _STATES, "frozen": False} for row in rows],
        "parameters": sum(row["num_parameters"] for row in rows),
        "multiply_adds": sum(row["multiply_adds"] for row in rows),
        "activations_bytes": 4 * values * batch_size,
        "batch_size": batch_size,
        "text": text,
        "graph_svg": draw(_boxes(rows, size)),
        "warnings": [],
    }


def defined(question: Mapping[str, Any]) -> tuple[str, KerasDefinition]:
    """Return the text that is asked about, and what it defines.

    Raises:
        NetworkError: there is none, or it cannot be run.
    """
    standard = question.get("standard")
    text = standard_text(str(standard)) if standard else str(question.get("text") or "")
    if not text.strip():
        raise NetworkError("There is no network to describe.")
    height, width, channels = (int(question[name]) for name in ("height", "width", "channels"))
    num_classes, crop = int(question["num_classes"]), question.get("crop_size")

    def told(own_crop: int | None) -> Params:
        return params_of((height, width, channels), num_classes, "class", crop, own_crop)

    return text, define(text, told, allowed=bool(question.get("runs")))


def _boxes(rows: Sequence[Mapping[str, Any]], input_HWC: Sequence[int]) -> list[Box]:
    """Return what is drawn: a box a layer; what merely follows another, as an activation does, stands in its box."""
    boxes = [Box("data", "Data", "", " × ".join(map(str, input_HWC)), 0, ())]
    places = {0: 0}
    for number, row in enumerate(rows, start=1):
        above = tuple(sorted({places[each] for each in row["above"]}))
        if row["type"] in _INSIDE and len(above) == 1 and above[0]:
            boxes[above[0]].inside.append(f"+ {row['type']}  {row['name']}")
            places[number] = above[0]
            continue
        places[number] = len(boxes)
        shape = " × ".join(map(str, row["output_shapes"][0][1:]))
        boxes.append(Box(row["name"], row["type"], _window(row), shape, row["num_parameters"], above))
    return boxes


def _window(row: Mapping[str, Any]) -> str:
    if not row["kernel"]:
        return ""
    sides = "×".join(map(str, row["kernel"]))
    stride = list(row["stride"])
    return sides if set(stride) == {1} else f"{sides} / {'×'.join(map(str, dict.fromkeys(stride)))}"
