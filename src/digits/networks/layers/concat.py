"""Caffe ``Concat``: joins blobs along one axis."""

from __future__ import annotations

import torch

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Concat", bottoms=(1, None))
def concat(layer: Layer) -> Lowered:
    """Any number of blobs, alike but for ``axis`` (or the old ``concat_dim``), to one."""
    param = layer.message.concat_param
    field = "concat_param.axis"
    if param.HasField("concat_dim"):
        if param.HasField("axis"):
            raise layer.error("give axis or concat_dim; not both.", field)
        axis = layer.axis(param.concat_dim, "concat_param.concat_dim")
    else:
        axis = layer.axis(param.axis, field)
    for name, shape in zip(layer.message.bottom, layer.in_shapes, strict=True):
        if shape[:axis] + shape[axis + 1 :] != layer.in_shape[:axis] + layer.in_shape[axis + 1 :]:
            first, other = (" x ".join(map(str, sizes)) for sizes in (layer.in_shape, shape))
            raise layer.error(
                f"bottom {name!r} is {other} and the first one {first}; they must agree but for axis {axis}.", "bottom"
            )
    return Lowered(torch.cat, {"dim": axis}, packed=True)
