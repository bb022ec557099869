"""Caffe's fillers: how parameter blobs are filled before training. Formulas follow the stored shape of the blob."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from digits.caffeproto import caffe_pb2
from digits.caffeproto.place import did_you_mean
from digits.core.errors import NetworkError

Filler = caffe_pb2.FillerParameter


def fill(blob: Tensor, filler: Filler, generator: torch.Generator | None) -> None:
    """Fill ``blob`` in place. A filler that was left out is the constant 0.

    Raises:
        NetworkError: no filler has that name, or it does not go with the blob's shape.
    """
    function = FILLERS.get(filler.type)
    if function is None:
        hint = did_you_mean(filler.type, FILLERS) or f"Known: {', '.join(FILLERS)}."
        raise NetworkError(f"there is no filler {filler.type!r}.", hint=hint)
    with torch.no_grad():
        function(blob, filler, generator)


def _constant(blob: Tensor, filler: Filler, generator: torch.Generator | None) -> None:  # noqa: ARG001 - as all fillers
    blob.fill_(filler.value)


def _uniform(blob: Tensor, filler: Filler, generator: torch.Generator | None) -> None:
    blob.uniform_(filler.min, filler.max, generator=generator)


def _gaussian(blob: Tensor, filler: Filler, generator: torch.Generator | None) -> None:
    """Normal; with ``sparse`` each value is kept with probability sparse / (size of the first axis)."""
    blob.normal_(filler.mean, filler.std, generator=generator)
    if filler.sparse >= 0:
        share = min(1.0, filler.sparse / (blob.shape[0] if blob.dim() else 1))
        blob.mul_(torch.empty_like(blob).bernoulli_(share, generator=generator))


def _positive_unitball(blob: Tensor, filler: Filler, generator: torch.Generator | None) -> None:  # noqa: ARG001 - every filler is called alike
    """Uniform in (0, 1), then each row divided by its sum."""
    rows = blob.view(blob.shape[0] if blob.dim() else 1, -1)
    rows.uniform_(0, 1, generator=generator)
    rows.div_(rows.sum(1, keepdim=True))


def _xavier(blob: Tensor, filler: Filler, generator: torch.Generator | None) -> None:
    bound = math.sqrt(3.0 / _fan(blob, filler))
    blob.uniform_(-bound, bound, generator=generator)


def _msra(blob: Tensor, filler: Filler, generator: torch.Generator | None) -> None:
    blob.normal_(0, math.sqrt(2.0 / _fan(blob, filler)), generator=generator)


def _bilinear(blob: Tensor, filler: Filler, generator: torch.Generator | None) -> None:  # noqa: ARG001 - every filler is called alike
    """Write the bilinear enlarging kernel into every (output, input) pair."""
    if blob.dim() != 4 or blob.shape[2] != blob.shape[3]:
        raise NetworkError("a bilinear filler needs square kernels.")
    size = blob.shape[3]
    half = math.ceil(size / 2)
    centre = (size - 1) / (2.0 * half)
    line = 1 - (torch.arange(size, dtype=torch.float64) / half - centre).abs()
    blob.copy_(torch.outer(line, line).to(blob.dtype).expand_as(blob))


def _fan(blob: Tensor, filler: Filler) -> float:
    fan_in = blob.numel() / (blob.shape[0] if blob.dim() else 1)
    fan_out = blob.numel() / blob.shape[1] if blob.dim() > 1 else blob.numel()
    if filler.variance_norm == Filler.AVERAGE:
        return (fan_in + fan_out) / 2
    return fan_out if filler.variance_norm == Filler.FAN_OUT else fan_in


FILLERS: dict[str, Callable[[Tensor, Filler, torch.Generator | None], None]] = {
    "constant": _constant,
    "uniform": _uniform,
    "gaussian": _gaussian,
    "positive_unitball": _positive_unitball,
    "xavier": _xavier,
    "msra": _msra,
    "bilinear": _bilinear,
}
