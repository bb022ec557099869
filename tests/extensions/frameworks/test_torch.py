"""What Torch's extension says before any job exists."""

from __future__ import annotations

import pytest

from digits.core.extensions import FrameworkExtension, extension, load
from digits.core.trainspec import CustomNetwork, StandardNetwork, TrainSpec
from digits.networks.torch.text import standard_text

FACTS = {"image": {"height": 28, "width": 28, "channels": 1}, "labels": ["a", "b"], "target_kind": "class"}


@pytest.fixture
def framework() -> FrameworkExtension:
    found: FrameworkExtension = extension("frameworks", "torch")
    return found


def problems(
    framework: FrameworkExtension, network: StandardNetwork | CustomNetwork, crop_size: int | None = None
) -> dict[str, list[str]]:
    spec = TrainSpec(dataset="d", name="n", framework="torch", network=network, crop_size=crop_size)
    found: dict[str, list[str]] = load(framework.check)(spec, FACTS)
    return found


def test_everything_that_it_names_is_there(framework: FrameworkExtension) -> None:
    names = [
        framework.check,
        framework.describe,
        framework.trainer,
        framework.predictor,
        framework.standard,
        framework.refit,
    ]
    names += [framework.rename, framework.copies, framework.snapshot, framework.is_own, *framework.exports.values()]

    assert all(callable(load(name)) for name in names)
    assert load(framework.standard)("lenet") == standard_text("lenet")


def test_good_networks_have_no_problems(framework: FrameworkExtension) -> None:
    assert problems(framework, StandardNetwork(name="resnet18")) == {}
    assert problems(framework, CustomNetwork(text=standard_text("lenet"))) == {}


def test_a_network_that_there_is_for_caffe_alone_is_named(framework: FrameworkExtension) -> None:
    assert "fcn8s" in problems(framework, StandardNetwork(name="fcn8s"))["network.name"][0]


def test_a_text_is_read_and_never_run(framework: FrameworkExtension) -> None:
    text = "raise SystemExit('it ran')\ndef build_model(params):\n    return (\n"

    (problem,) = problems(framework, CustomNetwork(text=text))["network.text"]

    assert problem.startswith("Bad network: ")
    assert "line 3" in problem


def test_a_crop_larger_than_the_pictures_is_refused(framework: FrameworkExtension) -> None:
    assert (
        "larger than the pictures of 28 x 28"
        in problems(framework, StandardNetwork(name="lenet"), crop_size=29)["crop_size"][0]
    )
