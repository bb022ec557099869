"""Caffe ``ReLU``: negative values become 0, or are multiplied by ``negative_slope``."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("ReLU")
def relu(layer: Layer) -> Lowered:
    """One blob in, one out of the same shape; changed where it lies when nobody else needs it, which spares its memory."""
    slope = layer.message.relu_param.negative_slope
    if slope:
        return Lowered(F.leaky_relu, {"negative_slope": slope})
    return Lowered(torch.relu_ if layer.overwrites else torch.relu)
