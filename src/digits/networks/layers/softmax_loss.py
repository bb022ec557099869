"""Caffe ``SoftmaxWithLoss``: the mean negative logarithm of the probability given to the true class."""

from __future__ import annotations

import math
from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from digits.networks.layers.loss import (
    Normalization,
    check_labels,
    divisor,
    ignore_label,
    labels_like,
    normalization,
    valid_places,
)
from digits.networks.layers.registry import Layer, Lowered, converter

_LARGEST = -math.log(torch.finfo(torch.float32).tiny)  # 87.3365: Caffe takes no logarithm of less than FLT_MIN


@converter("SoftmaxWithLoss", bottoms=2, tops=(1, 2))
def softmax_with_loss_layer(layer: Layer) -> Lowered:
    """Scores (N, C, ...) and labels (N, 1, ...) or (N, ...) to one number; a second top has the probabilities.

    The default divisor is VALID, the number of labels that are not ``ignore_label``. Real Caffe stops at a second top; here it works.
    With ``weight_by_label_freqs`` (SegNet's) the share of each place is multiplied by its label's ``class_weighting``.
    """
    param = layer.message.loss_param
    axis = layer.axis(layer.message.softmax_param.axis, "softmax_param.axis")
    check_labels(layer, axis, "softmax_param.axis")
    options = {
        "axis": axis,
        "ignore": ignore_label(layer),
        "normalize_by": normalization(layer, "VALID"),
        "smoothing": param.label_smoothing,
        "weights": tuple(param.class_weighting) if param.weight_by_label_freqs else (),
    }
    if param.weight_by_label_freqs and len(param.class_weighting) != layer.in_shape[axis]:
        words = f"{len(param.class_weighting)} class_weighting for {layer.in_shape[axis]} classes."
        raise layer.error(words, "loss_param.class_weighting", "loss_param")
    with_probabilities = len(layer.message.top) == 2
    return Lowered(softmax_loss_and_probabilities if with_probabilities else softmax_with_loss, options)


def softmax_with_loss(
    scores: Tensor,
    labels: Tensor,
    *,
    axis: int,
    ignore: int | None,
    normalize_by: Normalization,
    smoothing: float = 0.0,
    weights: tuple[float, ...] = (),
) -> Tensor:
    """Return the loss. One place's share is at most 87.3365 in the value, as in Caffe, while the gradient is not cut."""
    target = labels_like(labels, scores, axis)
    each = F.cross_entropy(
        scores.movedim(axis, 1) if scores.dim() > 1 else scores,
        target,
        weight=scores.new_tensor(weights) if weights else None,
        reduction="none",
        ignore_index=-100 if ignore is None else ignore,
        label_smoothing=smoothing,
    )
    # the gradient's path adds exactly 0; taking off the excess instead would round to 0 where the loss is very large
    value = each.detach().clamp(max=_LARGEST) + (each - each.detach())
    valid = valid_places(target, ignore)
    batch = prod(scores.shape[:axis])
    return value.sum() / divisor(normalize_by, count=target.numel(), batch=batch, valid=valid)


def softmax_loss_and_probabilities(
    scores: Tensor,
    labels: Tensor,
    *,
    axis: int,
    ignore: int | None,
    normalize_by: Normalization,
    smoothing: float = 0.0,
    weights: tuple[float, ...] = (),
) -> tuple[Tensor, Tensor]:
    """Return the loss and the probabilities."""
    loss = softmax_with_loss(
        scores, labels, axis=axis, ignore=ignore, normalize_by=normalize_by, smoothing=smoothing, weights=weights
    )
    return loss, torch.softmax(scores, axis)
