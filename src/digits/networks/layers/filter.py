"""Caffe ``Filter``: lets those pictures of a batch through whose selector is not 0."""

from __future__ import annotations

from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Filter", bottoms=(2, None), tops=(1, None))
def filter_layer(layer: Layer) -> Lowered:
    """Blobs (N, ...) and last a selector (N, 1, ...), to as many blobs less the selector, which gets no gradient.

    How many pictures they hold is known only when it runs: shapes are given for all of them. If none is let through the tops are empty.
    """
    *shapes, selector = layer.in_shapes
    if len(layer.message.top) != len(shapes):
        raise layer.error(f"{len(shapes)} blobs beside the selector need as many tops.", "top")
    if not selector or any(size != 1 for size in selector[1:]):
        raise layer.error(f"a selector has one number a picture; this one is {selector}.", "bottom")
    for name, shape in zip(layer.message.bottom, shapes, strict=False):
        if shape[:1] != selector[:1]:
            raise layer.error(f"bottom {name!r} is {shape} and the selector {selector}.", "bottom")
    return Lowered(select)


def select(*blobs: Tensor) -> tuple[Tensor, ...]:
    """Return all blobs but the last, with the pictures for which the last is not 0."""
    *others, selector = blobs
    if selector.is_meta:
        return tuple(others)
    numbers = selector.flatten().nonzero().flatten()
    return tuple(blob.index_select(0, numbers) for blob in others)
