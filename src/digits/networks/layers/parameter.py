"""Caffe ``Parameter``: a learnt blob of a given shape, without any input."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from digits.caffeproto import caffe_pb2
from digits.networks.layers.input import checked_shape
from digits.networks.layers.registry import Blob, Layer, Lowered, converter


@converter("Parameter", bottoms=0)
def parameter(layer: Layer) -> Lowered:
    """No bottom; the top is the blob itself, 0 at first, since Caffe has no filler for it."""
    shape = checked_shape(layer, tuple(layer.message.parameter_param.shape.dim), "parameter_param.shape")
    with torch.device("meta"):
        module = LearntBlob(shape)
    return Lowered(module, blobs=(Blob("value", caffe_pb2.FillerParameter()),))


class LearntBlob(nn.Module):
    """Holds a blob."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.empty(shape))

    def forward(self) -> Tensor:
        """Return the blob."""
        return self.value

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        return f"{tuple(self.value.shape)}"
