"""Caffe ``MemoryData``: pictures and labels that a program hands over; here an input like ``Data``, of a shape that is known."""

from __future__ import annotations

from digits.networks.layers.input import checked_shape
from digits.networks.layers.registry import Layer, Source, converter


@converter("MemoryData", bottoms=0, tops=2)
def memory_data(layer: Layer) -> Source:
    """No bottom; pictures (batch_size, channels, height, width) and labels (batch_size)."""
    param = layer.message.memory_data_param
    shape = (param.batch_size, param.channels, param.height, param.width)
    pictures = checked_shape(layer, shape, "memory_data_param")
    return Source((pictures, pictures[:1]))
