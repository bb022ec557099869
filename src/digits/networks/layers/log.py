"""Caffe ``Log``: the logarithm of shift + scale * x; base is e unless given."""

from __future__ import annotations

import torch
from torch import Tensor

from digits.networks.layers.exp import log_of_base
from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Log")
def log_layer(layer: Layer) -> Lowered:
    """One blob in, one out of the same shape; NaN where shift + scale * x is negative, as in Caffe."""
    param = layer.message.log_param
    divisor = log_of_base(layer, param.base, "log_param.base")
    if divisor == 0:
        raise layer.error("there is no logarithm to base 1.", "log_param.base")
    return Lowered(log, {"scale": param.scale, "shift": param.shift, "factor": 1 / divisor})


def log(x: Tensor, *, scale: float, shift: float, factor: float) -> Tensor:
    """Return the logarithm of shift + scale * x, times ``factor``."""
    y = x if scale == 1 else x * scale
    y = torch.log(y if shift == 0 else y + shift)
    return y if factor == 1 else y * factor
