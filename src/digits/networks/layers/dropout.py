"""Caffe ``Dropout``: in training, zeroes a share of the values and scales up the rest; in tests, passes them on."""

from __future__ import annotations

from torch import nn

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Dropout")
def dropout(layer: Layer) -> Lowered:
    """One blob in, one out of the same shape; ``dropout_ratio`` is torch's ``p``."""
    ratio = layer.message.dropout_param.dropout_ratio
    if not 0 <= ratio < 1:
        raise layer.error(f"dropout_ratio {ratio:g} is not in [0, 1).", "dropout_param.dropout_ratio")
    return Lowered(nn.Dropout(ratio) if layer.phase == "TRAIN" else nn.Identity())
