"""Caffe ``DummyData``: blobs of given shapes, filled with a constant or, before each pass, at random."""

from __future__ import annotations

from digits.caffeproto import caffe_pb2
from digits.networks.layers.input import checked_shape
from digits.networks.layers.registry import Layer, Source, converter


@converter("DummyData", bottoms=0, tops=(1, None))
def dummy_data(layer: Layer) -> Source:
    """No bottom; ``shape`` (or num, channels, height, width) and ``data_filler``, each once for all tops or once for each.

    Without a filler all values are 0. A caller may give the blobs, as any input; then nothing is filled.
    """
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
    fillers = list(param.data_filler) or [caffe_pb2.FillerParameter()]
    if len(fillers) not in (1, num_tops):
        raise layer.error(f"{len(fillers)} data_filler for {num_tops} tops.", "dummy_data_param.data_filler")
    if len(fillers) == 1:
        fillers *= num_tops
    checked = tuple(checked_shape(layer, shape, "dummy_data_param.shape") for shape in shapes)
    return Source(checked, tuple(fillers))
