"""Caffe ``Accuracy``: the share of places whose true class is among the ``top_k`` best; a tie counts as wrong."""

from __future__ import annotations

import torch
from torch import Tensor

from digits.networks.layers.loss import check_labels, labels_like
from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Accuracy", bottoms=2, tops=(1, 2))
def accuracy_layer(layer: Layer) -> Lowered:
    """Scores (N, C, ...) and labels to one number; a second top has the accuracy of each class."""
    param = layer.message.accuracy_param
    axis = layer.axis(param.axis, "accuracy_param.axis")
    check_labels(layer, axis, "accuracy_param.axis")
    num_classes = layer.in_shape[axis]
    if not 1 <= param.top_k <= num_classes:
        raise layer.error(f"top_k {param.top_k} of {num_classes} classes.", "accuracy_param.top_k")
    options = {
        "axis": axis,
        "top_k": param.top_k,
        "ignore": param.ignore_label if param.HasField("ignore_label") else None,
    }
    return Lowered(accuracy_by_class if len(layer.message.top) == 2 else accuracy, options)


def accuracy(scores: Tensor, labels: Tensor, *, axis: int, top_k: int, ignore: int | None) -> Tensor:
    """Return the share of places that are right; 0 where no place counts."""
    right, valid, _ = _judge(scores, labels, axis, top_k, ignore)
    return right.sum() / valid.sum().clamp_(min=1) if ignore is not None else right.sum() / right.numel()


def accuracy_by_class(
    scores: Tensor, labels: Tensor, *, axis: int, top_k: int, ignore: int | None
) -> tuple[Tensor, Tensor]:
    """Return the accuracy, and that of each class; 0 for a class that has no place."""
    right, valid, target = _judge(scores, labels, axis, top_k, ignore)
    num_classes = scores.shape[axis]
    count, hits = scores.new_zeros(num_classes), scores.new_zeros(num_classes)
    place = target.clamp(0, num_classes - 1).flatten()
    count.index_add_(0, place, valid.flatten().to(scores.dtype))
    hits.index_add_(0, place, right.flatten().to(scores.dtype))
    return right.sum() / valid.sum().clamp_(min=1), hits / count.clamp_(min=1)


def _judge(scores: Tensor, labels: Tensor, axis: int, top_k: int, ignore: int | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return which places are right, which count, and the labels as integers.

    Right means that at most ``top_k`` classes, the true one among them, are not below the true one's score. So ties count against,
    and so does NaN, which Caffe would count as right.
    """
    target = labels_like(labels, scores, axis)
    valid = torch.ones_like(target, dtype=torch.bool) if ignore is None else target != ignore
    scores = scores.detach()
    true = scores.gather(axis, target.clamp(0, scores.shape[axis] - 1).unsqueeze(axis))
    num_not_below = (scores < true).logical_not_().sum(axis)
    return (num_not_below <= top_k) & valid, valid, target
