"""Caffe ``Slice``: cuts a blob into parts along one axis."""

from __future__ import annotations

import torch

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Slice", tops=(1, None))
def slice_layer(layer: Layer) -> Lowered:
    """One blob to as many as there are tops: cut at ``slice_point``, or into equal parts; ``axis`` or the old ``slice_dim``."""
    param, num_tops = layer.message.slice_param, len(layer.message.top)
    if param.HasField("slice_dim") and param.HasField("axis"):
        raise layer.error("give axis or slice_dim; not both.", "slice_param.slice_dim")
    has_old = param.HasField("slice_dim")
    axis = layer.axis(param.slice_dim if has_old else param.axis, "slice_param.axis", "slice_param.slice_dim")
    size, points = layer.in_shape[axis], list(param.slice_point)
    if points:
        if len(points) != num_tops - 1:
            raise layer.error(f"{len(points)} slice_point for {num_tops} tops.", "slice_param.slice_point")
        if points != sorted(set(points)) or points[0] < 1 or points[-1] >= size:
            raise layer.error(f"slice_point {points} do not rise within 1 to {size - 1}.", "slice_param.slice_point")
    elif size % num_tops:
        raise layer.error(f"axis {axis} of size {size} has no {num_tops} equal parts.", "slice_param", "top")
    ends = [*points, size] if points else [size // num_tops * (index + 1) for index in range(num_tops)]
    sizes = tuple(end - start for start, end in zip([0, *ends], ends, strict=False))
    return Lowered(torch.split, {"split_size_or_sections": sizes, "dim": axis})
