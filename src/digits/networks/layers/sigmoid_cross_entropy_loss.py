"""Caffe ``SigmoidCrossEntropyLoss``: yes-or-no questions, many a picture; the targets are probabilities."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from digits.networks.layers.loss import Normalization, divisor, ignore_label, normalization
from digits.networks.layers.registry import Layer, Lowered, converter


@converter("SigmoidCrossEntropyLoss", bottoms=2)
def sigmoid_cross_entropy_loss_layer(layer: Layer) -> Lowered:
    """Scores and as many targets in [0, 1], to one number. The default divisor is the number of pictures.

    ``ignore_label`` is compared with the target cut to an integer, so 0 passes over every target below 1.
    """
    scores, targets = layer.in_shapes
    if prod(scores) != prod(targets) or not scores:
        raise layer.error(f"scores of {scores} want as many targets, and get {targets}.", "bottom")
    options = {"ignore": ignore_label(layer), "normalize_by": normalization(layer, "BATCH_SIZE")}
    return Lowered(sigmoid_cross_entropy_loss, options)


def sigmoid_cross_entropy_loss(
    scores: Tensor, targets: Tensor, *, ignore: int | None, normalize_by: Normalization
) -> Tensor:
    """Return the loss; the targets get no gradient."""
    targets = targets.detach().reshape(scores.shape)
    each = F.binary_cross_entropy_with_logits(scores, targets, reduction="none")
    valid = None if ignore is None else torch.ne(targets.long(), ignore)
    if valid is not None:
        each = each * valid
    return each.sum() / divisor(normalize_by, count=scores.numel(), batch=scores.shape[0], valid=valid)
