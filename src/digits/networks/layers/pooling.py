"""Caffe ``Pooling``: the largest, mean or sum of each window, or one drawn at random; sizes round UP unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from digits.caffeproto import caffe_pb2
from digits.networks.caffe.windows import pool_size
from digits.networks.layers.registry import Layer, Lowered, Window, converter

Pair = tuple[int, ...]
Method = Literal["MAX", "AVE", "SUM"]
_P = caffe_pb2.PoolingParameter
_METHODS: dict[int, Method] = {_P.MAX: "MAX", _P.AVE: "AVE", _P.SUM: "SUM"}
_LARGEST = 2**13


@converter("Pooling", tops=(1, 2))
def pooling(layer: Layer) -> Lowered:
    """(N, C, H, W) to (N, C, H', W'); MAX may have a second top, the flat place of each largest value in its plane.

    torch's own pooling in ``ceil_mode`` is exact but for two cases, which ``padded_max`` and its kin serve: a pad above half
    the kernel, and a stride above the kernel without any pad, where Caffe keeps windows that begin outside the picture (and
    reads memory that is not its own: they are 0 here).
    """
    param = layer.message.pooling_param
    if len(layer.in_shape) != 4:
        raise layer.error(f"it needs a blob of 4 axes and gets one of {len(layer.in_shape)}.")
    with_places = len(layer.message.top) == 2
    if with_places and param.pool != _P.MAX:
        raise layer.error("only MAX pooling makes a second top.", "pooling_param.pool")
    if param.global_pooling:
        return _global(layer, with_places)
    window, up = pool_window(layer), not (param.round_mode == _P.FLOOR or param.torch_pooling)
    for size, k, s, p in zip(layer.in_shape[2:], window.kernel, window.stride, window.pad, strict=True):
        if pool_size(size, k, s, p, up=up, clip=any(window.pad)) < 1:
            words = f"its kernel of {k} is larger than its input of {size} with pad {p}."
            raise layer.error(words, *_fields("kernel_size", "kernel_h"), hint="Is the picture too small?")
    if param.pool == _P.STOCHASTIC:
        if any(window.pad):
            raise layer.error("STOCHASTIC pooling takes no pad.", *_fields("pad", "pad_h", "pad_w"))
        options = {"kernel": window.kernel, "stride": window.stride, "up": up}
        return Lowered(draw_pool if layer.phase == "TRAIN" else expected_pool, options, window=window)
    if with_places:
        options = {"kernel": window.kernel, "stride": window.stride, "pad": window.pad, "up": up}
        return Lowered(max_with_places, options, window=window)
    call, options = pool_call(_METHODS[param.pool], window, up=up)
    return Lowered(call, options, window=window)


def pool_call(method: Method, window: Window, *, up: bool) -> tuple[Callable[..., Tensor], dict[str, Any]]:
    """Return a function that pools, and its options: torch's own where that is exact."""
    kernel, stride, pad = window.kernel, window.stride, window.pad
    is_native = (
        method != "SUM"
        and all(2 * p <= k for p, k in zip(pad, kernel, strict=True))
        and (any(pad) or not up or all(s <= k for s, k in zip(stride, kernel, strict=True)))
    )
    if not is_native:
        general = {"kernel": kernel, "stride": stride, "pad": pad, "up": up}
        return {"MAX": padded_max, "AVE": padded_mean, "SUM": padded_sum}[method], general
    native = {"kernel_size": kernel, "stride": stride, "padding": pad, "ceil_mode": up}
    if method == "MAX":
        return F.max_pool2d, native
    return F.avg_pool2d, native


def pool_window(layer: Layer) -> Window:
    """Return kernel, stride and pad as (height, width) pairs.

    Raises:
        NetworkError: a size is missing, 0 or given twice, or a pad is not below its kernel.
    """
    param = layer.message.pooling_param
    if param.HasField("kernel_size") == (param.HasField("kernel_h") and param.HasField("kernel_w")):
        raise layer.error("give kernel_size, or both kernel_h and kernel_w.", "pooling_param", *_fields("kernel_size"))
    kernel = (param.kernel_size,) * 2 if param.HasField("kernel_size") else (param.kernel_h, param.kernel_w)
    pad = (param.pad,) * 2 if not (param.pad_h or param.pad_w) else (param.pad_h, param.pad_w)
    has_pair = param.HasField("stride_h") or param.HasField("stride_w")
    stride = (param.stride_h, param.stride_w) if has_pair else (param.stride,) * 2
    if min(kernel) < 1:
        raise layer.error("kernel_size is 0.", *_fields("kernel_size", "kernel_h", "kernel_w"))
    if min(stride) < 1:
        raise layer.error("stride is 0.", *_fields("stride", "stride_h", "stride_w"))
    if max(*kernel, *stride) > _LARGEST:
        raise layer.error(f"kernel_size or stride is above {_LARGEST}.", *_fields("kernel_size", "kernel_h", "stride"))
    if any(p >= k for p, k in zip(pad, kernel, strict=True)):
        raise layer.error(f"pad {pad} must be below the kernel {kernel}.", *_fields("pad", "pad_h", "pad_w"))
    return Window(kernel, stride, pad)


def padded_max(x: Tensor, *, kernel: Pair, stride: Pair, pad: Pair, up: bool) -> Tensor:
    """Return max pooling of any pad and stride; a window wholly outside the picture is 0."""
    return max_with_places(x, kernel=kernel, stride=stride, pad=pad, up=up)[0]


def max_with_places(x: Tensor, *, kernel: Pair, stride: Pair, pad: Pair, up: bool) -> tuple[Tensor, Tensor]:
    """Return max pooling and, as floats, the flat place in its plane of each (first) largest value."""
    padded, missing = _fit(x, kernel, stride, pad, up, fill=float("-inf"))
    values, places = F.max_pool2d(padded, kernel, stride, return_indices=True)
    rows, columns = places // padded.shape[3] - pad[0], places % padded.shape[3] - pad[1]
    return F.pad(values, missing), F.pad((rows * x.shape[3] + columns).to(x.dtype), missing)


def padded_sum(x: Tensor, *, kernel: Pair, stride: Pair, pad: Pair, up: bool) -> Tensor:
    """Return sum pooling of any pad and stride; a window wholly outside the picture is 0."""
    padded, missing = _fit(x, kernel, stride, pad, up, fill=0.0)
    return F.pad(_sums(padded, kernel, stride), missing)


def padded_mean(x: Tensor, *, kernel: Pair, stride: Pair, pad: Pair, up: bool) -> Tensor:
    """Return mean pooling of any pad and stride: padding counts in the divisor, what hangs over beyond it does not."""
    padded, missing = _fit(x, kernel, stride, pad, up, fill=0.0)
    sums = _sums(padded, kernel, stride)
    counts = [
        torch.tensor([min(k, size + 2 * p - i * s) for i in range(num)], dtype=x.dtype, device=x.device)
        for size, k, s, p, num in zip(x.shape[2:], kernel, stride, pad, sums.shape[2:], strict=True)
    ]
    return F.pad(sums / torch.outer(*counts), missing)


def _sums(x: Tensor, kernel: Pair, stride: Pair) -> Tensor:
    """Return the sum of each whole window; ONNX has no mean with another divisor."""
    return F.avg_pool2d(x, kernel, stride) * (kernel[0] * kernel[1])


def expected_pool(x: Tensor, *, kernel: Pair, stride: Pair, up: bool) -> Tensor:
    """Return STOCHASTIC pooling in TEST: the expected value, sum of squares over sum; 0 where the sum is 0."""
    sums = padded_sum(x, kernel=kernel, stride=stride, pad=(0, 0), up=up)
    squares = padded_sum(x * x, kernel=kernel, stride=stride, pad=(0, 0), up=up)
    return squares / torch.where(sums == 0, torch.ones_like(sums), sums)


def draw_pool(x: Tensor, *, kernel: Pair, stride: Pair, up: bool) -> Tensor:
    """Return STOCHASTIC pooling in TRAIN: one value of each window, drawn in proportion to the values (which are >= 0)."""
    padded, missing = _fit(x, kernel, stride, (0, 0), up, fill=0.0)
    counts = [(size - k) // s + 1 for size, k, s in zip(padded.shape[2:], kernel, stride, strict=True)]
    windows = F.unfold(padded, kernel, stride=stride).view(*x.shape[:2], kernel[0] * kernel[1], -1)
    running = windows.cumsum(2)
    threshold = torch.rand_like(running[:, :, -1:]) * running[:, :, -1:]
    drawn = (running < threshold).sum(2, keepdim=True).clamp_(max=windows.shape[2] - 1)
    return F.pad(windows.gather(2, drawn).view(*x.shape[:2], *counts), missing)


def _global(layer: Layer, with_places: bool) -> Lowered:
    param = layer.message.pooling_param
    idle = {"pad": 0, "pad_h": 0, "pad_w": 0, "stride": 1, "stride_h": 1, "stride_w": 1}
    for name in ("kernel_size", "kernel_h", "kernel_w", *idle):
        if param.HasField(name) and getattr(param, name) != idle.get(name):
            raise layer.error(f"global_pooling takes no {name}.", *_fields(name))
    window = Window(layer.in_shape[2:], (1, 1), (0, 0))
    if param.pool in (_P.AVE, _P.SUM):
        reduce = torch.mean if param.pool == _P.AVE else torch.sum
        return Lowered(reduce, {"dim": (2, 3), "keepdim": True}, window=window)
    if param.pool == _P.STOCHASTIC:
        raise layer.error("STOCHASTIC pooling has no global form.", *_fields("global_pooling"))
    if with_places:
        height, width = layer.in_shape[2:]
        return Lowered(
            max_with_places, {"kernel": (height, width), "stride": (1, 1), "pad": (0, 0), "up": True}, window=window
        )
    return Lowered(F.adaptive_max_pool2d, {"output_size": 1}, window=window)


def _fit(
    x: Tensor, kernel: Pair, stride: Pair, pad: Pair, up: bool, *, fill: float
) -> tuple[Tensor, tuple[int, int, int, int]]:
    """Return ``x`` padded or cut so that pooling without padding makes exactly Caffe's windows, and what its output lacks.

    What it lacks are the windows that begin outside a picture without padding (in ``F.pad``'s order: left, right, top, bottom).
    """
    after, missing = [], []
    for size, k, s, p in zip(x.shape[2:], kernel, stride, pad, strict=True):
        count = pool_size(size, k, s, p, up=up, clip=any(pad))
        num_inside = count if any(pad) else min(count, -(-size // s))
        after.append((num_inside - 1) * s + k - size - p)
        missing.append(count - num_inside)
    fitted = F.pad(x, (pad[1], after[1], pad[0], after[0]), value=fill)
    return fitted, (0, missing[1], 0, missing[0])


def _fields(*names: str) -> tuple[str, ...]:
    return tuple(f"pooling_param.{name}" for name in names)
