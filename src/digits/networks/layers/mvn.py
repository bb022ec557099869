"""Caffe ``MVN``: takes off the mean of each channel and divides by its standard deviation."""

from __future__ import annotations

import torch
from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("MVN")
def mvn_layer(layer: Layer) -> Lowered:
    """(N, C, ...) in and out; ``across_channels`` takes the mean over all of a picture, ``normalize_variance: false`` the mean alone."""
    param = layer.message.mvn_param
    if not layer.in_shape:
        raise layer.error("it needs a blob of at least 1 axis.")
    axis = 1 if param.across_channels else 2
    return Lowered(mvn if param.normalize_variance else centred, {"axis": axis, "eps": param.eps})


def centred(x: Tensor, *, axis: int, eps: float) -> Tensor:  # noqa: ARG001 - as ``mvn``
    """Return ``x`` less its mean over the axes from ``axis`` on."""
    flat = x.reshape(*x.shape[:axis], -1)
    return (flat - flat.mean(-1, keepdim=True)).reshape(x.shape)


def mvn(x: Tensor, *, axis: int, eps: float) -> Tensor:
    """Return (x - mean) / (deviation + eps), of the axes from ``axis`` on; the variance is the biased one.

    The gradient is Caffe's, which divides by (deviation + eps) throughout, so that it is finite where all values are equal.
    """
    flat = x.reshape(*x.shape[:axis], -1)
    off = flat - flat.mean(-1, keepdim=True)
    variance = torch.square(off).mean(-1, keepdim=True)
    divisor = variance.detach().sqrt() + eps
    divisor = divisor + (variance - variance.detach()) / (2 * divisor)
    return (off / divisor).reshape(x.shape)
