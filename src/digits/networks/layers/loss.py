"""What Caffe's losses share: labels in the form that torch wants, the divisor, and which label is passed over."""

from __future__ import annotations

from math import prod
from typing import Literal

import torch
from torch import Tensor

from digits.caffeproto import caffe_pb2
from digits.networks.layers.registry import Layer

Normalization = Literal["FULL", "VALID", "BATCH_SIZE", "NONE"]

_DENSE = 4  # axes of scores of pixels

LOG_FLOOR = 1e-20
"""Caffe's losses of probabilities take no logarithm of less."""


def normalization(layer: Layer, default: Normalization) -> Normalization:
    """Return how the sum is divided: ``normalization`` wins over the old ``normalize`` (true: VALID, false: BATCH_SIZE)."""
    param = layer.message.loss_param
    if param.HasField("normalization"):
        name: Normalization = caffe_pb2.LossParameter.NormalizationMode.Name(param.normalization)  # type: ignore[assignment] # the enum's names
        return name
    if param.HasField("normalize"):
        return "VALID" if param.normalize else "BATCH_SIZE"
    return default


def ignore_label(layer: Layer) -> int | None:
    """Return the label that does not count, if the layer names one."""
    param = layer.message.loss_param
    return param.ignore_label if param.HasField("ignore_label") else None


def check_labels(layer: Layer, axis: int, field: str) -> None:
    """Do nothing if there is one label for each place of the scores.

    Raises:
        NetworkError: there are more or fewer.
    """
    scores, labels = layer.in_shapes[:2]
    places = prod(scores[:axis] + scores[axis + 1 :])
    if len(scores) == len(labels) == _DENSE and scores[2:] != labels[2:]:
        sizes = [f"{shape[3]} x {shape[2]}" for shape in (scores, labels)]
        raise layer.error(
            f"scores of {sizes[0]} places for labels of {sizes[1]}.", field, hint="Enlarge them with a Deconvolution, then Crop them to the picture."
        )  # fmt: skip
    if prod(labels) != places:
        words = " x ".join(map(str, scores))
        raise layer.error(f"scores of {words} want {places} labels and get {prod(labels)}.", field)


def labels_like(labels: Tensor, scores: Tensor, axis: int) -> Tensor:
    """Return labels as integers, in the shape of ``scores`` without ``axis``; fractions are cut off, as Caffe does."""
    shape = scores.shape[:axis] + scores.shape[axis + 1 :]
    return labels.long().reshape(shape)


def divisor(mode: Normalization, *, count: int, batch: int, valid: Tensor | None) -> Tensor | int:
    """Return what a loss is divided by, at least 1.

    Args:
        mode: as the layer says.
        count: places in all.
        batch: pictures in the batch; Caffe counts the places before the axis of the classes.
        valid: which places count; None when all do.
    """
    if mode == "VALID" and valid is not None:
        return valid.sum().clamp_(min=1)
    return max(1, {"FULL": count, "VALID": count, "BATCH_SIZE": batch, "NONE": 1}[mode])


def valid_places(labels: Tensor, ignore: int | None) -> Tensor | None:
    """Return which labels count, or None when all do."""
    return None if ignore is None else torch.ne(labels, ignore)


def at_least(x: Tensor, least: float) -> Tensor:
    """Return ``x`` with what is below ``least`` raised to it in the value; the gradient passes as if it were not."""
    return x.detach().clamp(min=least) + (x - x.detach())


def class_numbers(num_classes: int, like: Tensor) -> Tensor:
    """Return 0, 1, ... up to the number of classes, on the device of ``like``."""
    return torch.arange(num_classes, device=like.device)
