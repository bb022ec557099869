"""Caffe ``MultinomialLogisticLoss``: the mean negative logarithm of the true class's probability, which comes from a Softmax."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from digits.networks.layers.loss import LOG_FLOOR, at_least
from digits.networks.layers.registry import Layer, Lowered, converter


@converter("MultinomialLogisticLoss", bottoms=2)
def multinomial_logistic_loss_layer(layer: Layer) -> Lowered:
    """Probabilities (N, ...), flattened to (N, C), and labels (N), to one number; no probability counts as less than 1e-20.

    A label outside the classes, which real Caffe would follow into foreign memory, counts as the nearest one.
    """
    scores, labels = layer.in_shapes
    if not scores or prod(labels) != scores[0]:
        raise layer.error(f"probabilities of {scores} want one label a picture, and get {prod(labels)}.", "bottom")
    return Lowered(multinomial_logistic_loss)


def multinomial_logistic_loss(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Return the loss, divided by N."""
    flat = probabilities.reshape(probabilities.shape[0], -1)
    target = labels.reshape(-1, 1).long().clamp(0, flat.shape[1] - 1)
    return -torch.log(at_least(flat.gather(1, target), LOG_FLOOR)).sum() / flat.shape[0]
