"""Caffe ``Scale``: multiplies by factors that are learnt or come in a second blob, and may add a learnt bias."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from digits.caffeproto import caffe_pb2
from digits.networks.layers.batch_norm import rows_of
from digits.networks.layers.registry import Blob, Layer, Lowered, Shape, converter

_ONE = caffe_pb2.FillerParameter(value=1)


@converter("Scale", bottoms=(1, 2), output_free=True)
def scale(layer: Layer) -> Lowered:
    """One blob out, as large as the first; factors lie along its axes from ``axis`` (1) on, ``num_axes`` (1) of them.

    ``num_axes`` 0 is one number for all, -1 is to the last axis; learnt factors begin at 1 unless a filler is given. With a second
    bottom that is the factor, and only the bias is learnt.
    """
    param = layer.message.scale_param
    shape, axis = operand_shape(layer, param, "scale_param")
    learns_factor = len(layer.in_shapes) == 1
    with torch.device("meta"):
        module = Scale(shape, axis, learns_factor, param.bias_term)
    blobs = (Blob("weight", param.filler if param.HasField("filler") else _ONE), Blob("bias", param.bias_filler))
    return Lowered(module, blobs=blobs[0 if learns_factor else 1 : 2 if param.bias_term else 1])


class Scale(nn.Module):
    """``x`` times factors along its axes from ``axis`` on, plus a bias of the same shape."""

    def __init__(self, shape: Shape, axis: int, learns_factor: bool, bias: bool) -> None:
        super().__init__()
        self.axis = axis
        self.weight = nn.Parameter(torch.empty(shape)) if learns_factor else None
        self.bias = nn.Parameter(torch.empty(shape)) if bias else None

    @property
    def is_per_channel(self) -> bool:
        """Whether there is one learnt factor a channel, and no more: what batch normalisation can do on the way."""
        return self.weight is not None and self.weight.dim() == 1 and self.axis == 1

    def forward(self, x: Tensor, factor: Tensor | None = None) -> Tensor:
        """Return the product; one factor a channel goes through torch's batch normalisation, 3 times as fast as a broadcast."""
        if self.weight is not None and self.is_per_channel:
            zeros, ones = self.weight.new_zeros(self.weight.shape), self.weight.new_ones(self.weight.shape)
            y = torch.batch_norm(rows_of(x), self.weight, self.bias, zeros, ones, False, 0.0, 0.0, False)
            return y.reshape(x.shape)
        given = self.weight if self.weight is not None else factor
        assert given is not None
        y = x * along(given, self.axis, x)
        return y if self.bias is None else y + along(self.bias, self.axis, x)

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        held = self.weight if self.weight is not None else self.bias
        return f"{tuple(held.shape) if held is not None else 'no parameters'}, axis={self.axis}"


def along(operand: Tensor, axis: int, x: Tensor) -> Tensor:
    """Return ``operand`` with axes of size 1 behind, so that it lies along the axes of ``x`` from ``axis`` on."""
    num_behind = x.dim() - axis - operand.dim()
    return operand.reshape(*operand.shape, *(1,) * num_behind) if operand.dim() and num_behind else operand


def operand_shape(
    layer: Layer, param: caffe_pb2.ScaleParameter | caffe_pb2.BiasParameter, name: str
) -> tuple[Shape, int]:
    """Return the shape of a Scale's factors or a Bias's addends, and the axis at which they begin.

    Raises:
        NetworkError: the axes are not the first blob's, or a second blob has other sizes there.
    """
    shape = layer.in_shape
    if len(layer.in_shapes) == 2:
        operand = layer.in_shapes[1]
        axis = layer.axis(param.axis, f"{name}.axis") if operand else 0
        if shape[axis : axis + len(operand)] != operand:
            raise layer.error(
                f"its second bottom, {operand}, does not lie along {shape} from axis {axis} on.", "bottom"
            )
        return operand, axis
    if param.num_axes == 0:
        return (), 0
    axis = layer.axis(param.axis, f"{name}.axis")
    end = len(shape) if param.num_axes == -1 else axis + param.num_axes
    if param.num_axes < -1 or end > len(shape):
        raise layer.error(f"{param.num_axes} axes from {axis} on, of {len(shape)}.", f"{name}.num_axes", f"{name}.axis")
    return shape[axis:end], axis
