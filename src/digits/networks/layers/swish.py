"""Caffe ``Swish``: x / (1 + exp(-beta * x))."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Swish")
def swish_layer(layer: Layer) -> Lowered:
    """One blob in, one out of the same shape; ``beta`` is 1 unless given."""
    beta = layer.message.swish_param.beta
    return Lowered(F.silu) if beta == 1 else Lowered(swish, {"beta": beta})


def swish(x: Tensor, *, beta: float) -> Tensor:
    """Return x * sigmoid(beta * x)."""
    return x * torch.sigmoid(x * beta)
