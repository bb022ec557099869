"""Caffe ``ImageData``: pictures and labels of a list of files; here an input that the training feeds."""

from __future__ import annotations

from digits.networks.layers.input import checked_shape
from digits.networks.layers.registry import Layer, Shape, Source, converter


@converter("ImageData", bottoms=0, tops=2)
def image_data(layer: Layer) -> Source:
    """No bottom; pictures (N, C, H, W) and labels (N). H and W are those of ``crop_size``, else ``new_height`` and ``new_width``.

    With neither they are the first picture's, which the caller knows.
    """
    param, crop = layer.message.image_data_param, layer.message.transform_param.crop_size
    labels = checked_shape(layer, (param.batch_size,), "image_data_param.batch_size")
    if bool(param.new_height) != bool(param.new_width):
        raise layer.error(
            "give new_height and new_width, or neither.", "image_data_param.new_height", "image_data_param"
        )
    size = (crop, crop) if crop else (param.new_height, param.new_width)
    pictures: Shape | None = None
    if all(size):
        pictures = checked_shape(layer, (param.batch_size, 3 if param.is_color else 1, *size), "image_data_param")
    return Source((pictures, labels))
