"""Caffe ``PReLU``: negative values are multiplied by a learnt slope, one a channel or one for all."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from digits.caffeproto import caffe_pb2
from digits.networks.layers.registry import Blob, Layer, Lowered, converter

_QUARTER = caffe_pb2.FillerParameter(value=0.25)


@converter("PReLU")
def prelu(layer: Layer) -> Lowered:
    """(N, C, ...) in and out; slopes (C), or one number with ``channel_shared``; they begin at 0.25 unless a filler is given."""
    param = layer.message.prelu_param
    if len(layer.in_shape) < 2:
        raise layer.error(f"it needs a blob of at least 2 axes and gets one of {len(layer.in_shape)}.")
    with torch.device("meta"):
        module = PReLU(() if param.channel_shared else layer.in_shape[1:2])
    return Lowered(module, blobs=(Blob("weight", param.filler if param.HasField("filler") else _QUARTER),))


class PReLU(nn.Module):
    """max(x, 0) + slope * min(x, 0)."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with its negative values multiplied."""
        return torch.prelu(x, self.weight)

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        return f"{tuple(self.weight.shape)}"
