"""Caffe ``Softmax``: scores become probabilities along one axis."""

from __future__ import annotations

import torch

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Softmax")
def softmax(layer: Layer) -> Lowered:
    """One blob in, one out of the same shape; ``axis`` is 1 unless given."""
    return Lowered(torch.softmax, {"dim": layer.axis(layer.message.softmax_param.axis, "softmax_param.axis")})
