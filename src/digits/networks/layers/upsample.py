"""SegNet's ``Upsample``: puts each value back where max pooling took it from, and 0 everywhere else."""

from __future__ import annotations

from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Upsample", bottoms=2)
def upsample_layer(layer: Layer) -> Lowered:
    """Values and the second top of the Pooling, both (N, C, H, W), to (N, C, H', W'); the places get no gradient.

    The size is ``upsample_h`` x ``upsample_w`` if given, else ``scale`` (2) times the input, less 1 with ``pad_out_h`` or ``pad_out_w``.
    A place outside the output, where SegNet's fork stops, is an error of torch's.
    """
    param, (shape, places) = layer.message.upsample_param, layer.in_shapes
    if len(shape) != 4 or shape != places:
        raise layer.error(
            f"its bottoms are {shape} and {places}; they must be (N, C, H, W), both of one shape.", "bottom"
        )
    scale_h = param.scale_h if param.HasField("scale_h") else param.scale
    scale_w = param.scale_w if param.HasField("scale_w") else param.scale
    height = param.upsample_h or scale_h * shape[2] - param.pad_out_h
    width = param.upsample_w or scale_w * shape[3] - param.pad_out_w
    if height < 1 or width < 1:
        raise layer.error(f"its output would be {height} x {width}.", "upsample_param.scale", "upsample_param")
    return Lowered(upsample, {"size": (height, width)})


def upsample(x: Tensor, places: Tensor, *, size: tuple[int, int]) -> Tensor:
    """Return a plane of ``size`` with each value of ``x`` at its flat place."""
    plane = x.new_zeros(*x.shape[:2], size[0] * size[1])
    return plane.scatter(2, places.detach().flatten(2).long(), x.flatten(2)).reshape(*x.shape[:2], *size)
