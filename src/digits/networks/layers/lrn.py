"""Caffe ``LRN``: local response normalisation, across channels or within each."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from digits.caffeproto import caffe_pb2
from digits.networks.layers.registry import Layer, Lowered, converter


@converter("LRN")
def lrn(layer: Layer) -> Lowered:
    """(N, C, H, W) in and out. Alpha is divided by the number of values summed; WITHIN_CHANNEL has no ``k``, it is always 1."""
    param = layer.message.lrn_param
    if param.local_size % 2 == 0:
        raise layer.error(f"local_size {param.local_size} must be odd.", "lrn_param.local_size")
    if len(layer.in_shape) != 4:
        raise layer.error(f"it needs a blob of 4 axes and gets one of {len(layer.in_shape)}.")
    options = {"size": param.local_size, "alpha": param.alpha, "beta": param.beta}
    if param.norm_region == caffe_pb2.LRNParameter.WITHIN_CHANNEL:
        return Lowered(within_channel, options)
    return Lowered(F.local_response_norm, options | {"k": param.k})


def within_channel(x: Tensor, *, size: int, alpha: float, beta: float) -> Tensor:
    """Return x * (1 + alpha * mean of x^2 over the size x size square about each place) ^ -beta."""
    squares = F.avg_pool2d(x * x, size, stride=1, padding=(size - 1) // 2)
    return x * (1 + alpha * squares) ** -beta
