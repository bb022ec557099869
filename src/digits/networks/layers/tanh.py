"""Caffe ``TanH``: the hyperbolic tangent."""

from __future__ import annotations

import torch

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("TanH")
def tanh(layer: Layer) -> Lowered:  # noqa: ARG001 - every converter takes the layer
    """One blob in, one out of the same shape."""
    return Lowered(torch.tanh)
