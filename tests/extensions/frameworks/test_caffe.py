"""The framework as the form sees it: what is refused before any job exists."""

from __future__ import annotations

from typing import Any

import pytest

from digits.core.extensions import extension, load
from digits.core.trainspec import TrainSpec
from digits.extensions.frameworks.caffe.check import check
from digits.networks.standard import standard_text

FACTS = {"labels": list("0123456789"), "image": {"width": 28, "height": 28, "channels": 1}}


def problems(facts: dict[str, Any] = FACTS, **changes: Any) -> dict[str, list[str]]:
    asked = {"dataset": "d", "name": "n", "network": {"method": "standard", "name": "lenet"}} | changes
    return check(TrainSpec.model_validate(asked), facts)


def custom(text: str, **changes: Any) -> dict[str, list[str]]:
    return problems(network={"method": "custom", "text": text}, **changes)


def test_the_installed_framework_names_things_that_exist() -> None:
    framework = extension("frameworks", "caffe")

    assert framework.title == "Caffe"
    assert load(framework.check) is check
    assert load(framework.standard)("lenet") == standard_text("lenet")
    for reference in (framework.describe, framework.trainer, framework.predictor):
        assert callable(load(reference))


@pytest.mark.parametrize("name", ["lenet", "alexnet", "googlenet"])
def test_a_standard_network_is_welcome_for_any_picture(name: str) -> None:
    assert problems(network={"method": "standard", "name": name}) == {}
    assert problems(facts={}, network={"method": "standard", "name": name}) == {}
    assert custom(standard_text(name)) == {}


def test_an_unknown_standard_network_is_answered_with_those_there_are() -> None:
    found = problems(network={"method": "standard", "name": "lenett"})

    assert found["network.name"][0].startswith("No standard network 'lenett'.")
    assert "lenet, alexnet, googlenet" in found["network.name"][0]


def test_text_that_is_no_network_is_refused_in_digits_words_with_its_line() -> None:
    text = standard_text("lenet").replace("data_param", "data_params", 1)

    assert custom(text) == {
        "network.text": [
            "Bad network: Not a valid NetParameter: line 9, column 3: LayerParameter has no field 'data_params'. "
            "Did you mean 'data_param'?"
        ]
    }
    assert custom("hello")["network.text"][0].startswith("Bad network: Not a valid NetParameter: line 1, column 1: ")


def test_what_breaks_a_rule_is_refused_with_its_line() -> None:
    text = standard_text("lenet").replace('bottom: "pool1"', 'bottom: "pol1"')

    assert custom(text) == {
        "network.text": [
            "Bad network: line 52: Layer 'conv2' references bottom 'pol1', which no layer makes. Did you mean 'pool1'?"
        ]
    }


def test_an_unknown_layer_type_is_left_to_the_job() -> None:
    assert custom(standard_text("lenet").replace('"Pooling"', '"Polling"')) == {}


def test_a_crop_larger_than_the_picture_is_refused_at_its_field() -> None:
    assert problems(crop_size=29) == {"crop_size": ["Crop size 29 is larger than the pictures of 28 x 28."]}
    assert problems(crop_size=28) == {}
    assert problems(facts={}, crop_size=999) == {}
    assert set(custom("hello", crop_size=29)) == {"crop_size", "network.text"}
