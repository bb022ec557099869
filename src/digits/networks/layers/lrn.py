"""Caffe ``LRN``: local response normalisation, across channels or within each."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from digits.caffeproto import caffe_pb2
from digits.networks.layers.registry import Layer, Lowered, converter

_LARGEST = 2**15


@converter("LRN")
def lrn(layer: Layer) -> Lowered:
    """(N, C, H, W) in and out. Alpha is divided by the number of values summed; WITHIN_CHANNEL has no ``k``, it is always 1."""
    param = layer.message.lrn_param
    if param.local_size % 2 == 0:
        raise layer.error(f"local_size {param.local_size} must be odd.", "lrn_param.local_size")
    if param.local_size > _LARGEST:
        raise layer.error(f"local_size {param.local_size} is absurd.", "lrn_param.local_size")
    if len(layer.in_shape) != 4:
        raise layer.error(f"it needs a blob of 4 axes and gets one of {len(layer.in_shape)}.")
    options = {"size": param.local_size, "alpha": param.alpha, "beta": param.beta}
    if param.norm_region == caffe_pb2.LRNParameter.WITHIN_CHANNEL:
        return Lowered(within_channel, options)
    return Lowered(across_channels, options | {"k": param.k})


def within_channel(x: Tensor, *, size: int, alpha: float, beta: float) -> Tensor:
    """Return x * (1 + alpha * mean of x^2 over the size x size square about each place) ^ -beta."""
    squares = F.avg_pool2d(x * x, size, stride=1, padding=(size - 1) // 2)
    return x * (1 + alpha * squares) ** -beta


def across_channels(x: Tensor, *, size: int, alpha: float, beta: float, k: float) -> Tensor:
    """Return x * (k + alpha / size * sum of x^2 over the ``size`` channels about each one) ^ -beta.

    It is ``F.local_response_norm``, with its gradient written out: that was measured 5 times faster on the CPU, where it otherwise
    takes longer than AlexNet's convolutions.
    """
    result: Tensor = _AcrossChannels.apply(x, size, alpha, beta, k)  # type: ignore[no-untyped-call] # torch's own
    return result


class _AcrossChannels(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
        scale = _sum_neighbours(x * x, size // 2).mul_(alpha / size).add_(k)
        factor = _power(scale, beta)
        ctx.save_for_backward(x, scale, factor)
        ctx.options = size, alpha, beta
        return x * factor

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        """With y_i = x_i s_i^-b: dx_j = g_j s_j^-b - 2 a b / n x_j (sum over i near j of g_i y_i / s_i)."""
        x, scale, factor = ctx.saved_tensors
        size, alpha, beta = ctx.options
        direct = gradient * factor
        through_scale = _sum_neighbours((direct * x).div_(scale), size // 2).mul_(x)
        return direct.add_(through_scale, alpha=-2 * alpha * beta / size), None, None, None, None


def _sum_neighbours(x: Tensor, reach: int) -> Tensor:
    """Return the sum over the channels up to ``reach`` away on both sides."""
    total = x.clone()
    for distance in range(1, min(reach, x.shape[1] - 1) + 1):
        total[:, distance:].add_(x[:, :-distance])
        total[:, :-distance].add_(x[:, distance:])
    return total


def _power(scale: Tensor, beta: float) -> Tensor:
    """Return scale ^ -beta; for the usual 3/4 by two roots, which are far cheaper."""
    if beta == 0.75:
        root = scale.rsqrt()
        return root * root.sqrt()
    return scale.pow(-beta)
