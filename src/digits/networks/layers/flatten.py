"""Caffe ``Flatten``: joins the axes from ``axis`` to ``end_axis`` into one."""

from __future__ import annotations

import torch

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Flatten")
def flatten(layer: Layer) -> Lowered:
    """One blob in, the same values out; axis 1 to the last unless given."""
    param = layer.message.flatten_param
    start, end = layer.axis(param.axis, "flatten_param.axis"), layer.axis(param.end_axis, "flatten_param.end_axis")
    if end < start:
        raise layer.error(f"end_axis {end} is before axis {start}.", "flatten_param.end_axis", "flatten_param.axis")
    return Lowered(torch.flatten, {"start_dim": start, "end_dim": end})
