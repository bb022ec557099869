"""The network that answers, written as ONNX and held against itself. Runs where TensorFlow is."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from onnx import helper

from digits.core.errors import DigitsError
from digits.networks.caffe.export.onnxcheck import check, example
from digits.networks.caffe.export.onnxfile import BATCH, IR_VERSION, OPSET
from digits.networks.caffe.export.preprocessing import Preprocessing
from digits.networks.tensorflow.definition import DATA, KerasDefinition
from digits.networks.tensorflow.onnx import layers, operations
from digits.networks.tensorflow.onnx.graph import Graph, Value, refuse
from digits.networks.tensorflow.params import AnswerKind

_ANSWERS = {"class": "softmax", "classes": "sigmoid", "vector": "output"}
_CHECKED = 2  # pictures
_MOST_BYTES = 2**31 - 2**20  # of one file of protobuf


@dataclass(frozen=True)
class KerasExport:
    """What goes out."""

    definition: KerasDefinition
    """With its weights."""
    kind: AnswerKind
    preprocessing: Preprocessing
    labels: tuple[str, ...]


def write_onnx(model: KerasExport, path: Path) -> None:
    """Write the network as ONNX: input "data" [N, C, H, W], answer named as in tests; run the file beside the network.

    Raises:
        NetworkError: some layer has no rule here, or the file gives other numbers.
    """
    answering, answer = model.definition.answering, _ANSWERS[model.kind]
    height, width, channels = answering.inputs[0].shape[1:]
    graph = Graph()
    data, name = graph.named(DATA), graph.named(answer)
    scores = _Writer(graph).run(answering, [Value((height, width, channels), first=data)])[0]
    graph.enter(answer)
    if model.kind == "vector":
        made = graph.node("Identity", [graph.last(scores)])
    else:
        made = graph.node(
            "Softmax" if model.kind == "class" else "Sigmoid",
            [graph.last(scores)],
            **({"axis": 1} if model.kind == "class" else {}),
        )
    graph.nodes[-1].output[0] = name
    assert made not in {each for node in graph.nodes for each in node.input}
    notes = {
        "labels": "\n".join(model.labels),
        "preprocessing": model.preprocessing.as_json({DATA: (BATCH, channels, height, width)}),
    }
    _save(graph, path, (DATA, (channels, height, width)), (name, scores.shape), notes)
    pictures_NCHW = example((_CHECKED, channels, height, width))
    ours = np.array(answering(pictures_NCHW.transpose(0, 2, 3, 1), training=False), np.float32)
    check(path, {DATA: pictures_NCHW}, {name: _answers(ours, model.kind)})


def _answers(scores: Any, kind: AnswerKind) -> Any:
    if kind == "class":
        powers = np.exp(scores - scores.max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)
    return 1 / (1 + np.exp(-scores)) if kind == "classes" else scores


def _save(
    graph: Graph, path: Path, given: tuple[str, tuple[int, ...]], answer: tuple[str, tuple[int, ...]], notes: dict[str, str]
) -> None:  # fmt: skip
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [BATCH, *shape]) for name, shape in (given, answer)
    ]
    made = helper.make_model(
        helper.make_graph(graph.nodes, "network", ends[:1], ends[1:], initializer=graph.constants),
        ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="OpenDIGITS",
    )  # fmt: skip
    helper.set_model_props(made, notes)
    if made.ByteSize() > _MOST_BYTES:
        raise refuse("A network of more than 2 GB")
    onnx.checker.check_model(made)
    onnx.save(made, path)


class _Writer:
    """Goes through networks of Keras, those within networks too."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def run(self, model: Any, given: list[Value]) -> list[Value]:
        """Return the outputs of a network for these inputs.

        Raises:
            NetworkError: something in it has no rule.
        """
        if isinstance(model, keras.Sequential):
            model = model._functional
        known = {id(tensor): value for tensor, value in zip(model.inputs, given, strict=True)}
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if isinstance(node.operation, keras.layers.InputLayer):
                    continue
                made = self._one(node, known)
                known.update((id(tensor), value) for tensor, value in zip(node.output_tensors, made, strict=True))
        return [known[id(tensor)] for tensor in model.outputs]

    def _one(self, node: Any, known: dict[int, Value]) -> list[Value]:
        operation, shapes = node.operation, [_shape(each) for each in node.output_tensors]
        inputs = [known[id(each)] for each in node.input_tensors]
        self._graph.enter(operation.name)
        if isinstance(operation, (keras.Sequential, keras.src.models.Functional)):
            return self.run(operation, inputs)
        kind = type(operation).__name__
        if isinstance(operation, keras.Layer):
            rule = layers.RULES.get(kind) if getattr(keras.layers, kind, None) is type(operation) else None
            return [rule(self._graph, operation, inputs, shapes[0])] if rule else self._asked(operation, node, inputs)
        told = operations.RULES.get(kind)
        if told is None:
            raise refuse(f"The operation {kind}")
        given = tuple(_filled(each, known) for each in (*node.arguments.args, *node.arguments.kwargs.values()))
        return [told(self._graph, operation, given, shapes[0])]

    def _asked(self, layer: Any, node: Any, inputs: list[Value]) -> list[Value]:
        """Let a layer without a rule, of the text's own perhaps, say what it does: it is called with tensors that remember."""
        pictures = [
            keras.Input(each.shape, dtype=tensor.dtype) for each, tensor in zip(inputs, node.input_tensors, strict=True)
        ]
        more = {"training": False} if "training" in inspect.signature(layer.call).parameters else {}
        try:
            made = layer.call(pictures[0] if len(pictures) == 1 else pictures, **more)
            inner = keras.Model(pictures, made)
        except DigitsError:
            raise
        except Exception as error:  # it computes with something else than keras.ops
            raise refuse(f"{layer.name!r}, a {type(layer).__name__},") from error
        return self.run(inner, inputs)


def _shape(tensor: Any) -> tuple[int, ...]:
    if any(side is None for side in tensor.shape[1:]) or not tensor.shape or tensor.shape[0] is not None:
        raise refuse(f"A tensor of shape {tuple(tensor.shape)}")
    return tuple(int(side) for side in tensor.shape[1:])


def _filled(given: Any, known: dict[int, Value]) -> Any:
    """Return an argument with values in the place of Keras' tensors, and numbers in that of its variables."""
    if id(given) in known:
        return known[id(given)]
    if isinstance(given, list):
        return [_filled(each, known) for each in given]
    return given.numpy() if isinstance(given, keras.Variable) else given
