"""Caffe ``ArgMax``: where the ``top_k`` largest values lie, as floats, or what they are; of equal ones the last comes first."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("ArgMax")
def argmax(layer: Layer) -> Lowered:
    """With ``axis`` that axis becomes top_k places, or with ``out_max_val`` values. Without, each picture is flattened.

    Then the output is (N, 1, top_k), or with ``out_max_val`` (N, 2, top_k): places, then values; axes of size 1 are added until it has
    as many as the input, 3 at least. No gradient passes (real Caffe stops where one would have to).
    """
    param, shape = layer.message.argmax_param, layer.in_shape
    if param.HasField("axis"):
        axis = layer.axis(param.axis, "argmax_param.axis")
        size = shape[axis]
    else:
        if not shape:
            raise layer.error("it needs a blob of at least 1 axis.")
        axis, size = 1, prod(shape[1:])
    if not 1 <= param.top_k <= size:
        raise layer.error(f"top_k {param.top_k} of {size} values.", "argmax_param.top_k")
    options = {"top_k": param.top_k}
    if param.HasField("axis"):
        return Lowered(largest_values if param.out_max_val else largest_places, options | {"axis": axis})
    return Lowered(largest_of_each, options | {"with_values": param.out_max_val, "num_axes": max(3, len(shape))})


def largest_places(x: Tensor, *, top_k: int, axis: int) -> Tensor:
    """Return the places of the largest values along ``axis``, largest value first."""
    return _largest(x.detach(), axis, top_k).to(x.dtype)


def largest_values(x: Tensor, *, top_k: int, axis: int) -> Tensor:
    """Return the largest values along ``axis``, largest first."""
    return x.detach().gather(axis, _largest(x, axis, top_k))


def largest_of_each(x: Tensor, *, top_k: int, with_values: bool, num_axes: int) -> Tensor:
    """Return (N, 1 or 2, top_k, 1, ...): of each picture the places of its largest values and, if asked for, the values."""
    flat = x.detach().reshape(x.shape[0], -1)
    places = _largest(flat, 1, top_k)
    parts = [places.to(x.dtype), flat.gather(1, places)] if with_values else [places.to(x.dtype)]
    return torch.stack(parts, 1).reshape(x.shape[0], len(parts), top_k, *(1,) * (num_axes - 3))


def _largest(x: Tensor, axis: int, top_k: int) -> Tensor:
    """Return the places of the largest values; Caffe sorts (value, place) pairs downwards, so the last of equal ones leads."""
    turned, last = x.flip(axis), x.shape[axis] - 1
    if top_k == 1:
        return last - turned.argmax(axis, keepdim=True)
    return last - torch.sort(turned, stable=True, dim=axis, descending=True).indices.narrow(axis, 0, top_k)
