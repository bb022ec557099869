"""Caffe ``SPP``: spatial pyramid pooling, pools of 1 x 1, 2 x 2, 4 x 4, ... windows side by side, so that any picture gives as many."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from digits.caffeproto import caffe_pb2
from digits.networks.layers.pooling import draw_pool, expected_pool, padded_max, padded_mean
from digits.networks.layers.registry import Layer, Lowered, converter

_S = caffe_pb2.SPPParameter
Level = tuple[tuple[int, int], tuple[int, int]]


@converter("SPP")
def spp_layer(layer: Layer) -> Lowered:
    """(N, C, H, W) to (N, C * (1 + 4 + 16 + ...)), ``pyramid_height`` levels; with a single level (N, C, 1, 1)."""
    param = layer.message.spp_param
    if len(layer.in_shape) != 4:
        raise layer.error(f"it needs a blob of 4 axes and gets one of {len(layer.in_shape)}.")
    if not 1 <= param.pyramid_height <= 16:
        raise layer.error("pyramid_height must be given and be 1 to 16.", "spp_param.pyramid_height", "spp_param")
    levels = tuple(_level(layer, 2**index) for index in range(param.pyramid_height))
    if param.pool == _S.STOCHASTIC:
        if any(any(pad) for _, pad in levels):
            raise layer.error("STOCHASTIC pooling takes no pad, and these sizes need one.", "spp_param.pool")
        return Lowered(stochastic_pyramid, {"levels": levels, "draws": layer.phase == "TRAIN"})
    return Lowered(mean_pyramid if param.pool == _S.AVE else max_pyramid, {"levels": levels})


def max_pyramid(x: Tensor, *, levels: tuple[Level, ...]) -> Tensor:
    """Return the largest value of each window, level after level."""
    return _join(
        [
            F.max_pool2d(x, kernel, kernel, pad, ceil_mode=True)
            if _is_native(kernel, pad)
            else padded_max(x, kernel=kernel, stride=kernel, pad=pad, up=True)
            for kernel, pad in levels
        ]
    )


def mean_pyramid(x: Tensor, *, levels: tuple[Level, ...]) -> Tensor:
    """Return the mean of each window, level after level."""
    return _join(
        [
            F.avg_pool2d(x, kernel, kernel, pad, ceil_mode=True)
            if _is_native(kernel, pad)
            else padded_mean(x, kernel=kernel, stride=kernel, pad=pad, up=True)
            for kernel, pad in levels
        ]
    )


def stochastic_pyramid(x: Tensor, *, levels: tuple[Level, ...], draws: bool) -> Tensor:
    """Return a value of each window drawn in proportion to the values, or what is expected then."""
    pool = draw_pool if draws else expected_pool
    return _join([pool(x, kernel=kernel, stride=kernel, up=True) for kernel, _ in levels])


def _level(layer: Layer, number: int) -> Level:
    """Return kernel (also the stride) and pad of ``number`` x ``number`` windows; the pad is half of what they exceed the picture by."""
    height, width = layer.in_shape[2:]
    kernel = (-(-height // number), -(-width // number))
    pad = ((kernel[0] * number - height + 1) // 2, (kernel[1] * number - width + 1) // 2)
    if any(p >= k for p, k in zip(pad, kernel, strict=True)):
        words = f"a picture of {height} x {width} is too small for {number} x {number} windows."
        raise layer.error(words, "spp_param.pyramid_height")
    return kernel, pad


def _is_native(kernel: tuple[int, int], pad: tuple[int, int]) -> bool:
    return all(2 * p <= k for p, k in zip(pad, kernel, strict=True))


def _join(pools: list[Tensor]) -> Tensor:
    return pools[0] if len(pools) == 1 else torch.cat([pool.flatten(1) for pool in pools], 1)
