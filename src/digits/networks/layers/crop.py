"""Caffe ``Crop``: cuts a blob to the size of another one; there is no centring, ``offset`` says where the cut begins."""

from __future__ import annotations

from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Crop", bottoms=2)
def crop_layer(layer: Layer) -> Lowered:
    """The first blob, cut along the axes from ``axis`` (2 unless given) on to the second one's sizes; only the first gets a gradient.

    ``offset`` is 0 unless given: one for all these axes, or one for each.
    """
    param, (shape, reference) = layer.message.crop_param, layer.in_shapes
    axis = layer.axis(param.axis, "crop_param.axis")
    num_cut = len(shape) - axis
    if len(reference) != len(shape):
        raise layer.error(f"its bottoms have {len(shape)} and {len(reference)} axes; they must have as many.", "bottom")
    if len(param.offset) not in (0, 1, num_cut):
        raise layer.error(f"{len(param.offset)} offset for {num_cut} axes.", "crop_param.offset")
    offsets = tuple(param.offset) or (0,)
    offsets = offsets if len(offsets) == num_cut else offsets * num_cut
    for index, offset in enumerate(offsets, start=axis):
        if offset + reference[index] > shape[index]:
            words = f"axis {index} has {shape[index]}, and {reference[index]} from {offset} on are wanted."
            raise layer.error(words, "crop_param.offset", "crop_param")
    return Lowered(crop, {"axis": axis, "offsets": offsets})


def crop(x: Tensor, reference: Tensor, *, axis: int, offsets: tuple[int, ...]) -> Tensor:
    """Return the part of ``x`` that begins at ``offsets`` and is as large as ``reference``."""
    for index, offset in enumerate(offsets, start=axis):
        if reference.shape[index] != x.shape[index]:
            x = x.narrow(index, offset, reference.shape[index])
    return x
