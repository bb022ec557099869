"""Caffe ``DummyData``: blobs of given shapes, filled with a constant or at random; here an input that is fed like data."""

from __future__ import annotations

from digits.networks.layers.input import checked_shape
from digits.networks.layers.registry import Layer, Source, converter


@converter("DummyData", bottoms=0, tops=(1, None))
def dummy_data(layer: Layer) -> Source:
    """No bottom; ``shape`` (or num, channels, height, width) once for all tops or once for each."""
    param, num_tops = layer.message.dummy_data_param, len(layer.message.top)
    if param.shape:
        shapes = [tuple(shape.dim) for shape in param.shape]
    else:
        sizes = (param.num, param.channels, param.height, param.width)
        if len({len(size) for size in sizes}) != 1:
            raise layer.error("num, channels, height and width differ in length.", "dummy_data_param")
        shapes = list(zip(*sizes, strict=True))
    if len(shapes) not in (1, num_tops):
        raise layer.error(f"{len(shapes)} shapes for {num_tops} tops.", "dummy_data_param")
    if len(shapes) == 1:
        shapes *= num_tops
    return Source(tuple(checked_shape(layer, shape, "dummy_data_param.shape") for shape in shapes))
