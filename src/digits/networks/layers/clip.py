"""Caffe ``Clip``: values below ``min`` or above ``max`` become that bound."""

from __future__ import annotations

import torch

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Clip")
def clip(layer: Layer) -> Lowered:
    """One blob in, one out of the same shape; the gradient passes where the value is within the bounds, or on one."""
    param = layer.message.clip_param
    if not (param.HasField("min") and param.HasField("max")):
        raise layer.error("min and max must be given.", "clip_param")
    if param.min > param.max:
        raise layer.error(f"min {param.min:g} is above max {param.max:g}.", "clip_param.min")
    return Lowered(torch.clamp, {"min": param.min, "max": param.max})
