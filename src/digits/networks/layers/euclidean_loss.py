"""Caffe ``EuclideanLoss``: half the mean squared distance of two blobs, sum (a - b)^2 / (2 N)."""

from __future__ import annotations

from math import prod

from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("EuclideanLoss", bottoms=2)
def euclidean_loss_layer(layer: Layer) -> Lowered:
    """Two blobs with as many values a picture, to one number; both get a gradient."""
    first, second = layer.in_shapes
    if first[:1] != second[:1] or prod(first) != prod(second):
        raise layer.error(f"its bottoms differ: {first} and {second}.", "bottom")
    return Lowered(euclidean_loss)


def euclidean_loss(a: Tensor, b: Tensor) -> Tensor:
    """Return the loss; N is the size of the first axis alone."""
    difference = a - b.reshape(a.shape)
    return (difference * difference).sum() / (2 * a.shape[0])
