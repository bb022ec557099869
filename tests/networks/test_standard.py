"""The standard networks, against what their papers and DIGITS say."""

from __future__ import annotations

import subprocess
import sys

import pytest

from digits.core.errors import NotFoundError
from digits.networks.standard import Card, standard_networks, standard_text
from tests.networks.standard_nets import built, conv, definition, linear

# (layer, channels, height and width) worked out by hand from the papers' tables
LENET = [("conv1", 20, 24), ("pool1", 20, 12), ("conv2", 50, 8), ("pool2", 50, 4)]
ALEXNET = [
    ("conv1", 96, 55), ("pool1", 96, 27), ("conv2", 256, 27), ("pool2", 256, 13),
    ("conv3", 384, 13), ("conv4", 384, 13), ("conv5", 256, 13), ("pool5", 256, 6),
]  # fmt: skip
GOOGLENET = [
    ("conv1/7x7_s2", 64, 112), ("pool1/3x3_s2", 64, 56), ("conv2/3x3", 192, 56), ("pool2/3x3_s2", 192, 28),
    ("inception_3a/output", 256, 28), ("inception_3b/output", 480, 28), ("pool3/3x3_s2", 480, 14),
    ("inception_4a/output", 512, 14), ("inception_4b/output", 512, 14), ("inception_4c/output", 512, 14),
    ("inception_4d/output", 528, 14), ("inception_4e/output", 832, 14), ("pool4/3x3_s2", 832, 7),
    ("inception_5a/output", 832, 7), ("inception_5b/output", 1024, 7), ("pool5/7x7_s1", 1024, 1),
    ("loss1/ave_pool", 512, 4), ("loss2/ave_pool", 528, 4),
]  # fmt: skip


def inception(inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int) -> int:
    return (
        conv(inputs, one, 1) + conv(inputs, reduce3, 1) + conv(reduce3, three, 3)
        + conv(inputs, reduce5, 1) + conv(reduce5, five, 5) + conv(inputs, pool, 1)
    )  # fmt: skip


def alexnet_parameters(classes: int) -> int:
    return (
        conv(3, 96, 11) + conv(96, 256, 5, 2) + conv(256, 384, 3) + conv(384, 384, 3, 2) + conv(384, 256, 3, 2)
        + linear(256 * 6 * 6, 4096) + linear(4096, 4096) + linear(4096, classes)
    )  # fmt: skip


def googlenet_parameters(classes: int) -> int:
    modules = [
        (192, 64, 96, 128, 16, 32, 32), (256, 128, 128, 192, 32, 96, 64), (480, 192, 96, 208, 16, 48, 64),
        (512, 160, 112, 224, 24, 64, 64), (512, 128, 128, 256, 24, 64, 64), (512, 112, 144, 288, 32, 64, 64),
        (528, 256, 160, 320, 32, 128, 128), (832, 256, 160, 320, 32, 128, 128), (832, 384, 192, 384, 48, 128, 128),
    ]  # fmt: skip
    side = sum(conv(inputs, 128, 1) + linear(128 * 4 * 4, 1024) + linear(1024, classes) for inputs in (512, 528))
    main = conv(3, 64, 7) + conv(64, 64, 1) + conv(64, 192, 3) + sum(inception(*module) for module in modules)
    return main + linear(1024, classes) + side


def test_the_three_of_digits_are_offered_first_and_in_its_order() -> None:
    names = list(standard_networks())

    assert names[:3] == ["lenet", "alexnet", "googlenet"]
    assert list(standard_networks("segmentation")) == ["fcn_alexnet", "fcn32s", "fcn16s", "fcn8s"]
    assert set(standard_networks("detection")) == {"detectnet"}
    assert len(standard_networks("classification")) == len(names) - 5 == 12


@pytest.mark.parametrize("card", standard_networks().values(), ids=lambda card: card.name)
def test_every_card_tells_source_size_and_licence(card: Card) -> None:
    assert card.title
    assert card.paper_title
    assert card.authors
    assert card.url.startswith("https://")
    assert 1980 < card.year < 2100
    assert card.licence == "BSD-3-Clause"
    assert card.weights
    assert card.counted
    if card.kind == "classification":
        made = definition(card.name)
        assert made.crop_size == card.crop_size
        assert not made.warnings


@pytest.mark.parametrize("name", ["lenet", "squeezenet", pytest.param("all", marks=pytest.mark.slow)])
def test_every_standard_network_builds_in_all_states(name: str) -> None:
    for card in standard_networks().values() if name == "all" else [standard_networks()[name]]:
        train, val, deploy = (built(card.name, state) for state in ("train", "val", "deploy"))

        assert train.losses
        assert val.losses == train.losses
        assert deploy.outputs == (
            {"classification": "softmax", "segmentation": "score", "detection": "bbox-list"}[card.kind],
        )


@pytest.mark.parametrize(("name", "shapes"), [("lenet", LENET), ("alexnet", ALEXNET), ("googlenet", GOOGLENET)])
def test_shapes_are_the_papers(name: str, shapes: list[tuple[str, int, int]]) -> None:
    found = {layer.name: layer.output_shapes[0] for layer in built(name).layers}

    assert {layer: found[layer] for layer, _, _ in shapes} == {
        layer: (2, channels, side, side) for layer, channels, side in shapes
    }


def test_lenet_learns_431080_values_on_mnist() -> None:
    assert (
        built("lenet").num_parameters
        == 431_080
        == conv(1, 20, 5) + conv(20, 50, 5) + linear(800, 500) + linear(500, 10)
    )


@pytest.mark.parametrize("classes", [10, 1000])
def test_alexnet_and_googlenet_learn_as_many_values_as_worked_out_by_hand(classes: int) -> None:
    assert built("alexnet", classes=classes).num_parameters == alexnet_parameters(classes)
    assert built("caffenet", classes=classes).num_parameters == alexnet_parameters(classes)
    assert built("googlenet", classes=classes).num_parameters == googlenet_parameters(classes)


def test_batches_are_those_of_digits() -> None:
    sizes = {
        name: (d.batch_size_train, d.batch_size_val)
        for name in ("lenet", "alexnet", "googlenet")
        for d in [definition(name)]
    }

    assert sizes["lenet"] == (64, 32)
    assert sizes["alexnet"] == (128, 32)
    assert sizes["googlenet"] == (32, 16)


def test_googlenet_has_three_losses_and_two_accuracies_at_each() -> None:
    made = definition("googlenet")
    assert made.val is not None

    losses = built("googlenet").losses
    accuracies = [layer.accuracy_param.top_k for layer in made.val.layer if layer.type == "Accuracy"]

    assert losses == {"loss1/loss": pytest.approx(0.3), "loss2/loss": pytest.approx(0.3), "loss3/loss": 1}
    assert sorted(accuracies) == [1, 1, 1, 5, 5, 5]
    assert not any("loss1" in layer.name for layer in made.deploy.layer)


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(NotFoundError, match="lenet, alexnet, googlenet"):
        standard_text("../lenet")


def test_reading_and_preparing_a_network_loads_no_torch() -> None:
    code = (
        "import sys; from digits.networks.caffe.definition import prepare; from digits.networks.standard import standard_text; "
        "import digits.networks.caffe.solver_text; import digits.extensions.frameworks.caffe.check; "
        "prepare(standard_text('lenet'), where='', num_classes=10, channels=1, height=28, width=28); "
        "sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
