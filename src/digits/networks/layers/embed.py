"""Caffe ``Embed``: a learnt row of numbers for each index."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from digits.networks.layers.registry import Blob, Layer, Lowered, converter


@converter("Embed", output_free=True)
def embed(layer: Layer) -> Lowered:
    """Indices of any shape to shape + (num_output); weights (input_dim, num_output), bias (num_output). Fractions are cut off.

    An index outside the table reads foreign memory in real Caffe; here its row is 0, and it teaches nothing.
    """
    param = layer.message.embed_param
    if not (param.num_output and param.input_dim):
        raise layer.error("num_output and input_dim must be given and be at least 1.", "embed_param")
    layer.blob_shape(param.input_dim, param.num_output, field="embed_param.num_output")
    with torch.device("meta"):
        module = Embed(param.input_dim, param.num_output, param.bias_term)
    blobs = (Blob("weight", param.weight_filler), Blob("bias", param.bias_filler))
    return Lowered(module, blobs=blobs if param.bias_term else blobs[:1])


class Embed(nn.Module):
    """A table of rows, plus a bias."""

    def __init__(self, num_rows: int, num_outputs: int, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_rows, num_outputs))
        self.bias = nn.Parameter(torch.empty(num_outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Return [*x.shape, outputs]."""
        index, last = x.detach().long(), self.weight.shape[0] - 1
        inside = index.clamp(0, last)
        rows = F.embedding(inside, self.weight) * (index == inside).unsqueeze(-1)
        return rows if self.bias is None else rows + self.bias

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        return f"{tuple(self.weight.shape)}"
