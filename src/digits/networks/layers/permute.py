"""NVCaffe ``Permute`` (from SSD): the axes in another order."""

from __future__ import annotations

import torch

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Permute")
def permute(layer: Layer) -> Lowered:
    """Axis i of the output is axis ``order[i]`` of the input; axes that ``order`` leaves out follow in their own order."""
    order, num_axes = list(layer.message.permute_param.order), len(layer.in_shape)
    if len(set(order)) != len(order) or any(axis >= num_axes for axis in order):
        raise layer.error(f"order {order} must name each of {num_axes} axes at most once.", "permute_param.order")
    order += [axis for axis in range(num_axes) if axis not in order]
    return Lowered(torch.permute, {"dims": tuple(order)})
