"""What single operations of Keras (``keras.ops`` and the signs of Python) become in ONNX: what a text does between layers, and within its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from digits.networks.tensorflow.onnx.graph import Graph, Value, refuse
from digits.networks.tensorflow.onnx.layers import activated, pooled, softmax

Rule = Callable[[Graph, Any, "tuple[Any, ...]", tuple[int, ...]], Value]
"""(graph, operation, what it was called with: values and constants, the shape of its output without N) to its output."""


def _of_two(kind: str) -> Rule:
    def rule(graph: Graph, operation: Any, given: tuple[Any, ...], shape: tuple[int, ...]) -> Value:  # noqa: ARG001 - one shape for all rules
        one, other = given
        if isinstance(one, Value) and not isinstance(other, Value) and np.ndim(other) == 0:
            return graph.each(kind, one, graph.constant(other))
        return Value(shape, last=graph.node(kind, [_last(graph, one), _last(graph, other)]))

    return rule


def _last(graph: Graph, given: Any) -> str:
    return graph.last(given) if isinstance(given, Value) else graph.constant(given)


def _of_each(kind: str) -> Rule:
    return lambda graph, operation, given, shape: graph.each(kind, given[0])  # noqa: ARG005


def _square(graph: Graph, operation: Any, given: tuple[Any, ...], shape: tuple[int, ...]) -> Value:  # noqa: ARG001
    return graph.each("Mul", given[0], given[0].last or given[0].first)


def _activation(name: str) -> Rule:
    return lambda graph, operation, given, shape: activated(graph, given[0], name)  # noqa: ARG005


def _softmax(graph: Graph, operation: Any, given: tuple[Any, ...], shape: tuple[int, ...]) -> Value:  # noqa: ARG001
    return softmax(graph, given[0], operation.axis)


def _reshaped(graph: Graph, operation: Any, given: tuple[Any, ...], shape: tuple[int, ...]) -> Value:  # noqa: ARG001
    return Value(shape, last=graph.node("Reshape", [graph.last(given[0]), graph.constant([-1, *shape], np.int64)]))


def _pooled(kind: str) -> Rule:
    def rule(graph: Graph, operation: Any, given: tuple[Any, ...], shape: tuple[int, ...]) -> Value:
        rank = len(shape) - 1
        window, stride = (
            _sides(each, rank) for each in (operation.pool_size, operation.strides or operation.pool_size)
        )
        if operation.data_format == "channels_first":
            raise refuse(f"{operation.name!r}, whose channels come first,")
        return pooled(graph, kind, given[0], shape, window, stride, operation.padding)

    return rule


def _sides(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _transposed(graph: Graph, operation: Any, given: tuple[Any, ...], shape: tuple[int, ...]) -> Value:
    axes = list(operation.axes or reversed(range(len(shape) + 1)))
    if axes[0] != 0:
        raise refuse(f"{operation.name!r}, which moves the axis of the pictures,")
    return Value(shape, last=graph.node("Transpose", [graph.last(given[0])], perm=axes))


def _flipped(graph: Graph, operation: Any, given: tuple[Any, ...], shape: tuple[int, ...]) -> Value:
    axis = operation.axis
    if not isinstance(axis, int) or axis % (len(shape) + 1) == 0:
        raise refuse(f"{operation.name!r}, which turns the pictures' order,")
    turned = graph.constant(range(shape[axis if axis < 0 else axis - 1] - 1, -1, -1), np.int64)
    return Value(shape, last=graph.node("Gather", [graph.last(given[0]), turned], axis=axis))


def _reduced(kind: str) -> Rule:
    def rule(graph: Graph, operation: Any, given: tuple[Any, ...], shape: tuple[int, ...]) -> Value:
        if operation.axis is None:
            raise refuse(f"{operation.name!r}, which mixes the pictures,")
        axes = [operation.axis] if isinstance(operation.axis, int) else list(operation.axis)
        told = graph.constant(axes, np.int64)
        # In opset 18 all of these take their axes as an input, but ReduceSum did so before.
        return Value(shape, last=graph.node(kind, [graph.last(given[0]), told], keepdims=int(operation.keepdims)))

    return rule


def _concatenated(graph: Graph, operation: Any, given: tuple[Any, ...], shape: tuple[int, ...]) -> Value:
    return Value(shape, last=graph.node("Concat", [_last(graph, each) for each in given[0]], axis=operation.axis))


def _item(graph: Graph, operation: Any, given: tuple[Any, ...], shape: tuple[int, ...]) -> Value:
    """A part along single axes: [..., 0], [:, 2:5]."""
    value, key = given
    keys = list(key) if isinstance(key, tuple) else [key]
    rank = len(value.shape) + 1
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        keys[at : at + 1] = [slice(None)] * (rank - len(keys) + 1)
    name = graph.last(value)
    for axis in reversed(range(len(keys))):
        name = _taken(graph, operation, name, axis, keys[axis])
    return Value(shape, last=name)


def _taken(graph: Graph, operation: Any, name: str, axis: int, key: Any) -> str:
    """Return what is left after ``key`` on one axis."""
    if isinstance(key, slice):
        if key == slice(None):
            return name
        step = key.step or 1
        if axis and step > 0 and all(each is None or isinstance(each, int) for each in (key.start, key.stop)):
            end = np.iinfo(np.int64).max if key.stop is None else key.stop
            told = [graph.constant([each], np.int64) for each in (key.start or 0, end, axis, step)]
            return graph.node("Slice", [name, *told])
    elif isinstance(key, int) and axis:
        return graph.node("Gather", [name, graph.constant(key, np.int64)], axis=axis)
    raise refuse(f"{operation.name!r}, a part of a tensor of that kind,")


RULES: Mapping[str, Rule] = {
    "Abs": _of_each("Abs"),
    "Absolute": _of_each("Abs"),
    "Add": _of_two("Add"),
    "AveragePool": _pooled("AveragePool"),
    "Cast": lambda graph, operation, given, shape: given[0],  # noqa: ARG005 - between numbers of other precision; all are float32 here
    "Concatenate": _concatenated,
    "Divide": _of_two("Div"),
    "Exp": _of_each("Exp"),
    "ExpandDims": _reshaped,
    "Flip": _flipped,
    "GetItem": _item,
    "Log": _of_each("Log"),
    "Max": _reduced("ReduceMax"),
    "MaxPool": _pooled("MaxPool"),
    "Maximum": _of_two("Max"),
    "Mean": _reduced("ReduceMean"),
    "Min": _reduced("ReduceMin"),
    "Minimum": _of_two("Min"),
    "Multiply": _of_two("Mul"),
    "Negative": _of_each("Neg"),
    "Power": _of_two("Pow"),
    "Relu": _activation("relu"),
    "Relu6": _activation("relu6"),
    "Reshape": _reshaped,
    "Sigmoid": _activation("sigmoid"),
    "Silu": _activation("silu"),
    "Softmax": _softmax,
    "Sqrt": _of_each("Sqrt"),
    "Square": _square,
    "Squeeze": _reshaped,
    "Subtract": _of_two("Sub"),
    "Sum": _reduced("ReduceSum"),
    "Tanh": _activation("tanh"),
    "Transpose": _transposed,
    "TrueDivide": _of_two("Div"),
}
"""By the name of Keras' class."""
