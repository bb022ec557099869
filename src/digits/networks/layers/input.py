"""Caffe ``Input``: a blob of a given shape that the caller fills before each pass."""

from __future__ import annotations

from digits.caffeproto import limits
from digits.networks.layers.registry import Layer, Shape, Source, converter


@converter("Input", bottoms=0, tops=(1, None))
def input_blobs(layer: Layer) -> Source:
    """No bottom; one ``shape`` for each top, or one for all. Without a shape the caller has to know it."""
    shapes = [checked_shape(layer, tuple(shape.dim), "input_param.shape") for shape in layer.message.input_param.shape]
    num_tops = len(layer.message.top)
    if len(shapes) not in (0, 1, num_tops):
        raise layer.error(f"{len(shapes)} shapes for {num_tops} tops.", "input_param.shape")
    if len(shapes) == 1:
        shapes *= num_tops
    return Source(tuple(shapes) or (None,) * num_tops)


def checked_shape(layer: Layer, shape: Shape, field: str) -> Shape:
    """Return ``shape`` if a blob may have it.

    Raises:
        NetworkError: a size is below 1, or there are more elements than Caffe can count.
    """
    count = 1
    for size in shape:
        count *= size
        if size < 1 or count > limits.MAX_BLOB_ELEMENTS:
            raise layer.error(f"a blob cannot have the shape {' x '.join(map(str, shape))}.", field)
    return shape
