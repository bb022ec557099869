"""Networks and weights in the words of BVLC Caffe, so that it and OpenCV's importer read what was written for a fork of it.

BVLC Caffe refuses a text with a field that it does not know. What only forks know is said in BVLC's own words where it has such, and left out
where it changes nothing but speed:

- NVCaffe's BatchNorm with five blobs (mean, variance, 1, scale, bias) becomes a BatchNorm of three and a Scale behind it, in place. BVLC's
  divides its first two blobs by the third, which is 1 here, and NVCaffe's ``eps`` is never below 1e-5; so the numbers stay the same.
- ``torch_pooling`` becomes ``round_mode: FLOOR``, which BVLC knows since 2018; OpenCV's importer fails over it, so it is left out where rounding
  up gives the same size.

A network with layers that only a fork has (Permute, SegNet's BN, ...) needs that fork anyway, and keeps its fields; it is noted.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2
from digits.caffeproto.place import place
from digits.caffeproto.text import layer_line
from digits.core.errors import NetworkError

OURS = 20_000
"""Fields from this number on are forks' fields that have no number of their own beside BVLC's, and stand under one of ours."""
_LEAST_EPS = 1e-5  # NVCaffe's, whatever ``eps`` says

Net = caffe_pb2.NetParameter
Layer = caffe_pb2.LayerParameter
Weights = Mapping[str, NDArray[Any]]

LAST_NUMBERS: Mapping[str, int] = {
    "NetParameter": 100, "LayerParameter": 148, "BlobProto": 9, "TransformationParameter": 7, "LossParameter": 3,
    "BatchNormParameter": 3, "ConvolutionParameter": 18, "DataParameter": 10, "DropoutParameter": 1,
    "ImageDataParameter": 12, "PoolingParameter": 13,
}  # fmt: skip
"""The last field number of BVLC's in the messages to which forks have added fields: what comes after is theirs."""

FORK_LAYERS = frozenset({
    "AnnotatedData", "Axpy", "BN", "DenseImageData", "DetectNetTransformation", "DetectionEvaluate", "DetectionOutput",
    "L1Loss", "MultiBoxLoss", "Normalize", "Permute", "PriorBox", "SmoothL1Loss", "TRT", "Upsample",
})  # fmt: skip
"""Types of layers that BVLC Caffe does not have."""

_HARMLESS = frozenset({
    "engine", "forward_type", "backward_type", "forward_math", "backward_math", "debug", "default_forward_type",
    "default_backward_type", "default_forward_math", "default_backward_math", "global_grad_scale", "threads", "parser_threads",
    "cache", "precache", "cudnn_convolution_algo_seeker", "conv_algos_override", "use_gpu_transform", "random_seed",
})  # fmt: skip
"""Fields of forks that say how fast, and not what."""


@dataclass(frozen=True)
class BvlcNets:
    """The networks that were given, and their weights."""

    nets: tuple[Net, ...]
    weights: dict[str, NDArray[Any]]
    notes: tuple[str, ...]
    """What people should know, a sentence each."""


def for_bvlc(nets: Sequence[Net], weights: Weights, *, where: str, same_rounded_up: Container[str] = ()) -> BvlcNets:
    """Return current-form networks that share weights (the one that answers, the one that trains) in BVLC's words.

    Args:
        nets: the networks.
        weights: arrays by "layer:i".
        where: the file's name for errors.
        same_rounded_up: names of Pooling layers whose output is as large rounded up as rounded down.

    Raises:
        NetworkError: a layer is of a kind that no other Caffe has: it pools sums.
    """
    notes: dict[str, None] = {}
    scales = _scale_names(nets)
    if scales:
        notes["NVCaffe's BatchNorm layers of five blobs went out as BatchNorm and Scale, which compute the same."] = (
            None
        )
    made = []
    for net in nets:
        copy = Net()
        copy.CopyFrom(net)
        del copy.layer[:]
        for layer in net.layer:
            copy.layer.extend(_in_bvlc_words(layer, scales, where, same_rounded_up))
        for layer in copy.layer:
            if layer.pooling_param.round_mode == caffe_pb2.PoolingParameter.FLOOR:
                notes[f"Layer {layer.name!r} rounds its size down: Caffe before 2018 and OpenCV cannot read that."] = (
                    None
                )
        foreign = dict.fromkeys(layer.type for layer in copy.layer if layer.type in FORK_LAYERS)
        if foreign:
            notes[f"BVLC Caffe has no layer of type {', '.join(foreign)}: a fork that has it is needed."] = None
        else:
            for field in clear_fork_fields(copy):
                if field.rpartition(".")[2] not in _HARMLESS:
                    notes[f"{field} was left out: BVLC Caffe does not know it."] = None
        made.append(copy)
    return BvlcNets(tuple(made), _moved(weights, scales), tuple(notes))


def learns_scale(layer: Layer) -> bool:
    """Tell whether a layer is NVCaffe's BatchNorm with five blobs: it scales and shifts by itself."""
    param = layer.batch_norm_param
    return layer.type == "BatchNorm" and (
        param.scale_bias or param.HasField("scale_filler") or param.HasField("bias_filler")
    )


def is_fork_field(message: str, number: int) -> bool:
    """Tell whether a field, by its message's name and its number, is a fork's or ours."""
    return number > LAST_NUMBERS.get(message, OURS - 1)


def clear_fork_fields(message: Message) -> tuple[str, ...]:
    """Clear, in place, every field that BVLC Caffe does not know, and return the names ("dropout_param.engine") of those cleared."""
    return tuple(dict.fromkeys(_clear(message, "")))


def _clear(message: Message, path: str) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.is_extension:
            continue  # a layer's line, which no file gets
        name = f"{path}{field.name}"
        if is_fork_field(message.DESCRIPTOR.name, field.number):
            message.ClearField(field.name)
            yield name
        elif field.message_type is not None and field.name != "blobs":
            inner = "" if field.name == "layer" else f"{name}."
            for each in value if field.is_repeated else (value,):
                yield from _clear(each, inner)


def _scale_names(nets: Sequence[Net]) -> dict[str, str]:
    """Return a name that is free in all networks for the Scale behind each BatchNorm that needs one."""
    taken = {layer.name for net in nets for layer in net.layer}
    names: dict[str, str] = {}
    for layer in (layer for net in nets for layer in net.layer if learns_scale(layer)):
        name = f"{layer.name}_scale"
        while layer.name not in names and name in taken:
            name += "_"
        taken.add(names.setdefault(layer.name, name))
    return names


def _moved(weights: Weights, scales: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Return the weights with the last two blobs of such layers under the names of their Scales."""
    moved = dict(weights)
    for norm, scale in scales.items():
        if f"{norm}:3" in moved:
            moved[f"{norm}:2"] = np.ones(1, np.float32)  # NVCaffe does not look at it
            moved |= {f"{scale}:{index}": moved.pop(f"{norm}:{index + 3}") for index in (0, 1)}
    return moved


def _in_bvlc_words(
    layer: Layer, scales: Mapping[str, str], where: str, same_rounded_up: Container[str]
) -> Iterator[Layer]:
    """Yield the layer, or the two that do its work.

    Raises:
        NetworkError: none can.
    """
    copy = Layer()
    copy.CopyFrom(layer)
    if copy.type == "Pooling":
        param = copy.pooling_param
        if param.pool == caffe_pb2.PoolingParameter.SUM:
            raise NetworkError(
                f"Layer {layer.name!r} pools sums, which no other Caffe can.",
                where=place(where, layer_line(layer, "pooling_param.pool")),
                hint="Other formats carry it.",
            )
        if param.torch_pooling:
            param.ClearField("torch_pooling")
            param.round_mode = caffe_pb2.PoolingParameter.FLOOR
        if layer.name in same_rounded_up:
            param.ClearField("round_mode")
    if not learns_scale(copy):
        yield copy
        return
    norm = copy.batch_norm_param
    norm.eps = max(norm.eps, _LEAST_EPS)
    for name in ("use_global_stats", "scale_filler", "bias_filler", "scale_bias", "engine"):
        norm.ClearField(name)
    del copy.param[:]  # BVLC refuses any rate but 0 here, and sets that itself
    yield copy
    yield _scale(layer, scales[layer.name])


def _scale(norm: Layer, name: str) -> Layer:
    """Return the Scale that does, in place, what ``norm`` did with its last two blobs."""
    scale = Layer(name=name, type="Scale", bottom=norm.top, top=norm.top, include=norm.include, exclude=norm.exclude)
    if norm.HasField("phase"):
        scale.phase = norm.phase
    scale.param.extend(norm.param[3:5])
    param, given = scale.scale_param, norm.batch_norm_param
    param.bias_term = True
    if given.HasField("scale_filler"):
        param.filler.CopyFrom(given.scale_filler)
    if given.HasField("bias_filler"):
        param.bias_filler.CopyFrom(given.bias_filler)
    return scale
