"""Caffe ``BatchReindex``: picks pictures of a batch by number, in any order and any number of times."""

from __future__ import annotations

from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("BatchReindex", bottoms=2)
def batch_reindex_layer(layer: Layer) -> Lowered:
    """A blob (N, ...) and numbers (M) of its pictures, to (M, ...); gradients of a picture that was picked twice add up."""
    shape, numbers = layer.in_shapes
    if not shape or len(numbers) != 1:
        raise layer.error(f"it needs a blob (N, ...) and numbers (M), and gets {shape} and {numbers}.", "bottom")
    return Lowered(batch_reindex)


def batch_reindex(x: Tensor, numbers: Tensor) -> Tensor:
    """Return the pictures of these numbers; fractions are cut off."""
    return x.index_select(0, numbers.long())
