"""Caffe ``Deconvolution``: a convolution backwards, which enlarges the picture by its stride (as FCNs do)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from digits.networks.layers.convolution import (
    check_groups,
    conv_axes,
    conv_blobs,
    conv_module,
    conv_window,
    kernel_places,
)
from digits.networks.layers.registry import Layer, Lowered, Window, converter

_MODULES = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


@converter("Deconvolution", bottoms=(1, None), tops=(1, None), each=True, output_free=True)
def deconvolution(layer: Layer) -> Lowered:
    """(N, C, ...) to (N, num_output, ...) over any number of axes, each of size stride (in - 1) + dilation (kernel - 1) + 1 - 2 pad.

    Weights (in, out / group, kernel...), bias (out). Its settings stand in ``convolution_param``.
    """
    param = layer.message.convolution_param
    axis, sizes = conv_axes(layer)
    channels, out, group = layer.in_shape[axis], param.num_output, param.group
    window = conv_window(layer, len(sizes))
    check_groups(layer, channels)
    for size, k, s, p, d in zip(sizes, window.kernel, window.stride, window.pad, window.dilation, strict=True):
        if s * (size - 1) + d * (k - 1) + 1 <= 2 * p:
            raise layer.error(
                f"pad {p} leaves nothing of its output.", "convolution_param.pad", "convolution_param.pad_h"
            )
    layer.blob_shape(channels, out // group, *window.kernel, field="convolution_param.num_output")
    return Lowered(
        conv_module(layer, _MODULES, DeconvNd, window),
        blobs=conv_blobs(layer, prefix="" if axis == 1 else "inner."),
        window=Window(window.kernel, window.stride, window.pad, window.dilation, transposed=True),
        macs_per="input",
        macs_channels=channels,
    )


class DeconvNd(nn.Module):
    """A deconvolution over no spatial axis, or over more than torch has: each place of its kernel adds its part."""

    def __init__(self, channels: int, outputs: int, window: Window, *, groups: int, bias: bool) -> None:
        super().__init__()
        self.window, self.groups = window, groups
        self.weight = nn.Parameter(torch.empty(channels, outputs // groups, *window.kernel))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, outputs, ...]."""
        window, sizes = self.window, x.shape[2:]
        grouped = x.reshape(x.shape[0], self.groups, -1, *sizes)
        weight = self.weight.reshape(self.groups, -1, *self.weight.shape[1:])
        steps = zip(sizes, window.kernel, window.stride, window.dilation, strict=True)
        full = [s * (size - 1) + d * (k - 1) + 1 for size, k, s, d in steps]
        y = x.new_zeros(x.shape[0], self.groups, weight.shape[2], *full)
        for offset, place in kernel_places(window, sizes):
            y[place] += torch.einsum("ngc...,gco->ngo...", grouped, weight[offset])
        inner = (slice(pad, size - pad) for pad, size in zip(window.pad, full, strict=True))
        y = y[(slice(None), slice(None), slice(None), *inner)].flatten(1, 2)
        return y if self.bias is None else y + self.bias.reshape(-1, *(1,) * len(sizes))

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        return f"{tuple(self.weight.shape)}, {self.window}, groups={self.groups}"
