"""Caffe ``Reduction``: all axes from ``axis`` on become one number: their sum, mean, or sum of absolute values or squares."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from digits.caffeproto import caffe_pb2
from digits.networks.layers.registry import Layer, Lowered, converter

_R = caffe_pb2.ReductionParameter


@converter("Reduction")
def reduction(layer: Layer) -> Lowered:
    """One blob in, one of shape[:axis] out, times ``coeff``; axis 0 (the default) leaves a single number."""
    param = layer.message.reduction_param
    axis = layer.axis(param.axis, "reduction_param.axis")
    return Lowered(_OPERATIONS[param.operation], {"axis": axis, "coeff": param.coeff})


def total(x: Tensor, *, axis: int, coeff: float) -> Tensor:
    """Return coeff * sum."""
    return _times(x.flatten(axis).sum(-1), coeff)


def total_of_absolutes(x: Tensor, *, axis: int, coeff: float) -> Tensor:
    """Return coeff * sum of |x|."""
    return _times(x.flatten(axis).abs().sum(-1), coeff)


def total_of_squares(x: Tensor, *, axis: int, coeff: float) -> Tensor:
    """Return coeff * sum of x^2."""
    return _times(torch.square(x.flatten(axis)).sum(-1), coeff)


def mean(x: Tensor, *, axis: int, coeff: float) -> Tensor:
    """Return coeff * mean."""
    return _times(x.flatten(axis).mean(-1), coeff)


def _times(x: Tensor, coeff: float) -> Tensor:
    return x if coeff == 1 else x * coeff


_OPERATIONS: dict[int, Callable[..., Tensor]] = {
    _R.SUM: total,
    _R.ASUM: total_of_absolutes,
    _R.SUMSQ: total_of_squares,
    _R.MEAN: mean,
}
