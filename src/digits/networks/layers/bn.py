"""SegNet's ``BN``: batch normalisation with a learnt scale and shift; the batch's own statistics hold in tests, too."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from digits.caffeproto import caffe_pb2
from digits.networks.layers.batch_norm import rows_of
from digits.networks.layers.registry import Blob, Layer, Lowered, converter

_EPS = 1e-9


@converter("BN", output_free=True)
def bn(layer: Layer) -> Lowered:
    """(N, C, ...) in and out; scale and shift are (1, C, 1, 1). With ``bn_mode: INFERENCE`` the statistics are baked into them."""
    param = layer.message.bn_param
    if len(layer.in_shape) < 2:
        raise layer.error(f"it needs a blob of at least 2 axes and gets one of {len(layer.in_shape)}.")
    with torch.device("meta"):
        module = BN(layer.in_shape[1], from_batch=param.bn_mode == caffe_pb2.BNParameter.LEARN)
    return Lowered(module, blobs=(Blob("weight", param.scale_filler), Blob("bias", param.shift_filler)))


class BN(nn.Module):
    """scale * x + shift, of ``x`` normalised over the batch or, in inference, as it is."""

    def __init__(self, channels: int, *, from_batch: bool) -> None:
        super().__init__()
        self.weight, self.bias = (nn.Parameter(torch.empty(1, channels, 1, 1)) for _ in range(2))
        self.from_batch, self.eps = from_batch, _EPS if from_batch else 0.0

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled and shifted values."""
        weight, bias = self.weight.flatten(), self.bias.flatten()
        mean, variance = torch.zeros_like(weight), torch.ones_like(weight)
        y = torch.batch_norm(rows_of(x), weight, bias, mean, variance, self.from_batch, 0.0, self.eps, False)
        return y.reshape(x.shape)

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        return f"{self.weight.shape[1]}, from_batch={self.from_batch}"
