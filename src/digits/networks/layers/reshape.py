"""Caffe ``Reshape``: the same values in another shape; 0 keeps a size, -1 is what is left over."""

from __future__ import annotations

from math import prod

from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Reshape")
def reshape_layer(layer: Layer) -> Lowered:
    """Replaces ``num_axes`` axes from ``axis`` on (all of them unless given) by ``shape``."""
    param, num_axes = layer.message.reshape_param, len(layer.in_shape)
    dims = tuple(param.shape.dim)
    start = param.axis if param.axis >= 0 else num_axes + param.axis + 1
    if not 0 <= start <= num_axes:
        raise layer.error(f"there is no place {param.axis} among {num_axes} axes.", "reshape_param.axis")
    end = num_axes if param.num_axes == -1 else start + param.num_axes
    if param.num_axes < -1 or end > num_axes:
        raise layer.error(f"{param.num_axes} axes from {start} on, of {num_axes}.", "reshape_param.num_axes")
    if dims.count(-1) > 1 or any(dim < -1 for dim in dims):
        raise layer.error("a shape has sizes, 0, and at most one -1.", "reshape_param.shape")
    kept = [index for index, dim in enumerate(dims) if dim == 0]
    if any(start + index >= num_axes for index in kept):
        raise layer.error("a 0 stands for a size that the bottom does not have.", "reshape_param.shape")
    sizes = [layer.in_shape[start + index] if dim == 0 else dim for index, dim in enumerate(dims)]
    known = prod(size for size in sizes if size != -1)
    wanted = prod(layer.in_shape[start:end])
    if (known != wanted and -1 not in sizes) or (-1 in sizes and (not known or wanted % known)):
        text = " x ".join(map(str, dims))
        raise layer.error(f"{wanted} values cannot become {text}.", "reshape_param.shape")
    return Lowered(reshape, {"dims": dims, "start": start, "end": end - num_axes})


def reshape(x: Tensor, *, dims: tuple[int, ...], start: int, end: int) -> Tensor:
    """Return ``x`` with the axes from ``start`` up to ``end`` (counted from the last: 0 is after it) replaced by ``dims``."""
    middle = [x.shape[start + index] if dim == 0 else dim for index, dim in enumerate(dims)]
    return x.reshape((*x.shape[:start], *middle, *x.shape[x.dim() + end :]))
