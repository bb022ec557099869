"""What a definition is, told before anything is trained: the table of layers and the graph. Nothing here takes memory for weights."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import Any

from digits.caffeproto import caffe_pb2
from digits.core.errors import NetworkError
from digits.networks.caffe import data_layers
from digits.networks.caffe.answering import answering
from digits.networks.caffe.build import build
from digits.networks.caffe.definition import CaffeDefinition, prepare
from digits.networks.caffe.graph_svg import Box, draw
from digits.networks.caffe.net import CaffeNet
from digits.networks.caffe.python_layer import python_layers_from
from digits.networks.layerinfo import LayerInfo
from digits.networks.layers.registry import Phase, Shape
from digits.networks.standard import standard_text

STATES = ("train", "val", "deploy")


def describe(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of layers and the graph of a classifier.

    Args:
        question: "text" (the definition) or "standard" (a standard network's name); "channels", "height", "width" of the pictures;
            "num_classes"; "crop_size" and "batch_size", None or absent for the network's own; "python_layers": a folder whose modules
            may run as layers, "" for those that Python finds; absent: none may; "target_kind": what the pictures are answered with,
            "class" where it is absent.

    Returns:
        layers: rows with ``LayerInfo``'s fields, "states" and "frozen" (lr_mult 0), in the text's order; parameters: learned values; multiply_adds: for
        one picture, in deploy; activations_bytes: of all blobs of one training pass; text; graph_svg; batch_size; warnings.

    Raises:
        NetworkError: the definition cannot be built; ``where`` is "line N", and an unknown type has its nearest name as a hint.
    """
    definition = prepared(question)
    picture = picture_shape(definition)
    with python_layers_in(question):
        nets = _build_all(definition, picture, answer_of(question, picture))
    rows = _merge(nets)
    frozen = nets["train"].frozen
    return {
        "layers": [asdict(info) | {"states": list(states), "frozen": info.name in frozen} for info, states in rows],
        "parameters": nets["train"].num_parameters,
        "multiply_adds": sum(info.multiply_adds for info in nets["deploy"].layers),
        "activations_bytes": activation_bytes(nets["train"]),
        "batch_size": definition.batch_size_train,
        "text": definition.original_text,
        "graph_svg": draw(_boxes(rows)),
        "warnings": list(definition.warnings),
    }


def prepared(question: Mapping[str, Any]) -> CaffeDefinition:
    """Return the definition that ``describe`` is asked about, after DIGITS' rules.

    Raises:
        NetworkError: there is none, or it breaks a rule.
    """
    text, standard = question.get("text"), question.get("standard")
    kind = str(question.get("target_kind") or "class")
    definition_text = answering(standard_text(str(standard)), kind) if standard else str(text or "")
    if not definition_text.strip():
        raise NetworkError("There is no network to describe.")
    channels, height, width = (int(question[name]) for name in ("channels", "height", "width"))
    return prepare(
        definition_text, where="", num_classes=int(question["num_classes"]), channels=channels, height=height, width=width,
        crop_size=question.get("crop_size") or None, batch_size=question.get("batch_size") or None, use_mean="none",
        target_kind=kind,
    )  # fmt: skip


def python_layers_in(question: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Let layers written in Python run inside, where the question says from where."""
    if "python_layers" not in question:
        return nullcontext()
    folder = question["python_layers"]
    return python_layers_from(*([Path(folder)] if folder else []))


def picture_shape(definition: CaffeDefinition) -> Shape:
    """Return the shape of a training batch of pictures."""
    return (definition.batch_size_train, *definition.deploy.layer[0].input_param.shape[0].dim[1:])


def activation_bytes(net: CaffeNet) -> int:
    """Return the bytes of all blobs of one forward pass; an in-place layer has none of its own."""
    return sum(
        4 * prod(shape)
        for info in net.layers
        for top, shape in zip(info.tops, info.output_shapes, strict=True)
        if top not in info.bottoms
    )


def answer_of(question: Mapping[str, Any], picture: Shape) -> Shape:
    """Return the shape of one picture's label, as ``describe`` is asked about it."""
    kind: str = question.get("target_kind") or "class"
    return data_layers.answer_shape(kind, int(question["num_classes"]), (picture[2], picture[3]), picture[1])


def _build_all(definition: CaffeDefinition, picture: Shape, answer: Shape) -> dict[str, CaffeNet]:
    """Build the three states without memory, all with the training's batch, so that shapes can be compared."""
    messages = {"train": definition.train, "val": definition.val, "deploy": definition.deploy}
    nets = {}
    for state, message in messages.items():
        if message is not None:
            nets[state] = build_empty(message, picture, phase="TRAIN" if state == "train" else "TEST", answer=answer)
    return nets


def build_empty(message: caffe_pb2.NetParameter, picture: Shape, *, phase: Phase, answer: Shape = ()) -> CaffeNet:
    """Build a network without memory for its weights; ``answer`` is the shape of one picture's label."""
    inputs = {"data": picture} | data_layers.inputs_of(message, picture, answer)
    return build(message, inputs, phase=phase, where="", device="meta")


def _merge(nets: Mapping[str, CaffeNet]) -> list[tuple[LayerInfo, tuple[str, ...]]]:
    """Return every layer once, with the states that have it, in the order of the text (made layers first)."""
    merged: dict[tuple[str, str, int], tuple[LayerInfo, tuple[str, ...]]] = {}
    for state, net in nets.items():
        for info in net.layers:
            key = (info.name, info.type, info.line)
            first, states = merged.get(key, (info, ()))
            merged[key] = (first, (*states, state))
    return sorted(merged.values(), key=lambda row: row[0].line)


def _boxes(rows: list[tuple[LayerInfo, tuple[str, ...]]]) -> list[Box]:
    """Return what is drawn: data layers are one box, in-place layers stand in the box of what they change, labels are words."""
    sources = [info for info, _ in rows if not info.bottoms]
    picture = next((info for info in sources if len(info.tops) > 1), sources[0])
    boxes = [Box(picture.tops[0], "Data", "", _shape_text(picture.output_shapes[0]), 0, ())]
    side_inputs = {top for info in sources for top in info.tops} - {info.tops[0] for info in sources}
    makers: dict[tuple[str, str], int] = {(info.tops[0], state): 0 for info in sources for state in STATES}
    for info, states in rows:
        if not info.bottoms:
            continue
        known = {makers[bottom, state] for bottom in info.bottoms for state in states if (bottom, state) in makers}
        if info.tops == info.bottoms and len(known) == 1:
            boxes[known.pop()].inside.append(f"+ {info.type}  {info.name}")
            continue
        words = [f"+ {bottom}" for bottom in info.bottoms if bottom in side_inputs]
        shape = _shape_text(info.output_shapes[0]) if info.output_shapes else ""
        above, shown = tuple(sorted(known)), () if len(states) == len(STATES) else states
        box = Box(info.name, info.type, _window_text(info), shape, info.num_parameters, above, shown, words)
        for top in info.tops:
            makers.update({(top, state): len(boxes) for state in states})
        boxes.append(box)
    return boxes


def _window_text(info: LayerInfo) -> str:
    """Return kernel and stride in words: "3×3 / 2"; nothing for a fully connected layer, whose window is its input."""
    if not info.kernel or info.type == "InnerProduct":
        return ""
    kernel = "×".join(map(str, info.kernel))
    return kernel if set(info.stride) == {1} else f"{kernel} / {'×'.join(map(str, dict.fromkeys(info.stride)))}"


def _shape_text(shape: Shape) -> str:
    """Return a shape without its batch: "20 × 24 × 24"."""
    return " × ".join(map(str, shape[1:])) if len(shape) > 1 else ""
