"""Layers that change values and keep shapes: activations, scales, normalisations, sums of blobs."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from digits.caffeproto import caffe_pb2
from tests.reference.numpy_caffe.net import Array, Message, axes_from, layer


@layer("ReLU", "PReLU", "ELU", "Sigmoid", "TanH", "AbsVal", "BNLL", "Swish", "Clip", "Threshold", "Dropout")
def activation(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """One value in, one out. Dropout is that of tests."""
    (x,) = bottoms
    slope = params[0].reshape(-1, *(1,) * (x.ndim - 2)) if params else np.zeros(())
    beta, bounds = m.swish_param.beta, m.clip_param
    formulas: dict[str, Callable[[], Array]] = {
        "ReLU": lambda: np.where(x > 0, x, x * m.relu_param.negative_slope),
        "PReLU": lambda: np.where(x > 0, x, x * slope),
        "ELU": lambda: np.where(x > 0, x, m.elu_param.alpha * (np.exp(np.minimum(x, 0)) - 1)),
        "Sigmoid": lambda: 1 / (1 + np.exp(-x)),
        "TanH": lambda: np.tanh(x),
        "AbsVal": lambda: np.abs(x),
        "BNLL": lambda: np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0),
        "Swish": lambda: x / (1 + np.exp(-beta * x)),
        "Clip": lambda: np.minimum(np.maximum(x, bounds.min), bounds.max),
        "Threshold": lambda: (x > m.threshold_param.threshold) * 1.0,
        "Dropout": lambda: x,
    }
    return [formulas[m.type]()]


@layer("Power", "Exp", "Log")
def power(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """(shift + scale x) ^ power, base ^ (shift + scale x), log_base(shift + scale x)."""
    (x,) = bottoms
    if m.type == "Power":
        return [(m.power_param.shift + m.power_param.scale * x) ** m.power_param.power]
    p = m.exp_param if m.type == "Exp" else m.log_param
    base, inner = math.e if p.base == -1 else p.base, p.shift + p.scale * x
    return [base**inner if m.type == "Exp" else np.log(inner) / np.log(base)]


@layer("Scale", "Bias")
def scale(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Times factors or plus addends that lie along some axes, plus a bias."""
    x, held = bottoms[0], list(params)
    p = m.scale_param if m.type == "Scale" else m.bias_param
    operand = bottoms[1] if len(bottoms) == 2 else held.pop(0)
    axis = axes_from(p.axis, x) if operand.ndim else 0

    def along(values: Array) -> Array:
        return values.reshape(*values.shape, *(1,) * (x.ndim - axis - values.ndim)) if values.ndim else values

    y = x * along(operand) if m.type == "Scale" else x + along(operand)
    return [y + along(held[0]) if held else y]


@layer("BatchNorm")
def batch_norm(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """(x - mean) / sqrt(variance + eps), of the batch or of the blobs; five blobs are NVCaffe's."""
    (x,), p = bottoms, m.batch_norm_param
    is_global = p.use_global_stats if p.HasField("use_global_stats") and len(params) == 3 else phase == "TEST"
    axes = (0, *range(2, x.ndim)) if x.ndim > 1 else (0,)
    mean, variance = x.mean(axes), x.var(axes)
    if is_global:
        factor = params[2][0] if len(params) == 3 else 1.0
        mean, variance = (params[i] / factor if factor else params[i] * 0 for i in (0, 1))
    wide = (-1, *(1,) * (x.ndim - 2))
    y = (x - mean.reshape(wide)) / np.sqrt(variance.reshape(wide) + p.eps)
    return [y if len(params) == 3 else y * params[3].reshape(wide) + params[4].reshape(wide)]


@layer("BN")
def bn(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """SegNet's: normalised by the batch unless in inference, times a scale, plus a shift."""
    (x,) = bottoms
    if m.bn_param.bn_mode == caffe_pb2.BNParameter.LEARN:
        axes = (0, *range(2, x.ndim))
        x = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-9)
    return [x * params[0] + params[1]]


@layer("MVN")
def mvn(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """(x - mean) / (deviation + eps) of each channel or picture."""
    (x,), p = bottoms, m.mvn_param
    axes = tuple(range(1 if p.across_channels else 2, x.ndim))
    off = x - x.mean(axes, keepdims=True)
    return [off / (x.std(axes, keepdims=True) + p.eps) if p.normalize_variance else off]


@layer("Normalize")
def normalize(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """x over its length, times a scale."""
    (x,), p = bottoms, m.norm_param
    axes = tuple(range(1, x.ndim)) if p.across_spatial else (1,)
    return [x / np.sqrt((x**2).sum(axes, keepdims=True) + p.eps) * params[0].reshape(-1, *(1,) * (x.ndim - 2))]


@layer("Eltwise")
def eltwise(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Product, weighted sum or maximum."""
    p = m.eltwise_param
    if p.operation == caffe_pb2.EltwiseParameter.PROD:
        return [np.prod(bottoms, 0)]
    if p.operation == caffe_pb2.EltwiseParameter.MAX:
        return [np.max(bottoms, 0)]
    coefficients = list(p.coeff) or [1.0] * len(bottoms)
    return [np.sum([c * x for c, x in zip(coefficients, bottoms, strict=True)], 0)]


@layer("Axpy")
def axpy(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """A factor a channel, times x, plus y."""
    factors, x, y = bottoms
    return [factors.reshape(*x.shape[:2], *(1,) * (x.ndim - 2)) * x + y]


@layer("Softmax")
def softmax(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """exp(x) over its sum along an axis."""
    return [softmax_of(bottoms[0], m.softmax_param.axis)]


def softmax_of(x: Array, axis: int) -> Array:
    """Return exp(x) over its sum along ``axis``."""
    e: Array = np.exp(x - x.max(axis, keepdims=True))
    y: Array = e / e.sum(axis, keepdims=True)
    return y
