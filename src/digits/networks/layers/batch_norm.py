"""Caffe ``BatchNorm``: takes off the mean and divides by the deviation, of the batch in training, of all batches so far in tests.

It has no factor or bias of its own: a ``Scale`` layer follows, except in NVCaffe's form.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from digits.caffeproto import caffe_pb2
from digits.caffeproto.bvlc import learns_scale
from digits.networks.layers.registry import Blob, Layer, Lowered, converter

_ZERO = caffe_pb2.FillerParameter()
_ONE = caffe_pb2.FillerParameter(value=1)


@converter("BatchNorm", output_free=True)
def batch_norm(layer: Layer) -> Lowered:
    """(N, C, ...) in and out. Blobs are BVLC Caffe's three, (C), (C), (1): sums of means and variances, and what to divide them by.

    ``use_global_stats`` is true in TEST and false in TRAIN unless given; where it is false the batch's own statistics are used, and go
    into the blobs. With ``scale_bias``, ``scale_filler`` or ``bias_filler`` it is NVCaffe's, of five blobs (``LearningBatchNorm``). No
    solver moves the statistics, whatever ``param`` says. The variance of a single value counts as 0.
    """
    param, shape = layer.message.batch_norm_param, layer.in_shape
    if not shape:
        raise layer.error("it needs a blob of at least 1 axis.")
    channels = shape[1] if len(shape) > 1 else 1
    fraction = param.moving_average_fraction
    if learns_scale(layer.message):
        with torch.device("meta"):
            learning = LearningBatchNorm(
                channels, from_batch=layer.phase == "TRAIN", fraction=fraction, eps=max(param.eps, 1e-5)
            )
        scale = Blob("weight", param.scale_filler if param.HasField("scale_filler") else _ONE)
        blobs = (*_statistics(_ONE), scale, Blob("bias", param.bias_filler))
        return Lowered(learning, blobs=blobs)
    is_global = param.use_global_stats if param.HasField("use_global_stats") else layer.phase == "TEST"
    with torch.device("meta"):
        module = BatchNorm(channels, from_batch=not is_global, fraction=fraction, eps=param.eps)
    return Lowered(module, blobs=_statistics(_ZERO))


def _statistics(factor: caffe_pb2.FillerParameter) -> tuple[Blob, ...]:
    fillers = {"mean": _ZERO, "variance": _ZERO, "factor": factor}
    return tuple(Blob(name, filler, learned=False) for name, filler in fillers.items())


def rows_of(x: Tensor) -> Tensor:
    """Return ``x`` as torch's batch normalisation takes it right: with 2 axes at least, [N, C, all others] where one has the size 1.

    The memory of such a blob counts as channels-last and as contiguous, too, and on the CPU torch (2.13) then reads a gradient that is
    laid out the other way in the wrong order.
    """
    if x.dim() < 2:
        return x.unsqueeze(1)
    return x.flatten(2) if x.dim() > 3 and 1 in x.shape and torch.is_grad_enabled() else x


class BatchNorm(nn.Module):
    """BVLC Caffe's: the blobs are decaying sums, and the factor is the decaying number of batches in them."""

    def __init__(self, channels: int, *, from_batch: bool, fraction: float, eps: float) -> None:
        super().__init__()
        self.mean, self.variance = nn.Parameter(torch.empty(channels)), nn.Parameter(torch.empty(channels))
        self.factor = nn.Parameter(torch.empty(1))
        self.from_batch, self.fraction, self.eps = from_batch, fraction, eps

    def forward(self, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """Return ``x`` normalised, then times ``weight`` plus ``bias``, of one number a channel, if they are given."""
        if not self.from_batch:
            mean, variance = self.of_all_batches()
            return self._normalise(x, weight, bias, mean, variance)
        mean, variance = torch.zeros_like(self.mean), torch.zeros_like(self.variance)
        count = x.numel() // len(mean)
        if count > 1:
            y = self._normalise(x, weight, bias, mean, variance)
        else:  # torch would divide by 0 for the unbiased variance
            y = self._normalise(x, weight, bias, None, None)
            mean = x.detach().flatten()
        with torch.no_grad():
            self.remember(mean, variance, count)
        return y

    def of_all_batches(self) -> tuple[Tensor, Tensor]:
        """Return mean and variance of all batches so far; 0 when there was none."""
        inverse = torch.where(self.factor == 0, torch.zeros_like(self.factor), 1 / self.factor)
        return self.mean * inverse, self.variance * inverse

    def remember(self, mean: Tensor, variance: Tensor, count: int) -> None:  # noqa: ARG002 - the other form needs the count
        """Add the batch's mean and (unbiased) variance to the sums."""
        self.factor.mul_(self.fraction).add_(1)
        self.mean.mul_(self.fraction).add_(mean)
        self.variance.mul_(self.fraction).add_(variance)

    def _normalise(
        self, x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor | None, variance: Tensor | None
    ) -> Tensor:
        """Return ``x`` normalised; from the batch, its mean and unbiased variance are written into ``mean`` and ``variance``."""
        rows = rows_of(x)
        uses_cudnn = torch.backends.cudnn.enabled
        y = torch.batch_norm(rows, weight, bias, mean, variance, self.from_batch, 1.0, self.eps, uses_cudnn)
        return y.reshape(x.shape)

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        return f"{len(self.mean)}, from_batch={self.from_batch}, fraction={self.fraction:g}, eps={self.eps:g}"


class LearningBatchNorm(BatchNorm):
    """NVCaffe's: running means and biased variances, an unused 1, and a learnt scale and bias.

    The first two passes in training are copied, the later ones mixed in: running = fraction * running + (1 - fraction) * batch.
    """

    def __init__(self, channels: int, *, from_batch: bool, fraction: float, eps: float) -> None:
        super().__init__(channels, from_batch=from_batch, fraction=fraction, eps=eps)
        self.weight, self.bias = nn.Parameter(torch.empty(channels)), nn.Parameter(torch.empty(channels))
        self.num_passes = 0
        """Passes in training, counted to 2; goes into snapshots."""

    def forward(self, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """Return ``x`` normalised, scaled and shifted."""
        assert weight is None
        assert bias is None
        return super().forward(x, self.weight, self.bias)

    def of_all_batches(self) -> tuple[Tensor, Tensor]:
        """Return the running mean and variance."""
        return self.mean, self.variance

    def remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Mix the batch's mean and variance into the running ones."""
        biased = variance * ((count - 1) / count)
        share = 1.0 if self.num_passes < 2 else 1 - self.fraction
        if self.num_passes < 2 and not mean.is_meta:
            self.num_passes += 1
        self.mean.lerp_(mean, share)
        self.variance.lerp_(biased, share)

    def from_file(self, blobs: Sequence[NDArray[np.float32]]) -> Sequence[NDArray[np.float32]]:
        """Return the blobs of a weight file as they are held here.

        Three are BVLC Caffe's: they are divided by the factor, and scale and bias stay as they are. Five whose last is a single number
        are old DIGITS': scale, bias, mean, variance, 1. NVCaffe does not look at shapes.
        """
        if len(blobs) == 3:
            factor = float(blobs[2].ravel()[0]) or 1.0
            own = [parameter.detach().cpu().numpy() for parameter in (self.weight, self.bias)]
            blobs = [blobs[0] / factor, blobs[1] / factor, np.ones(1, np.float32), *own]
        elif len(blobs) == 5 and blobs[4].size == 1 < len(self.mean):
            blobs = [blobs[2], blobs[3], blobs[4], blobs[0], blobs[1]]
        sizes = [1 if index == 2 else len(self.mean) for index in range(len(blobs))]
        return [blob.reshape(-1) if blob.size == size else blob for blob, size in zip(blobs, sizes, strict=True)]
