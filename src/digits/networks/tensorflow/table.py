"""A Keras network as people see it before it is trained: its layers in the order of running. Runs where TensorFlow is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import keras

from digits.networks.layerinfo import LayerInfo
from digits.networks.tensorflow.definition import DATA, LABEL, KerasDefinition

_Field = tuple[tuple[int, ...], tuple[float, ...]]
"""Receptive field, and cumulative stride."""


def layer_rows(definition: KerasDefinition) -> list[dict[str, Any]]:
    """Return the layers that have a name for people, in the order of running; what happens between two joins what comes before it."""
    rows: list[dict[str, Any]] = []
    sources: dict[int, tuple[int, ...]] = {}
    fields: dict[int, _Field] = {0: ((1, 1), (1.0, 1.0))}
    for operation, made, taken in calls(definition.training):
        above = tuple(sorted({place for each in taken for place in sources.get(id(each), ())}))
        if isinstance(operation, keras.layers.InputLayer):
            for tensor in made:
                sources[id(tensor)] = () if operation.name == LABEL else (0,)
            continue
        if not isinstance(operation, keras.Layer) or not above:
            for tensor in made:
                sources[id(tensor)] = above
            continue
        place = len(rows) + 1
        bottoms = tuple(DATA if each == 0 else str(rows[each - 1]["name"]) for each in above)
        info, fields[place] = _info(operation, made[0], [fields[each] for each in above], bottoms)
        rows.append(vars(info) | {"above": list(above)})
        for tensor in made:
            sources[id(tensor)] = (place,)
    return rows


def calls(model: keras.Model) -> Iterator[tuple[Any, Sequence[Any], Sequence[Any]]]:
    """Yield (operation, tensors made, tensors taken) in an order in which each comes after what feeds it."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            yield node.operation, node.output_tensors, node.input_tensors


def _info(layer: Any, output: Any, above: Sequence[_Field], bottoms: tuple[str, ...]) -> tuple[LayerInfo, _Field]:
    pool, kernel = _pair(getattr(layer, "pool_size", None)), _pair(getattr(layer, "kernel_size", None))
    window, stride = pool or kernel, _pair(getattr(layer, "strides", None))
    dilation = _pair(getattr(layer, "dilation_rate", None)) or (1, 1)
    field = max((each[0] for each in above), default=(1, 1))
    step = max((each[1] for each in above), default=(1.0, 1.0))
    pad: tuple[int, ...] = ()
    if window:
        moved = stride or window
        field = tuple(int(f + (k - 1) * d * s) for f, k, d, s in zip(field, window, dilation, step, strict=True))
        step = tuple(s * m for s, m in zip(step, moved, strict=True))
        is_same = getattr(layer, "padding", "valid") == "same"
        pad = tuple((k - 1) * d // 2 if is_same else 0 for k, d in zip(window, dilation, strict=True))
    learned = sum(prod(each.shape) for each in layer.trainable_weights)
    shape = (1, *(int(side or 0) for side in output.shape[1:]))
    info = LayerInfo(
        name=layer.name, type=type(layer).__name__, line=0, bottoms=bottoms, tops=(layer.name,), output_shapes=(shape,),
        num_parameters=learned, kernel=window, stride=(stride or window) if window else (), pad=pad,
        receptive_field=field if window else (), cumulative_stride=step if window else (),
        multiply_adds=_multiply_adds(layer, shape),
    )  # fmt: skip
    return info, (field, step)


def _multiply_adds(layer: Any, shape: Sequence[int]) -> int:
    """Return the multiply-adds of one picture in a convolution or a dense layer; 0 for what costs little."""
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return 0
    positions = prod(shape[1:-1]) if len(kernel.shape) > 2 else 1
    return int(prod(kernel.shape)) * positions


def _pair(value: Any) -> tuple[int, ...]:
    """Return a window's number, one or a pair, as (height, width); () where there is none."""
    if isinstance(value, int):
        return (value, value)
    is_pair = isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(each, int) for each in value)
    return tuple(value) if is_pair else ()
