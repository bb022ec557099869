"""Caffe ``Threshold``: 1 where the value is above ``threshold``, else 0."""

from __future__ import annotations

from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Threshold")
def threshold_layer(layer: Layer) -> Lowered:
    """One blob in, one out of the same shape; no gradient passes (real Caffe stops where one would have to)."""
    return Lowered(threshold, {"threshold": layer.message.threshold_param.threshold})


def threshold(x: Tensor, *, threshold: float) -> Tensor:
    """Return where ``x`` is above the threshold, as 0 and 1."""
    return (x > threshold).to(x.dtype)
