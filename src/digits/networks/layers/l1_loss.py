"""NVCaffe ``L1Loss``: the sum of absolute differences of two blobs, divided by the number of pictures (DetectNet)."""

from __future__ import annotations

from math import prod

from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("L1Loss", bottoms=2)
def l1_loss_layer(layer: Layer) -> Lowered:
    """Two blobs with as many values a picture, to one number; both get a gradient."""
    first, second = layer.in_shapes
    if not first or first[:1] != second[:1] or prod(first) != prod(second):
        raise layer.error(f"its bottoms differ: {first} and {second}.", "bottom")
    return Lowered(l1_loss)


def l1_loss(a: Tensor, b: Tensor) -> Tensor:
    """Return sum |a - b| / N; where they are equal the gradient is 0."""
    return (a - b.reshape(a.shape)).abs().sum() / a.shape[0]
