"""Caffe ``Eltwise``: the product, weighted sum or maximum of blobs of one shape, value by value."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor

from digits.caffeproto import caffe_pb2
from digits.networks.layers.registry import Layer, Lowered, converter

_E = caffe_pb2.EltwiseParameter


@converter("Eltwise", bottoms=(2, None), output_free=True)
def eltwise(layer: Layer) -> Lowered:
    """Blobs of one shape to one of that shape; ``coeff`` is for SUM alone."""
    param = layer.message.eltwise_param
    for name, shape in zip(layer.message.bottom, layer.in_shapes, strict=True):
        if shape != layer.in_shape:
            raise layer.error(f"bottom {name!r} is {shape} and the first one {layer.in_shape}.", "bottom")
    coefficients = tuple(param.coeff)
    if coefficients and param.operation != _E.SUM:
        raise layer.error("coeff is for SUM alone.", "eltwise_param.coeff")
    if len(coefficients) not in (0, len(layer.in_shapes)):
        raise layer.error(f"{len(coefficients)} coeff for {len(layer.in_shapes)} bottoms.", "eltwise_param.coeff")
    if param.operation == _E.PROD:
        return Lowered(product)
    if param.operation == _E.MAX:
        return Lowered(maximum)
    return Lowered(total) if not coefficients else Lowered(weighted_sum, {"coefficients": coefficients})


def product(*blobs: Tensor) -> Tensor:
    """Return the product."""
    return reduce(torch.mul, blobs)


def total(*blobs: Tensor) -> Tensor:
    """Return the sum."""
    return reduce(torch.add, blobs)


def weighted_sum(*blobs: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """Return the sum of each blob times its coefficient."""
    return reduce(torch.add, (blob if c == 1 else blob * c for blob, c in zip(blobs, coefficients, strict=True)))


def maximum(*blobs: Tensor) -> Tensor:
    """Return the maximum. Of equal values the second blob gets the gradient of the first two; a later one only if it is larger."""
    first, second, *others = blobs
    largest = torch.where(first > second, first, second)
    for blob in others:
        largest = torch.where(blob > largest, blob, largest)
    return largest
