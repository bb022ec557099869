"""Caffe ``WindowData``: windows cut out of pictures, and the class of each (R-CNN); here an input that the training feeds."""

from __future__ import annotations

from digits.networks.layers.input import checked_shape
from digits.networks.layers.registry import Layer, Source, converter


@converter("WindowData", bottoms=0, tops=2)
def window_data(layer: Layer) -> Source:
    """No bottom; windows (N, 3, crop_size, crop_size) and labels (N)."""
    size = layer.message.transform_param.crop_size
    if not size:
        raise layer.error("crop_size must be given and be at least 1.", "window_data_param", "transform_param")
    batch_size = layer.message.window_data_param.batch_size
    windows = checked_shape(layer, (batch_size, 3, size, size), "window_data_param.batch_size")
    return Source((windows, windows[:1]))
