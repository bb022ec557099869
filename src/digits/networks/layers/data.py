"""Caffe ``Data``: brings records of a database into the net; each top becomes an input that the training feeds."""

from __future__ import annotations

from digits.networks.layers.registry import Layer, Source, converter


@converter("Data", bottoms=0, tops=(1, None))
def data(layer: Layer) -> Source:
    """No bottom; the shapes are those of the records, which the caller knows."""
    return Source(tuple(None for _ in layer.message.top))
