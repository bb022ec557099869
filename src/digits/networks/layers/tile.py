"""Caffe ``Tile``: the blob ``tiles`` times after itself along one axis."""

from __future__ import annotations

import torch

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Tile")
def tile(layer: Layer) -> Lowered:
    """One blob in, one out whose ``axis`` (1 unless given) is ``tiles`` times as long."""
    param, num_axes = layer.message.tile_param, len(layer.in_shape)
    axis = layer.axis(param.axis, "tile_param.axis")
    if param.tiles < 1:
        raise layer.error("tiles must be given and be at least 1.", "tile_param.tiles", "tile_param")
    times = tuple(param.tiles if index == axis else 1 for index in range(num_axes))
    return Lowered(torch.tile, {"dims": times})
