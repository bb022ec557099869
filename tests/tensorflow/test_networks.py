"""What texts define: parameters and shapes as published, mistakes at their line."""

from __future__ import annotations

import pytest

keras = pytest.importorskip("keras")

from digits.core.errors import NetworkError  # noqa: E402 - only where there is TensorFlow
from digits.networks.tensorflow.definition import KerasDefinition, define  # noqa: E402
from digits.networks.tensorflow.describe import describe  # noqa: E402
from digits.networks.tensorflow.params import Params  # noqa: E402
from digits.networks.tensorflow.text import standard_text  # noqa: E402

HEAD = """
import utils as digits
from keras import layers
from model import Tower
from utils import model_property

class UserModel(Tower):
    @model_property
    def inference(self):
"""


def defined(text: str, *, allowed: bool = True) -> KerasDefinition:
    return define(text, lambda _: Params(3, (20, 20, 1)), allowed=allowed, where="network.py")


@pytest.mark.parametrize(
    ("name", "side", "channels", "classes", "parameters", "answering"),
    [
        ("lenet", 28, 1, 10, 431_080, 431_080),
        ("alexnet", 256, 3, 1000, 60_965_224, 60_965_224),
        ("googlenet", 256, 3, 1000, 13_378_280, 6_998_552),  # with the two heads of training, and without
    ],
)
def test_a_standard_network_has_the_published_number_of_parameters(
    name: str, side: int, channels: int, classes: int, parameters: int, answering: int
) -> None:
    text = standard_text(name)

    found = describe({"text": text, "channels": channels, "height": side, "width": side, "num_classes": classes})

    assert found["parameters"] == parameters
    crop = {"lenet": 28, "alexnet": 227, "googlenet": 224}[name]
    made = define(text, lambda _: Params(classes, (crop, crop, channels)), allowed=False)
    assert made.answering.count_params() == answering


def test_the_table_of_lenet_has_its_windows_and_receptive_fields() -> None:
    text = standard_text("lenet")

    found = describe({"text": text, "channels": 1, "height": 28, "width": 28, "num_classes": 10})

    rows = {row["name"]: row for row in found["layers"]}
    assert [tuple(rows[name]["receptive_field"]) for name in ("conv1", "pool1", "conv2", "pool2")] == [
        (5, 5), (6, 6), (14, 14), (16, 16),
    ]  # fmt: skip
    assert rows["pool2"]["output_shapes"][0] == (1, 4, 4, 50)
    assert found["multiply_adds"] == 24 * 24 * 20 * 25 + 8 * 8 * 50 * 500 + 800 * 500 + 500 * 10
    assert "<svg" in found["graph_svg"]


@pytest.mark.parametrize(
    ("body", "where", "words"),
    [
        ("        return layers.Dense(3)(layers.Flattn()(self.x))\n", "network.py:10", "Flattn"),
        ("        return layers.Dense(7)(layers.Flatten()(self.x))\n", "network.py", "N x 3"),
        ("        return 1 / 0\n", "network.py:10", "ZeroDivisionError"),
        ("        return 'scores'\n", "network.py", "str"),
    ],
)
def test_a_mistake_is_told_at_its_line(body: str, where: str, words: str) -> None:
    with pytest.raises(NetworkError, match=words) as raised:
        defined(HEAD + body)
    assert raised.value.where == where


def test_a_text_of_a_user_does_not_run_where_code_may_not() -> None:
    with pytest.raises(NetworkError, match="do not run on this server"):
        defined(HEAD + "        raise SystemExit\n", allowed=False)


def test_a_function_that_returns_a_keras_model_is_a_network_too() -> None:
    made = defined(
        "import keras\n"
        "def build_model(params):\n"
        "    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(params.nclasses)])\n"
    )

    assert made.answering.output_shape == (None, 3)
    assert set(made.training.output) == {"accuracy", "loss", "losses", "scores"}
