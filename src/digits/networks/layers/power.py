"""Caffe ``Power``: (shift + scale * x) ^ power."""

from __future__ import annotations

import torch
from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Power")
def power_layer(layer: Layer) -> Lowered:
    """One blob in, one out of the same shape. A mere scale is one multiplication, and no more is done than asked for."""
    param = layer.message.power_param
    if param.power == 1 and param.shift == 0 and param.scale != 0:
        return Lowered(scale, {"scale": param.scale})
    return Lowered(power, {"power": param.power, "scale": param.scale, "shift": param.shift})


def scale(x: Tensor, *, scale: float) -> Tensor:
    """Return x * scale."""
    return x * scale


def power(x: Tensor, *, power: float, scale: float, shift: float) -> Tensor:
    """Return (shift + scale * x) ^ power; with scale * power == 0 the constant shift ^ power, without a gradient."""
    if scale * power == 0:
        return torch.full_like(x, shift).pow(power)
    y = x if scale == 1 else x * scale
    y = y if shift == 0 else y + shift
    return y if power == 1 else y**power
