"""Caffe ``Split``: gives one blob several names. Caffe puts it in by itself; gradients add up."""

from __future__ import annotations

from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Split", tops=(1, None))
def split(layer: Layer) -> Lowered:
    """One blob in, the same blob out as each top."""
    return Lowered(copies, {"number": len(layer.message.top)})


def copies(x: Tensor, *, number: int) -> tuple[Tensor, ...]:
    """Return ``x`` that many times."""
    return (x,) * number
