"""Along one axis of the picture: how many values each blob of a Caffe network has, and where they lie on the picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from digits.caffeproto import caffe_pb2
from digits.networks.caffe.places import SAME, SAME_PLACE, Map, of_window, through
from digits.networks.caffe.windows import conv_size, pool_size
from digits.networks.layers.convolution import conv_window
from digits.networks.layers.pooling import pool_window
from digits.networks.layers.registry import Layer as Placed
from digits.networks.layers.registry import Window

Layer = caffe_pb2.LayerParameter
AXES = (0, 1)
"""Height, width."""
_SLIDES = ("Convolution", "Deconvolution", "Pooling")


def window_of(layer: Layer) -> Window | None:
    """Return what a layer slides over its picture, None for one that does not.

    Raises:
        NetworkError: its numbers contradict each other.
    """
    if layer.type not in _SLIDES:
        return None
    placed = Placed(layer, (), "TEST", "")
    found = pool_window(placed) if layer.type == "Pooling" else conv_window(placed, len(AXES))
    dilation = found.dilation or (1,) * len(AXES)
    return Window(found.kernel, found.stride, found.pad, dilation, transposed=layer.type == "Deconvolution")


def places(layers: Iterable[Layer], axis: int, *, data: str) -> dict[str, Map]:
    """Return by blob how its places lie on those of ``data``; blobs whose places no rule tells are left out."""
    found: dict[str, Map] = {data: SAME}
    for layer in layers:
        below = next((found[bottom] for bottom in layer.bottom if bottom in found), None)
        if below is None:
            continue
        window = window_of(layer)
        if window is not None:
            numbers = (each[axis] for each in (window.kernel, window.stride, window.pad, window.dilation))
            step = of_window(*numbers, transposed=window.transposed)
        elif layer.type == "Crop":
            step = (SAME[0], SAME[1] + _offset(layer, axis))
        elif layer.type in SAME_PLACE:
            step = SAME
        else:
            continue
        found.update(dict.fromkeys(layer.top, through(below, step)))
    return found


def sizes(layers: Sequence[Layer], axis: int, size: int, *, data: str) -> dict[str, int] | None:
    """Return by blob how many values it has for a picture of ``size``; None where some layer cannot take what it gets."""
    found = {data: size}
    for layer in layers:
        below = [found[bottom] for bottom in layer.bottom if bottom in found]
        if not below:
            continue
        window = window_of(layer)
        if window is not None:
            made = _slid(layer, window, axis, below[0])
        elif layer.type == "Crop" and len(below) > 1:
            made = below[1] if _offset(layer, axis) + below[1] <= below[0] else 0
        else:
            made = below[0] if len(set(below)) == 1 else 0
        if made < 1:
            return None
        found.update(dict.fromkeys(layer.top, made))
    return found


def _slid(layer: Layer, window: Window, axis: int, size: int) -> int:
    kernel, stride, pad, dilation = (each[axis] for each in (window.kernel, window.stride, window.pad, window.dilation))
    if window.transposed:
        return stride * (size - 1) + dilation * (kernel - 1) + 1 - 2 * pad
    if layer.type == "Convolution":
        return conv_size(size, kernel, stride, pad, dilation)
    param = layer.pooling_param
    up = not (param.round_mode == caffe_pb2.PoolingParameter.FLOOR or param.torch_pooling)
    return pool_size(size, kernel, stride, pad, up=up, clip=any(window.pad))


def _offset(layer: Layer, axis: int) -> int:
    given = layer.crop_param.offset
    return int(given[axis] if len(given) > 1 else given[0] if given else 0)
