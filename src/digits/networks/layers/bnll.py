"""Caffe ``BNLL``: log(1 + exp(x)), the binomial normal log likelihood."""

from __future__ import annotations

from torch.nn import functional as F

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("BNLL")
def bnll(layer: Layer) -> Lowered:  # noqa: ARG001 - every converter takes the layer
    """One blob in, one out of the same shape."""
    return Lowered(F.softplus)
