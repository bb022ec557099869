"""Caffe ``Dropout``: in training, zeroes a share of the values and scales up the rest; in tests, passes them on."""

from __future__ import annotations

from torch import nn
from torch.nn import functional as F

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Dropout")
def dropout(layer: Layer) -> Lowered:
    """One blob in, one out of the same shape. ``sample_weights_test`` (SegNet's) draws in tests, too."""
    param = layer.message.dropout_param
    ratio = param.dropout_ratio
    if not 0 <= ratio < 1:
        raise layer.error(f"dropout_ratio {ratio:g} is not in [0, 1).", "dropout_param.dropout_ratio")
    if layer.phase == "TRAIN" or param.sample_weights_test:
        return Lowered(F.dropout, {"p": ratio, "training": True})
    return Lowered(nn.Identity())
