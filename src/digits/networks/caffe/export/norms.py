"""Batch normalisation as it goes out: it answers, remembers nothing, and says in plain operators what torch's own hides."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from digits.networks.layers.batch_norm import BatchNorm
from digits.networks.layers.bn import BN


def plain_norm(norm: BatchNorm | BN) -> nn.Module:
    """Return what computes the same as ``norm`` when it answers."""
    weight, bias = (
        None if each is None else each.detach().flatten() for each in (_of(norm, "weight"), _of(norm, "bias"))
    )
    if norm.from_batch:
        return BatchStatistics(weight, bias, norm.eps)
    if isinstance(norm, BN):
        ones = torch.ones(norm.weight.numel())
        return FixedStatistics(torch.zeros_like(ones), ones, weight, bias, 0.0)
    mean, variance = (each.detach().clone() for each in norm.of_all_batches())
    return FixedStatistics(mean, variance, weight, bias, norm.eps)


def _of(norm: nn.Module, name: str) -> Tensor | None:
    """Return the scale or the bias of a form that has them."""
    value: Tensor | None = getattr(norm, name, None)
    return value


class FixedStatistics(nn.Module):
    """Takes off a mean and divides by a deviation that are numbers, and no longer sums to be divided at each pass."""

    mean: Tensor
    variance: Tensor

    def __init__(self, mean: Tensor, variance: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("variance", variance)
        self.weight, self.bias = (None if each is None else nn.Parameter(each) for each in (weight, bias))
        self.eps = eps

    def forward(self, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """Return ``x`` normalised, then scaled and shifted."""
        weight, bias = self.weight if weight is None else weight, self.bias if bias is None else bias
        rows = x if x.dim() > 1 else x.unsqueeze(1)
        y = torch.batch_norm(rows, weight, bias, self.mean, self.variance, False, 0.0, self.eps, False)
        return y if x.dim() > 1 else y.squeeze(1)


class BatchStatistics(nn.Module):
    """Takes the mean and the deviation of the batch itself (``use_global_stats: false``, SegNet's BN); ONNX has no operator for it."""

    def __init__(self, weight: Tensor | None, bias: Tensor | None, eps: float) -> None:
        super().__init__()
        self.weight, self.bias = (None if each is None else nn.Parameter(each) for each in (weight, bias))
        self.eps = eps

    def forward(self, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """Return ``x`` normalised, then scaled and shifted."""
        weight, bias = self.weight if weight is None else weight, self.bias if bias is None else bias
        rows = x if x.dim() > 1 else x.unsqueeze(1)
        axes = [0, *range(2, rows.dim())]
        mean = rows.mean(axes, keepdim=True)
        variance = ((rows - mean) ** 2).mean(axes, keepdim=True)
        y = (rows - mean) / torch.sqrt(variance + self.eps)
        along = (1, -1, *(1,) * (rows.dim() - 2))
        y = y if weight is None else y * weight.reshape(along)
        y = y if bias is None else y + bias.reshape(along)
        return y if x.dim() > 1 else y.squeeze(1)
