"""Caffe ``ContrastiveLoss``: draws pairs that are alike together and pushes the others ``margin`` apart (siamese networks)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from digits.networks.layers.registry import Layer, Lowered, converter

_EPS = 1e-4  # Caffe divides by (distance + 1e-4) in the gradient


@converter("ContrastiveLoss", bottoms=3)
def contrastive_loss_layer(layer: Layer) -> Lowered:
    """Two blobs (N, C) and marks (N), not 0 where the two are alike, to one number; both blobs get a gradient.

    Pairs that are alike cost d^2, others max(margin - d, 0)^2, or max(margin - d^2, 0) with ``legacy_version``; the sum is divided by 2 N.
    """
    param, (a, b, marks) = layer.message.contrastive_loss_param, layer.in_shapes
    if a != b or len(a) < 2 or any(size != 1 for size in a[2:]):
        raise layer.error(f"bottoms of {a} and {b} must both be (N, C).", "bottom")
    if marks[:1] != a[:1] or any(size != 1 for size in marks[1:]):
        raise layer.error(f"marks of {marks} must be one a pair, of {a[0]} pairs.", "bottom")
    return Lowered(contrastive_loss, {"margin": param.margin, "legacy": param.legacy_version})


def contrastive_loss(a: Tensor, b: Tensor, marks: Tensor, *, margin: float, legacy: bool) -> Tensor:
    """Return the loss. The gradient is Caffe's, and so finite where two that are not alike lie together."""
    square = torch.square(a - b).flatten(1).sum(1)
    if legacy:
        apart = F.relu(margin - square)
    else:
        exact = square.detach().sqrt()
        distance = exact + (square - square.detach()) / (2 * (exact + _EPS))
        apart = torch.square(F.relu(margin - distance))
    return torch.where(marks.detach().flatten().long() != 0, square, apart).sum() / (2 * a.shape[0])
