"""Caffe ``Silence``: takes blobs that nobody else wants, so that they are no outputs of the net."""

from __future__ import annotations

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Silence", bottoms=(1, None), tops=0)
def silence(layer: Layer) -> Lowered:  # noqa: ARG001 - every converter takes the layer
    """Any number of blobs in, none out; nothing is computed."""
    return Lowered(None)
