"""Caffe ``HingeLoss``: one against all others, max(0, 1 - t x) summed over the classes, or its square with norm L2."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from digits.caffeproto import caffe_pb2
from digits.networks.layers.loss import class_numbers
from digits.networks.layers.registry import Layer, Lowered, converter


@converter("HingeLoss", bottoms=2)
def hinge_loss_layer(layer: Layer) -> Lowered:
    """Scores (N, ...), flattened to (N, C), and labels (N), to one number; t is 1 for the true class and -1 for all others.

    A label outside the classes, which real Caffe would follow into foreign memory, makes t -1 for all.
    """
    scores, labels = layer.in_shapes
    if not scores or prod(labels) != scores[0]:
        raise layer.error(f"scores of {scores} want one label a picture, and get {prod(labels)}.", "bottom")
    return Lowered(hinge_loss, {"squared": layer.message.hinge_loss_param.norm == caffe_pb2.HingeLossParameter.L2})


def hinge_loss(scores: Tensor, labels: Tensor, *, squared: bool) -> Tensor:
    """Return the loss, divided by N."""
    flat = scores.reshape(scores.shape[0], -1)
    is_true = class_numbers(flat.shape[1], flat) == labels.reshape(-1, 1).long()
    margins = F.relu(1 - torch.where(is_true, flat, -flat))
    return (margins * margins if squared else margins).sum() / flat.shape[0]
