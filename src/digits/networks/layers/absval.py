"""Caffe ``AbsVal``: the absolute value."""

from __future__ import annotations

import torch

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("AbsVal")
def absval(layer: Layer) -> Lowered:  # noqa: ARG001 - every converter takes the layer
    """One blob in, one out of the same shape; the gradient at 0 is 0."""
    return Lowered(torch.abs)
