"""What Keras' own layers become in ONNX, as they answer; a layer that is not here is asked for the operations that it does (``operations``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from digits.networks.tensorflow.onnx.graph import Graph, Value, refuse

Rule = Callable[[Graph, Any, Sequence[Value], tuple[int, ...]], Value]
"""(graph, layer, its inputs, the shape of its output without N) to its output."""

_ACTIVATIONS = {
    "elu": "Elu", "exponential": "Exp", "hard_sigmoid": "HardSigmoid", "relu": "Relu", "selu": "Selu", "sigmoid": "Sigmoid", "softplus": "Softplus",
    "softsign": "Softsign", "tanh": "Tanh",
}  # fmt: skip
_HARD = {"alpha": 1 / 6, "beta": 0.5}
"""Keras' hard sigmoid; ONNX' own is steeper."""


def activated(graph: Graph, value: Value, activation: Any) -> Value:
    """Return ``value`` after an activation function of Keras.

    Raises:
        NetworkError: ONNX has no such function.
    """
    name = getattr(activation, "__name__", str(activation))
    if name == "linear":
        return value
    if name == "relu6":
        return graph.each("Clip", value, graph.constant(0), graph.constant(6))
    if name in ("silu", "swish"):
        return _times(graph, value, graph.each("Sigmoid", value))
    if name in ("hard_silu", "hard_swish"):
        return _times(graph, value, graph.each("HardSigmoid", value, **_HARD))
    if name == "softmax":
        return softmax(graph, value, -1)
    if name not in _ACTIVATIONS:
        raise refuse(f"The activation {name!r}")
    return graph.each(_ACTIVATIONS[name], value, **(_HARD if name == "hard_sigmoid" else {}))


def softmax(graph: Graph, value: Value, axis: int) -> Value:
    """Return the softmax along Keras' ``axis``."""
    return Value(value.shape, last=graph.node("Softmax", [graph.last(value)], axis=axis))


def pads(
    sides: Sequence[int], window: Sequence[int], stride: Sequence[int], padding: str, dilation: Sequence[int]
) -> list[int]:
    """Return ONNX' pads for Keras' "valid" or "same": as much as the last window needs, the odd pixel at the end."""
    if padding == "valid":
        return [0] * (2 * len(sides))
    needed = [
        max((-(-side // s) - 1) * s + (k - 1) * d + 1 - side, 0)
        for side, k, s, d in zip(sides, window, stride, dilation, strict=True)
    ]
    return [*(each // 2 for each in needed), *(each - each // 2 for each in needed)]


def pooled(
    graph: Graph, kind: str, value: Value, shape: tuple[int, ...], window: Sequence[int], stride: Sequence[int], padding: str
) -> Value:  # fmt: skip
    """Return the largest ("MaxPool") or the mean ("AveragePool", of what lies within the picture) of each window."""
    sides = value.shape[:-1]
    made = graph.node(
        kind, [graph.first(value)], kernel_shape=list(window), strides=list(stride),
        pads=pads(sides, window, stride, padding, (1,) * len(sides)),
    )  # fmt: skip
    return Value(shape, first=made)


def _times(graph: Graph, one: Value, other: Value) -> Value:
    return graph.each("Mul", one, other.last or other.first)


def _conv(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:
    kernel = graph.constant(layer.kernel.numpy().transpose(3, 2, 0, 1), name=layer.kernel.path)
    made = _convolved(graph, layer, inputs[0], [kernel, *_bias(graph, layer)], layer.groups)
    return activated(graph, Value(shape, first=made), layer.activation)


def _depthwise(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:
    kernel = _channel_by_channel(graph, layer.kernel)
    made = _convolved(graph, layer, inputs[0], [kernel, *_bias(graph, layer)], inputs[0].shape[-1])
    return activated(graph, Value(shape, first=made), layer.activation)


def _separable(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:
    kernel = _channel_by_channel(graph, layer.depthwise_kernel)
    between = _convolved(graph, layer, inputs[0], [kernel], inputs[0].shape[-1])
    points = graph.constant(layer.pointwise_kernel.numpy().transpose(3, 2, 0, 1), name=layer.pointwise_kernel.path)
    return activated(
        graph, Value(shape, first=graph.node("Conv", [between, points, *_bias(graph, layer)])), layer.activation
    )


def _convolved(graph: Graph, layer: Any, value: Value, weights: Sequence[str], groups: int) -> str:
    """Return the name of a convolution of ``value``, channels first; ``weights`` name the kernel and perhaps the bias."""
    _is_channels_last(layer)
    sides, window = value.shape[:-1], layer.kernel_size
    return graph.node(
        "Conv", [graph.first(value), *weights], kernel_shape=list(window), strides=list(layer.strides),
        dilations=list(layer.dilation_rate), group=groups,
        pads=pads(sides, window, layer.strides, layer.padding, layer.dilation_rate),
    )  # fmt: skip


def _channel_by_channel(graph: Graph, kernel: Any) -> str:
    """Return the name of a kernel that Keras has as [height, width, channels, outputs of each channel]."""
    height, width, _, _ = kernel.shape
    return graph.constant(kernel.numpy().transpose(2, 3, 0, 1).reshape(-1, 1, height, width), name=kernel.path)


def _bias(graph: Graph, layer: Any) -> list[str]:
    return [graph.constant(layer.bias.numpy(), name=layer.bias.path)] if layer.use_bias else []


def _rescaled(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:
    scale, offset = (np.asarray(each, np.float32) for each in (layer.scale, layer.offset))
    if scale.ndim or offset.ndim:
        made = graph.node("Mul", [graph.last(inputs[0]), graph.constant(scale)])
        return Value(shape, last=graph.node("Add", [made, graph.constant(offset)]))
    return graph.each("Add", graph.each("Mul", inputs[0], graph.constant(scale)), graph.constant(offset))


def _dense(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:
    made = graph.node("MatMul", [graph.last(inputs[0]), graph.constant(layer.kernel.numpy(), name=layer.kernel.path)])
    for bias in _bias(graph, layer):
        made = graph.node("Add", [made, bias])
    return activated(graph, Value(shape, last=made), layer.activation)


def _pooling(kind: str) -> Rule:
    def rule(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:
        _is_channels_last(layer)
        return pooled(graph, kind, inputs[0], shape, layer.pool_size, layer.strides, layer.padding)

    return rule


def _whole(kind: str) -> Rule:
    def rule(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:
        _is_channels_last(layer)
        made = graph.node(kind, [graph.first(inputs[0])])
        return Value(shape, last=graph.node("Reshape", [made, graph.constant([-1, *shape], np.int64)]))

    return rule


def _batch_norm(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:
    if layer.axis not in (-1, len(shape)):
        raise refuse(f"{layer.name!r}, a BatchNormalization along another axis than the channels,")
    channels = shape[-1]
    arrays = {
        "gamma": layer.gamma.numpy() if layer.scale else np.ones(channels),
        "beta": layer.beta.numpy() if layer.center else np.zeros(channels),
        "moving_mean": layer.moving_mean.numpy(),
        "moving_variance": layer.moving_variance.numpy(),
    }
    told = [graph.constant(each, name=f"{layer.path}/{name}") for name, each in arrays.items()]
    made = graph.node("BatchNormalization", [graph.first(inputs[0]), *told], epsilon=layer.epsilon)
    # A table [N, C] has its channels first and last at once.
    return Value(shape, first=made, last=made if len(shape) == 1 else "")


def _activation(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:  # noqa: ARG001 - one shape for all rules
    return activated(graph, inputs[0], layer.activation)


def _relu(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:  # noqa: ARG001
    if layer.threshold:
        raise refuse(f"{layer.name!r}, a ReLU with a threshold,")
    made = (
        graph.each("LeakyRelu", inputs[0], alpha=layer.negative_slope)
        if layer.negative_slope
        else graph.each("Relu", inputs[0])
    )
    return made if layer.max_value is None else graph.each("Min", made, graph.constant(layer.max_value))


def _leaky(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:  # noqa: ARG001
    return graph.each("LeakyRelu", inputs[0], alpha=float(layer.negative_slope))


def _softmax(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:  # noqa: ARG001
    if not isinstance(layer.axis, int):
        raise refuse(f"{layer.name!r}, a Softmax along several axes,")
    return softmax(graph, inputs[0], layer.axis)


def _nothing(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:  # noqa: ARG001
    return inputs[0]


def _reshaped(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:
    _is_channels_last(layer)
    return Value(shape, last=graph.node("Reshape", [graph.last(inputs[0]), graph.constant([-1, *shape], np.int64)]))


def _concatenated(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:
    if layer.axis in (-1, len(shape)):
        return Value(shape, first=graph.node("Concat", [graph.first(each) for each in inputs], axis=1))
    return Value(shape, last=graph.node("Concat", [graph.last(each) for each in inputs], axis=layer.axis))


def _merged(kind: str) -> Rule:
    def rule(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:  # noqa: ARG001
        if all(each.shape == shape and each.first for each in inputs):
            return Value(shape, first=_chained(graph, kind, [each.first for each in inputs]))
        return Value(shape, last=_chained(graph, kind, [graph.last(each) for each in inputs]))

    return rule


def _chained(graph: Graph, kind: str, names: Sequence[str]) -> str:
    made = names[0]
    for each in names[1:]:
        made = graph.node(kind, [made, each])
    return made


def _zero_padded(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:
    _is_channels_last(layer)
    (top, bottom), (left, right) = layer.padding
    around = graph.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)
    return Value(shape, first=graph.node("Pad", [graph.first(inputs[0]), around]))


def _enlarged(graph: Graph, layer: Any, inputs: Sequence[Value], shape: tuple[int, ...]) -> Value:
    _is_channels_last(layer)
    if layer.interpolation not in ("nearest", "bilinear"):
        raise refuse(f"{layer.name!r}, an UpSampling2D that is {layer.interpolation},")
    mode = "nearest" if layer.interpolation == "nearest" else "linear"
    scales = graph.constant([1, 1, *layer.size])
    more = {"nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"} if mode == "nearest" else {}
    return Value(shape, first=graph.node("Resize", [graph.first(inputs[0]), "", scales], mode=mode, **more))


def _is_channels_last(layer: Any) -> None:
    if getattr(layer, "data_format", "channels_last") not in ("channels_last", None):
        raise refuse(f"{layer.name!r}, whose channels come first,")


RULES: Mapping[str, Rule] = {
    "Activation": _activation,
    "ActivityRegularization": _nothing,
    "Add": _merged("Add"),
    "AlphaDropout": _nothing,
    "AveragePooling2D": _pooling("AveragePool"),
    "BatchNormalization": _batch_norm,
    "Concatenate": _concatenated,
    "Conv2D": _conv,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise,
    "Dropout": _nothing,
    "Flatten": _reshaped,
    "GaussianDropout": _nothing,
    "GaussianNoise": _nothing,
    "GlobalAveragePooling2D": _whole("GlobalAveragePool"),
    "GlobalMaxPooling2D": _whole("GlobalMaxPool"),
    "Identity": _nothing,
    "LeakyReLU": _leaky,
    "MaxPooling2D": _pooling("MaxPool"),
    "Maximum": _merged("Max"),
    "Minimum": _merged("Min"),
    "Multiply": _merged("Mul"),
    "ReLU": _relu,
    "Rescaling": _rescaled,
    "Reshape": _reshaped,
    "SeparableConv2D": _separable,
    "Softmax": _softmax,
    "SpatialDropout2D": _nothing,
    "UpSampling2D": _enlarged,
    "ZeroPadding2D": _zero_padded,
}
"""By the name of Keras' class."""
