"""NVCaffe ``Normalize`` (from SSD): divides by the Euclidean length, of a picture or at each place, times a learnt scale."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from digits.caffeproto import caffe_pb2
from digits.networks.layers.registry import Blob, Layer, Lowered, Shape, converter

_ONE = caffe_pb2.FillerParameter(value=1)


@converter("Normalize", output_free=True)
def normalize(layer: Layer) -> Lowered:
    """(N, C, ...) in and out; the length is that of the whole picture, or with ``across_spatial: false`` over the channels of a place.

    The scale is one number (``channel_shared``, the default) or one a channel, and begins at 1 unless a filler is given.
    """
    param = layer.message.norm_param
    if len(layer.in_shape) < 2:
        raise layer.error(f"it needs a blob of at least 2 axes and gets one of {len(layer.in_shape)}.")
    with torch.device("meta"):
        module = Normalize(
            () if param.channel_shared else layer.in_shape[1:2], across_spatial=param.across_spatial, eps=param.eps
        )
    return Lowered(module, blobs=(Blob("weight", param.scale_filler if param.HasField("scale_filler") else _ONE),))


class Normalize(nn.Module):
    """x / sqrt(sum of x^2 + eps) * scale."""

    def __init__(self, shape: Shape, *, across_spatial: bool, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        self.across_spatial, self.eps = across_spatial, eps

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled directions."""
        axes = tuple(range(1, x.dim())) if self.across_spatial else (1,)
        inverse = torch.rsqrt(torch.square(x).sum(axes, keepdim=True) + self.eps)
        scale = self.weight.reshape(-1, *(1,) * (x.dim() - 2)) if self.weight.dim() else self.weight
        return x * (inverse * scale)

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        return f"{tuple(self.weight.shape)}, across_spatial={self.across_spatial}, eps={self.eps:g}"
