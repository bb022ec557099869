"""What a standard classifier is on other pictures and classes than its paper's: how much it learns, and which pictures it can take.

Forms show this for a dozen networks at once, so it is worked out without torch: from the Caffe definitions, or, where there is none, from what the
card says; a test holds it against built networks.

Legend: a shape is (channels, height, width).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod

from digits.caffeproto import caffe_pb2
from digits.caffeproto.filter import filter_net
from digits.caffeproto.text import parse_net
from digits.networks.caffe.definition import fill_classes
from digits.networks.caffe.windows import conv_size, pool_size
from digits.networks.standard import standard_networks, standard_text

Layer = caffe_pb2.LayerParameter
Shape = tuple[int, int, int]
_WITHOUT_ANSWER = ("Accuracy", "Silence", "SoftmaxWithLoss")
_MOST = 1024
"""No network asks for a larger picture."""


@dataclass(frozen=True)
class Fit:
    """A network on the pictures of one dataset."""

    parameters: int | None
    """Learned values; None where the pictures are too small for it."""
    least_side: int
    """The smallest square picture, in pixels, that it takes."""


def fit(name: str, *, num_classes: int, channels: int, height: int, width: int, crop_size: int | None = None) -> Fit:
    """Return what a standard classifier is on such pictures.

    Args:
        name: of a classifier in ``standard_networks``.
        num_classes: of the dataset.
        channels: of its pictures.
        height: of its pictures.
        width: of its pictures.
        crop_size: the form's; the network's own when None. Either is cut down to the picture.
    """
    card = standard_networks(suffix=None)[name]
    if card.growth is not None:
        fits = min(height, width, crop_size or card.crop_size or height) >= card.growth.least_side
        more = card.growth.a_class * (num_classes - card.num_classes) + card.growth.a_channel * (
            channels - card.channels
        )
        return Fit(card.parameters + more if fits else None, card.growth.least_side)
    crop = min(crop_size or _crop_size(name) or _MOST, height, width) if crop_size or _crop_size(name) else None
    shape = (channels, crop or height, crop or width)
    return Fit(_learned(name, num_classes, shape), least_side(name))


@cache
def least_side(name: str) -> int:
    """Return the side of the smallest square picture that a network takes: below it some window does not fit, from it on all do."""
    growth = standard_networks(suffix=None)[name].growth
    if growth is not None:
        return growth.least_side
    low, high = 1, _MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if _learned(name, 1, (3, middle, middle)) is None else (low, middle)
    return low


@cache
def _layers(name: str) -> tuple[Layer, ...]:
    net = parse_net(standard_text(name), where=name).message
    return tuple(filter_net(net, phase="TRAIN", stages=["train"], where=name).layer)


@cache
def _crop_size(name: str) -> int | None:
    return next((layer.transform_param.crop_size for layer in _layers(name) if layer.type == "Data"), None) or None


@cache
def _learned(name: str, num_classes: int, picture: Shape) -> int | None:
    """Return the number of learned values; None where some window does not fit."""
    blobs: dict[str, Shape] = {}
    total = 0
    for layer in fill_classes(_layers(name), num_classes):
        if layer.type == "Data":
            blobs[layer.top[0]] = picture
        elif (rule := _RULES.get(layer.type)) is not None:
            shape, learned = rule(layer, [blobs[bottom] for bottom in layer.bottom])
            if min(shape) < 1:
                return None
            blobs[layer.top[0]] = shape
            total += learned
        else:
            assert layer.type in _WITHOUT_ANSWER, f"no rule for {layer.type}"
    return total


def _convolution(layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, int]:
    param, (channels, height, width) = layer.convolution_param, bottoms[0]
    kernel_h, kernel_w = _pair(param.kernel_size, param.kernel_h, param.kernel_w, 1)
    stride_h, stride_w = _pair(param.stride, param.stride_h, param.stride_w, 1)
    pad_h, pad_w = _pair(param.pad, param.pad_h, param.pad_w, 0)
    learned = param.num_output * (channels // param.group * kernel_h * kernel_w + param.bias_term)
    shape = (
        param.num_output,
        conv_size(height, kernel_h, stride_h, pad_h),
        conv_size(width, kernel_w, stride_w, pad_w),
    )
    return shape, learned


def _deconvolution(layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, int]:
    param, (channels, height, width) = layer.convolution_param, bottoms[0]
    kernel, _ = _pair(param.kernel_size, param.kernel_h, param.kernel_w, 1)
    stride, _ = _pair(param.stride, param.stride_h, param.stride_w, 1)
    pad, _ = _pair(param.pad, param.pad_h, param.pad_w, 0)
    learned = channels * (param.num_output // param.group) * kernel**2 + param.num_output * param.bias_term
    sides = [stride * (side - 1) + kernel - 2 * pad for side in (height, width)]
    return (param.num_output, sides[0], sides[1]), learned


def _crop(_: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, int]:
    return (bottoms[0][0], *bottoms[1][1:]), 0


def _pooling(layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, int]:
    param, (channels, height, width) = layer.pooling_param, bottoms[0]
    if param.global_pooling:
        return (channels, 1, 1), 0
    up, clip = param.round_mode != caffe_pb2.PoolingParameter.FLOOR, param.pad > 0
    sizes = [pool_size(side, param.kernel_size, param.stride, param.pad, up=up, clip=clip) for side in (height, width)]
    return (channels, sizes[0], sizes[1]), 0


def _inner_product(layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, int]:
    outputs = layer.inner_product_param.num_output
    return (outputs, 1, 1), outputs * (prod(bottoms[0]) + 1)


def _concat(_: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, int]:
    return (sum(channels for channels, _, _ in bottoms), *bottoms[0][1:]), 0


def _scale(_: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, int]:
    return bottoms[0], 2 * bottoms[0][0]


def _same(_: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, int]:
    return bottoms[0], 0


_RULES: Mapping[str, Callable[[Layer, Sequence[Shape]], tuple[Shape, int]]] = {
    "Convolution": _convolution,
    "Crop": _crop,
    "Deconvolution": _deconvolution,
    "Pooling": _pooling,
    "InnerProduct": _inner_product,
    "Concat": _concat,
    "Scale": _scale,
    **dict.fromkeys(("BatchNorm", "Dropout", "Eltwise", "LRN", "Power", "ReLU"), _same),
}
"""By layer type: what a layer of the standard classifiers makes of its bottoms, and how much it learns."""


def _pair(both: Sequence[int], h: int, w: int, default: int) -> tuple[int, int]:
    """Return (height, width) of a convolution's setting, which is one number for both or two fields."""
    if both:
        return both[0], both[0]
    return (h, w) if h or w else (default, default)
