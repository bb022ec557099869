"""Layers that slide a window over a picture, and InnerProduct."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from digits.caffeproto import caffe_pb2
from tests.reference.numpy_caffe.net import Array, Message, axes_from, layer

WHOLE = slice(None)


def at(*places: int | slice) -> tuple[int | slice, ...]:
    """Return an index of several axes."""
    return places


def window_of(message: Message, num_axes: int) -> tuple[list[int], list[int], list[int], list[int]]:
    """Return kernel, stride, pad and dilation of a convolution, one number an axis."""
    p = message.convolution_param

    def each(values: Sequence[int], default: int) -> list[int]:
        return (list(values) or [default]) * (num_axes if len(values) < 2 else 1)

    kernel = [p.kernel_h, p.kernel_w] if p.HasField("kernel_h") else each(p.kernel_size, 0)
    stride = [p.stride_h, p.stride_w] if p.HasField("stride_h") else each(p.stride, 1)
    pad = [p.pad_h, p.pad_w] if p.HasField("pad_h") or p.HasField("pad_w") else each(p.pad, 0)
    return kernel, stride, pad, each(p.dilation, 1)


@layer("Convolution")
def convolution(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Each output value is the sum of a window times the weights of its group."""
    tops = []
    for x in bottoms:
        axis = axes_from(m.convolution_param.axis, x)
        lead, sizes = x.shape[:axis], x.shape[axis + 1 :]
        x = x.reshape(-1, *x.shape[axis:])
        kernel, stride, pad, dilation = window_of(m, len(sizes))
        group, weight = m.convolution_param.group, params[0]
        out = [
            (n + 2 * p - (d * (k - 1) + 1)) // s + 1
            for n, k, s, p, d in zip(sizes, kernel, stride, pad, dilation, strict=True)
        ]
        padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in pad)])
        y = np.zeros((x.shape[0], weight.shape[0], *out))
        per_in, per_out = x.shape[1] // group, weight.shape[0] // group
        for place in product(*map(range, out)):
            spots = [
                slice(o * s, o * s + d * (k - 1) + 1, d)
                for o, s, k, d in zip(place, stride, kernel, dilation, strict=True)
            ]
            seen = padded[at(WHOLE, WHOLE, *spots)]
            for o in range(weight.shape[0]):
                g = o // per_out
                part = seen[:, g * per_in : (g + 1) * per_in]
                y[at(WHOLE, o, *place)] = (part * weight[o]).reshape(x.shape[0], -1).sum(1)
        if len(params) > 1:
            y += params[1].reshape(-1, *(1,) * len(out))
        tops.append(y.reshape(*lead, *y.shape[1:]))
    return tops


@layer("Deconvolution")
def deconvolution(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Each input value adds the weights, times itself, to a window of the output."""
    tops = []
    for x in bottoms:
        axis = axes_from(m.convolution_param.axis, x)
        lead, sizes = x.shape[:axis], x.shape[axis + 1 :]
        x = x.reshape(-1, *x.shape[axis:])
        kernel, stride, pad, dilation = window_of(m, len(sizes))
        group, weight = m.convolution_param.group, params[0]
        per_in, per_out = x.shape[1] // group, weight.shape[1]
        full = [s * (n - 1) + d * (k - 1) + 1 for n, k, s, d in zip(sizes, kernel, stride, dilation, strict=True)]
        y = np.zeros((x.shape[0], per_out * group, *full))
        for place in product(*map(range, sizes)):
            spots = [
                slice(i * s, i * s + d * (k - 1) + 1, d)
                for i, s, k, d in zip(place, stride, kernel, dilation, strict=True)
            ]
            for c in range(x.shape[1]):
                g = c // per_in
                value = x[at(WHOLE, c, *place)].reshape(-1, *(1,) * (1 + len(sizes)))
                y[at(WHOLE, slice(g * per_out, (g + 1) * per_out), *spots)] += value * weight[c]
        y = y[at(WHOLE, WHOLE, *(slice(p, n - p) for p, n in zip(pad, full, strict=True)))]
        if len(params) > 1:
            y = y + params[1].reshape(-1, *(1,) * len(sizes))
        tops.append(y.reshape(*lead, *y.shape[1:]))
    return tops


@layer("Im2col")
def im2col(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Row (c, kernel place) has the values that the kernel place meets in channel c."""
    (x,) = bottoms
    kernel, stride, pad, dilation = window_of(m, x.ndim - 2)
    out = [
        (n + 2 * p - (d * (k - 1) + 1)) // s + 1
        for n, k, s, p, d in zip(x.shape[2:], kernel, stride, pad, dilation, strict=True)
    ]
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in pad)])
    rows = []
    for c in range(x.shape[1]):
        for place in product(*map(range, kernel)):
            spots = [
                slice(o * d, o * d + (n - 1) * s + 1, s)
                for o, d, n, s in zip(place, dilation, out, stride, strict=True)
            ]
            rows.append(padded[at(WHOLE, c, *spots)])
    return [np.stack(rows, 1)]


def pooled(x: Array, method: str, kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int], up: bool) -> Array:
    """Return pooling by Caffe's rules of windows; a window wholly outside is 0."""
    return pooled_with_places(x, method, kernel, stride, pad, up)[0]


def pooled_with_places(
    x: Array, method: str, kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int], up: bool
) -> tuple[Array, Array]:
    """Return pooling, and the flat place of the first largest value of each window."""
    sizes = []
    for n, k, s, p in zip(x.shape[2:], kernel, stride, pad, strict=True):
        count = (-(-(n + 2 * p - k) // s) if up else (n + 2 * p - k) // s) + 1
        if any(pad) and (count - 1) * s >= n + p:
            count -= 1
        sizes.append(count)
    y, places = np.zeros((*x.shape[:2], *sizes)), np.zeros((*x.shape[:2], *sizes))
    for n, c, i, j in product(*map(range, y.shape)):
        begin = [i * stride[0] - pad[0], j * stride[1] - pad[1]]
        end = [min(b + k, size + p) for b, k, size, p in zip(begin, kernel, x.shape[2:], pad, strict=True)]
        divisor = (end[0] - begin[0]) * (end[1] - begin[1])
        inside = [(max(b, 0), min(e, size)) for b, e, size in zip(begin, end, x.shape[2:], strict=True)]
        seen = [(h, w, x[n, c, h, w]) for h in range(*inside[0]) for w in range(*inside[1])]
        if not seen:
            continue
        values = np.array([value for _, _, value in seen])
        if method == "MAX":
            y[n, c, i, j] = values.max()
            h, w, _ = seen[int(values.argmax())]
            places[n, c, i, j] = h * x.shape[3] + w
        elif method == "STOCHASTIC":
            y[n, c, i, j] = (values**2).sum() / values.sum() if values.sum() else 0
        else:
            y[n, c, i, j] = values.sum() / (divisor if method == "AVE" else 1)
    return y, places


@layer("Pooling")
def pooling(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """The largest, mean or sum of each window."""
    (x,), p = bottoms, m.pooling_param
    kernel = [p.kernel_h, p.kernel_w] if p.HasField("kernel_h") else [p.kernel_size] * 2
    kernel = list(x.shape[2:]) if p.global_pooling else kernel
    stride = [p.stride_h, p.stride_w] if p.HasField("stride_h") else [p.stride] * 2
    pad = [p.pad_h, p.pad_w] if p.HasField("pad_h") else [p.pad] * 2
    method = caffe_pb2.PoolingParameter.PoolMethod.Name(p.pool)
    up = p.round_mode == caffe_pb2.PoolingParameter.CEIL
    return list(pooled_with_places(x, method, kernel, stride, pad, up)[: len(m.top)])


@layer("SPP")
def spp(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Pools of 1, 4, 16, ... windows."""
    (x,), method = bottoms, caffe_pb2.SPPParameter.PoolMethod.Name(m.spp_param.pool)
    levels = []
    for level in range(m.spp_param.pyramid_height):
        kernel = [-(-n // 2**level) for n in x.shape[2:]]
        pad = [(k * 2**level - n + 1) // 2 for k, n in zip(kernel, x.shape[2:], strict=True)]
        levels.append(pooled(x, method, kernel, kernel, pad, True))
    return levels if len(levels) == 1 else [np.concatenate([y.reshape(len(x), -1) for y in levels], 1)]


@layer("LRN")
def lrn(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """x (k + alpha / count * sum of squares)^-beta."""
    (x,), p = bottoms, m.lrn_param
    reach, scale = p.local_size // 2, np.zeros_like(bottoms[0])
    for n, c, h, w in product(*map(range, x.shape)):
        if p.norm_region == caffe_pb2.LRNParameter.ACROSS_CHANNELS:
            near = x[n, max(0, c - reach) : c + reach + 1, h, w]
            scale[n, c, h, w] = p.k + p.alpha / p.local_size * (near**2).sum()
        else:
            near = x[n, c, max(0, h - reach) : h + reach + 1, max(0, w - reach) : w + reach + 1]
            scale[n, c, h, w] = 1 + p.alpha / p.local_size**2 * (near**2).sum()
    return [x * scale**-p.beta]


@layer("InnerProduct")
def inner_product(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Rows times weights."""
    p, tops = m.inner_product_param, []
    for x in bottoms:
        axis = axes_from(p.axis, x)
        rows = x.reshape(int(np.prod(x.shape[:axis])), -1)
        y = rows @ (params[0] if p.transpose else params[0].T)
        tops.append((y + params[1] if p.bias_term else y).reshape(*x.shape[:axis], p.num_output))
    return tops
