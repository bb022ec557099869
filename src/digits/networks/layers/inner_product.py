"""Caffe ``InnerProduct``: every output value is a weighted sum of all input values of one picture."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from digits.networks.layers.registry import Blob, Layer, Lowered, Window, converter


@converter("InnerProduct", bottoms=(1, None), tops=(1, None), each=True, output_free=True)
def inner_product(layer: Layer) -> Lowered:
    """Axes from ``axis`` on are flattened to K; the output is shape[:axis] + [num_output]; weights (num_output, K)."""
    param = layer.message.inner_product_param
    axis = layer.axis(param.axis, "inner_product_param.axis")
    if not param.num_output:
        fields = ("inner_product_param.num_output", "inner_product_param")
        raise layer.error("num_output must be given and be at least 1.", *fields)
    num_inputs = prod(layer.in_shape[axis:])
    layer.blob_shape(param.num_output, num_inputs, field="inner_product_param.num_output")
    with torch.device("meta"):
        module = InnerProduct(num_inputs, param.num_output, param.bias_term, axis=axis, transpose=param.transpose)
    blobs = (Blob("weight", param.weight_filler), Blob("bias", param.bias_filler))
    sizes = layer.in_shape[2:] if axis == 1 else ()
    window = Window(sizes, (1,) * len(sizes), (0,) * len(sizes)) if sizes else None
    return Lowered(
        module,
        blobs=blobs if param.bias_term else blobs[:1],
        window=window,
        macs_per="output",
        macs_channels=param.num_output,
    )


class InnerProduct(nn.Module):
    """``x`` flattened from ``axis`` on, times the weights, plus the bias; ``transpose`` keeps the weights as (K, outputs)."""

    def __init__(self, num_inputs: int, num_outputs: int, bias: bool, *, axis: int, transpose: bool) -> None:
        super().__init__()
        self.axis, self.transpose = axis, transpose
        shape = (num_inputs, num_outputs) if transpose else (num_outputs, num_inputs)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(num_outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Return [*x.shape[:axis], outputs]."""
        flat = x.flatten(self.axis) if x.dim() > self.axis else x
        return F.linear(flat, self.weight.t() if self.transpose else self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        return f"{tuple(self.weight.shape)}, axis={self.axis}, transpose={self.transpose}"
