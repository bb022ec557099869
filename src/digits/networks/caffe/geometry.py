"""What one value of a blob sees of the picture, and how far apart two neighbours lie: receptive field and cumulative stride.

All numbers are (height, width) in pixels of the input; empty for blobs that are no pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from digits.networks.layers.registry import Shape, Window


@dataclass(frozen=True)
class Geometry:
    """Of one blob."""

    receptive_field: tuple[int, ...] = ()
    stride: tuple[float, ...] = ()


def of_input(shape: Shape) -> Geometry:
    """Return the geometry of a picture: each value sees itself."""
    num_axes = max(0, len(shape) - 2)
    return Geometry((1,) * num_axes, (1,) * num_axes)


def after(bottoms: Sequence[Geometry], window: Window | None) -> Geometry:
    """Return the geometry of a layer's tops: the widest of its bottoms', seen through its window."""
    num_axes = max((len(bottom.stride) for bottom in bottoms), default=0)
    known = [bottom for bottom in bottoms if len(bottom.stride) == num_axes]
    fields = tuple(max(bottom.receptive_field[axis] for bottom in known) for axis in range(num_axes))
    strides = tuple(max(bottom.stride[axis] for bottom in known) for axis in range(num_axes))
    if window is None or len(window.kernel) != num_axes:
        return Geometry(fields, strides)
    seen = [
        math.ceil(k / s) if window.transposed else d * (k - 1) + 1
        for k, s, d in zip(window.kernel, window.stride, window.dilation or (1,) * num_axes, strict=True)
    ]
    return Geometry(
        tuple(math.ceil(field + (n - 1) * step) for field, n, step in zip(fields, seen, strides, strict=True)),
        tuple(step / s if window.transposed else step * s for step, s in zip(strides, window.stride, strict=True)),
    )
