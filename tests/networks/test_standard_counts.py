"""How much the standard networks learn: as published, as worked out by hand from the papers' tables, and as forms say it without torch."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest

from digits.core.errors import NetworkError
from digits.networks.standard import Card, standard_networks
from digits.networks.standard.fitting import fit, least_side
from tests.networks.standard_nets import built, conv, conv_norm, linear

# What other people's implementations of the same tables hold with 1000 classes (torchvision's and Keras' documentation).
PUBLISHED = {
    "vgg16": 138_357_544, "resnet18": 11_689_512, "resnet50": 25_557_032, "inceptionv3": 27_161_264 - 3_326_696,
    "squeezenet": 1_248_424, "squeezenet_v1_1": 1_235_496, "mobilenetv2": 3_504_872, "alexnet": 60_965_224,
    "caffenet": 60_965_224, "mobilenet": 4_231_976, "googlenet": 13_378_280, "lenet": 431_080,
}  # fmt: skip
CLASSIFIERS = list(standard_networks("classification").values())


def vgg_features() -> int:
    channels = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
    return sum(conv(inputs, outputs, 3) for inputs, outputs in pairwise(channels))


def alexnet_features() -> int:
    return conv(3, 96, 11) + conv(96, 256, 5, 2) + conv(256, 384, 3) + conv(384, 384, 3, 2) + conv(384, 256, 3, 2)


def test_the_side_classifier_of_inception_v3_would_add_what_its_published_number_has_more() -> None:
    assert conv_norm(768, 128, 1) + conv_norm(128, 768, 5) + linear(768, 1000) == 3_326_696


@pytest.mark.parametrize("card", standard_networks().values(), ids=lambda card: card.name)
def test_a_network_learns_as_many_values_as_its_card_says(card: Card) -> None:
    net = built(card.name, classes=card.num_classes)

    assert net.num_parameters == card.parameters == PUBLISHED.get(card.name, card.parameters)


def test_the_fully_convolutional_ones_are_as_large_as_their_tables_say() -> None:
    heads = conv(4096, 4096, 1) + conv(4096, 21, 1)
    small, large = (standard_networks()[name].parameters for name in ("fcn_alexnet", "fcn8s"))

    assert small == alexnet_features() + conv(256, 4096, 6) + heads + 21 * 63**2
    skips = conv(512, 21, 1) + conv(256, 21, 1) + 21 * (4**2 + 4**2 + 16**2)
    assert large == vgg_features() + conv(512, 4096, 7) + heads + skips
    assert standard_networks()["fcn32s"].parameters == vgg_features() + conv(512, 4096, 7) + heads + 21 * 64**2
    one_skip = conv(512, 21, 1) + 21 * (4**2 + 32**2)
    assert standard_networks()["fcn16s"].parameters == vgg_features() + conv(512, 4096, 7) + heads + one_skip
    assert (round(small / 1e6), round(large / 1e6)) == (57, 134)


def test_detectnet_is_googlenet_without_its_classifiers_and_with_five_answers_a_cell() -> None:
    side = sum(conv(inputs, 128, 1) + linear(128 * 4 * 4, 1024) + linear(1024, 1000) for inputs in (512, 528))
    googlenet = standard_networks()["googlenet"].parameters - side - linear(1024, 1000)

    assert standard_networks()["detectnet"].parameters == googlenet + conv(1024, 1 + 4, 1)


@pytest.mark.parametrize("name", ["lenet", "alexnet", "squeezenet", pytest.param("all", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("classes", "channels", "size"), [(3, 1, (256, 300)), (1000, 3, (40, 40)), (2, 3, (28, 28))])
def test_the_number_for_other_pictures_and_classes_is_that_of_the_built_network(
    name: str, classes: int, channels: int, size: tuple[int, int]
) -> None:
    for each in [card.name for card in CLASSIFIERS] if name == "all" else [name]:
        try:
            expected = built(each, classes=classes, channels=channels, size=size).num_parameters
        except NetworkError:
            expected = None

        found = fit(each, num_classes=classes, channels=channels, height=size[0], width=size[1])

        assert found.parameters == expected


@pytest.mark.parametrize("name", ["lenet", "alexnet", pytest.param("all", marks=pytest.mark.slow)])
def test_a_picture_below_the_least_side_is_refused_and_one_of_it_is_taken(name: str) -> None:
    for each in [card.name for card in CLASSIFIERS] if name == "all" else [name]:
        side = least_side(each)

        assert built(each, size=(side, side)).num_parameters
        if side > 1:
            with pytest.raises(NetworkError):
                built(each, size=(side - 1, side - 1))


def test_a_crop_of_the_form_wins_over_the_networks_own() -> None:
    whole, cropped = (
        fit("alexnet", num_classes=10, channels=3, height=256, width=256, crop_size=crop).parameters
        for crop in (None, 195)
    )

    assert whole == alexnet_features() + linear(256 * 6 * 6, 4096) + linear(4096, 4096) + linear(4096, 10)
    assert cropped == whole - 256 * (6 * 6 - 5 * 5) * 4096


def test_working_it_out_loads_no_torch() -> None:
    code = (
        "import sys; from digits.networks.standard.fitting import fit; "
        "fit('lenet', num_classes=10, channels=1, height=28, width=28); sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
