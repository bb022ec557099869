"""Keras networks as ONNX files: the numbers of TensorFlow in ONNX Runtime, and in words what does not go out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import onnx  # noqa: E402 - only where there is TensorFlow
import onnxruntime  # noqa: E402

from digits.core.errors import NetworkError  # noqa: E402
from digits.networks.caffe.export.onnxcheck import TOLERANCE  # noqa: E402
from digits.networks.caffe.export.preprocessing import Preprocessing  # noqa: E402
from digits.networks.tensorflow.definition import define  # noqa: E402
from digits.networks.tensorflow.onnx.write import KerasExport, write_onnx  # noqa: E402
from digits.networks.tensorflow.params import AnswerKind, Params  # noqa: E402
from digits.networks.tensorflow.text import standard_text  # noqa: E402

HEAD = "import keras\nfrom keras import layers, ops\n"
EVERY_LAYER = (
    HEAD
    + """
class Halved(layers.Layer):
    def call(self, x, training=None):
        return ops.flip(ops.transpose(x, (0, 2, 1, 3)), axis=-1) / 2 + ops.mean(x, axis=(1, 2), keepdims=True)

def build_model(params):
    x = inputs = keras.Input(params.input_shape)
    x = layers.Rescaling(1 / 255)(x)
    x = layers.ZeroPadding2D(((1, 0), (2, 1)))(x)
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(gamma_initializer="normal", moving_mean_initializer="normal")(x)
    x = y = layers.ReLU(max_value=6.0)(x)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="silu")(x)
    x = layers.SeparableConv2D(8, (3, 1), padding="same")(x)
    x = layers.Add()([x, y])
    x = layers.Concatenate()([x, layers.UpSampling2D(2)(layers.AveragePooling2D(3, 2, padding="same")(y))[:, :9, :11]])
    x = layers.LeakyReLU(negative_slope=0.2)(Halved()(x))
    x = keras.Sequential([layers.MaxPooling2D(2, padding="same"), layers.Conv2D(6, 1, activation="tanh", groups=2)])(x)
    a, b = layers.GlobalAveragePooling2D()(x), layers.Flatten()(x)
    x = layers.Concatenate()([a, layers.Dense(5, activation="softmax")(layers.Dropout(0.5)(b))])
    return keras.Model(inputs, layers.Dense(params.nclasses)(x))
"""
)


def exported(text: str, params: Params, path: Path) -> KerasExport:
    definition = define(text, lambda _: params, allowed=True, where="network.py")
    model = KerasExport(definition, params.kind, Preprocessing(rgb=True), tuple(map(str, range(params.nclasses))))
    write_onnx(model, path)
    return model


def assert_same(model: KerasExport, path: Path) -> None:
    """Other pictures than those of the check, and another number of them."""
    answering = model.definition.answering
    pictures = np.random.default_rng(7).uniform(0, 255, (3, *answering.inputs[0].shape[1:])).astype(np.float32)
    scores = np.array(answering(pictures, training=False))
    (ours,) = onnxruntime.InferenceSession(path).run(None, {"data": pictures.transpose(0, 3, 1, 2)})
    theirs = np.array(keras.ops.softmax(scores)) if model.kind == "class" else scores
    np.testing.assert_allclose(ours, theirs, atol=TOLERANCE * max(1, np.abs(theirs).max()))


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("lenet", (28, 28, 1), 10),
        pytest.param("alexnet", (227, 227, 3), 20, marks=pytest.mark.slow),
        pytest.param("googlenet", (224, 224, 3), 20, marks=pytest.mark.slow),
    ],
)
def test_a_standard_network_gives_the_same_answers_as_onnx(
    name: str, shape: tuple[int, int, int], classes: int, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"

    model = exported(standard_text(name), Params(classes, shape), path)

    assert_same(model, path)
    file = onnx.load(path)
    assert [each.name for each in (*file.graph.input, *file.graph.output)] == ["data", "softmax"]
    notes = {each.key: each.value for each in file.metadata_props}
    assert json.loads(notes["preprocessing"])["inputs"]["data"] == ["batch", shape[2], *shape[:2]]
    assert len(notes["labels"].splitlines()) == classes


@pytest.mark.parametrize("kind", ["class", "vector"])
def test_layers_operations_and_networks_within_networks_go_out(kind: AnswerKind, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"

    model = exported(EVERY_LAYER, Params(4, (17, 19, 3), kind), path)

    assert_same(model, path)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("layers.Lambda(lambda x: tf.nn.relu(x))", "'named', a Lambda,"),
        ("layers.Activation('gelu')", "'gelu'"),
        ("layers.UpSampling2D(2, interpolation='bicubic')", "that is bicubic"),
    ],
)
def test_what_has_no_rule_is_refused_by_name_and_leaves_no_file(layer: str, words: str, tmp_path: Path) -> None:
    body = f"    x = layers.Conv2D(2, 3)(inputs)\n    made = {layer}\n    made.name = 'named'\n    x = layers.Flatten()(made(x))\n"
    text = (
        f"import tensorflow as tf\n{HEAD}def build_model(params):\n    inputs = keras.Input(params.input_shape)\n"
        f"{body}    return keras.Model(inputs, layers.Dense(params.nclasses)(x))\n"
    )
    path = tmp_path / "model.onnx"

    with pytest.raises(NetworkError, match=words) as refused:
        exported(text, Params(3, (8, 8, 1)), path)

    assert "safetensors" in refused.value.hint
    assert not path.exists()
