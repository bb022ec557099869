"""Caffe ``Exp``: base ^ (shift + scale * x); base is e unless given."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Exp")
def exp_layer(layer: Layer) -> Lowered:
    """One blob in, one out of the same shape; ``base`` -1 stands for e."""
    param = layer.message.exp_param
    factor = log_of_base(layer, param.base, "exp_param.base")
    return Lowered(exp, {"scale": factor * param.scale, "shift": factor * param.shift})


def exp(x: Tensor, *, scale: float, shift: float) -> Tensor:
    """Return e ^ (shift + scale * x)."""
    y = x if scale == 1 else x * scale
    return torch.exp(y if shift == 0 else y + shift)


def log_of_base(layer: Layer, base: float, field: str) -> float:
    """Return the natural logarithm of a base; -1 stands for e.

    Raises:
        NetworkError: there is no such base.
    """
    if base == -1:
        return 1.0
    if not 0 < base < math.inf:
        raise layer.error(f"base {base:g} must be -1 (for e) or above 0.", field)
    return math.log(base)
