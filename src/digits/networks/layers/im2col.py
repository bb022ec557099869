"""Caffe ``Im2col``: lays the values of each window of a convolution under one another, as its matrix product wants them."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from digits.networks.layers.convolution import check_window, conv_window
from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Im2col")
def im2col_layer(layer: Layer) -> Lowered:
    """(N, C, ...) to (N, C * kernel, ...), over any number of spatial axes; the sizes are a Convolution's."""
    axis = layer.axis(layer.message.convolution_param.axis, "convolution_param.axis")
    sizes = layer.in_shape[axis + 1 :]
    window = conv_window(layer, len(sizes))
    check_window(layer, sizes, window)
    options = {"kernel": window.kernel, "stride": window.stride, "pad": window.pad, "dilation": window.dilation}
    return Lowered(im2col, options | {"axis": axis}, window=window)


def im2col(
    x: Tensor,
    *,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pad: tuple[int, ...],
    dilation: tuple[int, ...],
    axis: int,
) -> Tensor:
    """Return the windows: along ``axis`` each channel's kernel of values, behind it one place a window."""
    before = x.shape[: axis + 1]
    y = F.pad(x.reshape(-1, *x.shape[axis + 1 :]), [p for size in reversed(pad) for p in (size, size)])
    for index, (k, s, d) in enumerate(zip(kernel, stride, dilation, strict=True)):
        place = 1 + 2 * index
        num_windows = (y.shape[place] - d * (k - 1) - 1) // s + 1
        offsets = torch.arange(k, device=x.device) * d
        places = offsets.unsqueeze(1) + torch.arange(num_windows, device=x.device) * s
        taken = y.index_select(place, places.flatten())
        y = taken.reshape(*y.shape[:place], k, num_windows, *y.shape[place + 1 :])
    count = len(kernel)
    y = y.permute(0, *range(1, 2 * count, 2), *range(2, 2 * count + 1, 2))
    return y.reshape(*before[:-1], before[-1] * prod(kernel), *y.shape[1 + count :])
