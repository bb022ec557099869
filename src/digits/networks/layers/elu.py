"""Caffe ``ELU``: negative values become alpha * (exp(x) - 1)."""

from __future__ import annotations

from torch.nn import functional as F

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("ELU")
def elu(layer: Layer) -> Lowered:
    """One blob in, one out of the same shape; ``alpha`` is 1 unless given."""
    return Lowered(F.elu, {"alpha": layer.message.elu_param.alpha})
