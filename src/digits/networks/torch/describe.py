"""What a network in Python is, told before anything is trained: the table of layers and the graph. Nothing here takes memory for weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import prod
from typing import Any

from digits.core.errors import NetworkError
from digits.networks.caffe.graph_svg import Box, draw
from digits.networks.torch.definition import TorchDefinition, define
from digits.networks.torch.params import Params
from digits.networks.torch.text import standard_text
from digits.networks.torch.trace import INPUT, Traced, trace

BATCH_SIZE = 16
STATES = ("train", "val", "deploy")
_INSIDE = ("ReLU", "ReLU6", "SiLU", "GELU", "Dropout", "Dropout2d", "BatchNorm2d", "Flatten", "LeakyReLU", "Sigmoid")
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
    text, definition, size = defined(question)
    crop = question.get("crop_size") or definition.crop_size
    seen = [min(crop, each) if crop else each for each in size[1:]]
    batch_size = int(question.get("batch_size") or definition.train_batch_size or BATCH_SIZE)
    frozen = {name.rpartition(".")[0] for name, each in definition.model.named_parameters() if not each.requires_grad}
    num_parameters = sum(each.numel() for each in definition.model.parameters())
    rows = trace(definition, (size[0], seen[0], seen[1]))
    values = size[0] * seen[0] * seen[1] + sum(prod(shape) for row in rows for shape in row.info.output_shapes)
    return {
        "layers": [asdict(row.info) | {"states": list(STATES), "frozen": row.info.name in frozen} for row in rows],
        "parameters": num_parameters,
        "multiply_adds": sum(row.info.multiply_adds for row in rows),
        "activations_bytes": 4 * values * batch_size,
        "batch_size": batch_size,
        "text": text,
        "graph_svg": draw(_boxes(rows, (size[0], *seen))),
        "warnings": [],
    }


def defined(question: Mapping[str, Any]) -> tuple[str, TorchDefinition, tuple[int, int, int]]:
    """Return the text that is asked about, what it defines (without memory), and the (channels, height, width) of the pictures.

    Raises:
        NetworkError: there is none, or it cannot be run.
    """
    standard = question.get("standard")
    text = standard_text(str(standard)) if standard else str(question.get("text") or "")
    if not text.strip():
        raise NetworkError("There is no network to describe.")
    channels, height, width = (int(question[name]) for name in ("channels", "height", "width"))
    crop = min(int(question["crop_size"]), height, width) if question.get("crop_size") else None
    params = Params(int(question["num_classes"]), (channels, crop or height, crop or width), 0, crop)
    definition = define(text, params, allowed=bool(question.get("runs")), device="meta")
    return text, definition, (channels, height, width)


def layer_rows(definition: TorchDefinition, input_CHW: tuple[int, int, int]) -> list[dict[str, Any]]:
    """Return the table of layers of a model that has its weights, as the job's ``network.json`` holds it; the model is left as it was.

    Raises:
        NetworkError: it cannot run on such pictures; with its line.
    """
    import copy

    empty = copy.deepcopy(definition.model)
    return [
        asdict(row.info) for row in trace(TorchDefinition(empty, definition.where, lines=definition.lines), input_CHW)
    ]


def _boxes(rows: Sequence[Traced], input_CHW: Sequence[int]) -> list[Box]:
    """Return what is drawn: a box a layer; what merely follows another, as an activation does, stands in its box."""
    boxes = [Box(INPUT, "Data", "", " × ".join(map(str, input_CHW)), 0, ())]
    places = {0: 0}
    for number, row in enumerate(rows, start=1):
        info, above = row.info, tuple(sorted({places[each] for each in row.above}))
        if info.type in _INSIDE and len(above) == 1 and above[0]:
            boxes[above[0]].inside.append(f"+ {info.type}  {info.name}")
            places[number] = above[0]
            continue
        places[number] = len(boxes)
        shape = " × ".join(map(str, info.output_shapes[0][1:]))
        boxes.append(Box(info.name, info.type, _window(info.kernel, info.stride), shape, info.num_parameters, above))
    return boxes


def _window(kernel: Sequence[int], stride: Sequence[int]) -> str:
    if not kernel:
        return ""
    sides = "×".join(map(str, kernel))
    return sides if set(stride) == {1} else f"{sides} / {'×'.join(map(str, dict.fromkeys(stride)))}"
