"""NVCaffe ``SmoothL1Loss`` (from Fast R-CNN): half the squared difference where it is below 1, else the difference less 1/2."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("SmoothL1Loss", bottoms=(2, 3))
def smooth_l1_loss_layer(layer: Layer) -> Lowered:
    """Two blobs of one shape, and maybe factors on their differences, to one number divided by the number of pictures.

    Both blobs get a gradient, the factors get none.
    """
    for name, shape in zip(layer.message.bottom, layer.in_shapes, strict=True):
        if shape != layer.in_shape or not shape:
            raise layer.error(f"bottom {name!r} is {shape} and the first one {layer.in_shape}.", "bottom")
    return Lowered(smooth_l1_loss)


def smooth_l1_loss(a: Tensor, b: Tensor, factors: Tensor | None = None) -> Tensor:
    """Return the loss."""
    difference = a - b if factors is None else (a - b) * factors.detach()
    return F.smooth_l1_loss(difference, difference.new_zeros(()).expand_as(difference), reduction="sum") / a.shape[0]
