"""Caffe ``Bias``: adds values that are learnt or come in a second blob."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from digits.networks.layers.registry import Blob, Layer, Lowered, Shape, converter
from digits.networks.layers.scale import along, operand_shape


@converter("Bias", bottoms=(1, 2), output_free=True)
def bias(layer: Layer) -> Lowered:
    """One blob out, as large as the first; ``axis`` and ``num_axes`` are as in Scale, and the filler is 0 unless given."""
    param = layer.message.bias_param
    shape, axis = operand_shape(layer, param, "bias_param")
    if len(layer.in_shapes) == 2:
        return Lowered(add, {"axis": axis})
    with torch.device("meta"):
        module = Bias(shape, axis)
    return Lowered(module, blobs=(Blob("bias", param.filler),))


class Bias(nn.Module):
    """``x`` plus learnt values along its axes from ``axis`` on."""

    def __init__(self, shape: Shape, axis: int) -> None:
        super().__init__()
        self.axis = axis
        self.bias = nn.Parameter(torch.empty(shape))

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum."""
        return add(x, self.bias, axis=self.axis)

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        return f"{tuple(self.bias.shape)}, axis={self.axis}"


def add(x: Tensor, addend: Tensor, *, axis: int) -> Tensor:
    """Return ``x`` plus values along its axes from ``axis`` on."""
    return x + along(addend, axis, x)
