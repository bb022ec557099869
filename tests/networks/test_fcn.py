"""A classifier made fully convolutional: the tutorial's table, equal scores, an answer for each pixel at its place."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import torch

from digits.caffeproto.files import read_weights_file
from digits.caffeproto.filter import filter_net
from digits.caffeproto.text import parse_net
from digits.core.errors import NetworkError
from digits.networks.caffe.build import build
from digits.networks.caffe.copying import copy_by_name
from digits.networks.caffe.definition import fill_classes, prepare
from digits.networks.fcn import caffe
from digits.networks.fcn import torch as fcn_torch
from digits.networks.fcn.convolved import convolve
from digits.networks.fcn.segmenter import Enlarge
from digits.networks.fcn.spans import AXES, places, sizes
from digits.networks.standard import standard_networks, standard_text
from digits.networks.torch.definition import define
from digits.networks.torch.net import TorchNet
from digits.networks.torch.params import Params
from tests.shared import needs_pretrained, shared


def converted(name: str, **more: Any) -> dict[str, Any]:
    card = standard_networks(suffix=None)[name]
    make = caffe.to_fcn if more.pop("framework", "caffe") == "caffe" else fcn_torch.to_fcn
    text = standard_text(name, "prototxt" if make is caffe.to_fcn else "py")
    sizes = {"channels": card.channels, "height": card.height, "width": card.width, "num_classes": card.num_classes}
    return make({"text": text, **sizes, **more})


def test_alexnet_has_the_table_of_the_tutorial() -> None:
    found = converted("alexnet", score_classes=12)

    rows = {row["layer"]: row for row in found["table"]}
    told = [
        ("conv1", 4, 100, 11, "1/4", "1/4"), ("pool1", 2, 0, 3, "1/2", "1/8"), ("conv2", 1, 2, 5, "1", "1/8"),
        ("pool2", 2, 0, 3, "1/2", "1/16"), ("conv3", 1, 1, 3, "1", "1/16"), ("conv4", 1, 1, 3, "1", "1/16"),
        ("conv5", 1, 1, 3, "1", "1/16"), ("pool5", 2, 0, 3, "1/2", "1/32"), ("conv6", 1, 0, 6, "1", "1/32"),
        ("conv7", 1, 0, 1, "1", "1/32"), ("upscore", 32, 0, 63, "32", "1"),
    ]  # fmt: skip
    keys = ("layer", "stride", "pad", "kernel", "factor", "cumulative")
    assert [tuple(rows[row[0]][key] for key in keys) for row in told] == told
    assert rows["upscore"]["output"][0] == 12
    assert found["factor"] == 32
    assert found["checked_max_difference"] <= 1e-5


@pytest.mark.parametrize(
    ("name", "skip"),
    [
        ("squeezenet", "8s"),
        *(pytest.param("alexnet", skip, marks=pytest.mark.slow) for skip in ("none", "16s", "8s")),
    ],
)
def test_pictures_of_any_size_are_answered_for_each_pixel_at_its_place(name: str, skip: str) -> None:
    text = converted(name, skip=skip)["network"]

    net = filter_net(parse_net(text, where="").message, phase="TEST", stages=["deploy"])
    layers = fill_classes(net.layer, 5)
    for axis in AXES:
        assert places(layers, axis, data="data")["softmax"] == (Fraction(1), Fraction(0))
        assert all((sizes(layers, axis, size, data="data") or {}).get("softmax") == size for size in range(64, 98))


def test_the_classifiers_weights_are_copied_into_what_became_of_its_layers() -> None:
    made = prepare(
        converted("alexnet", skip="8s")["network"], where="", num_classes=4, channels=3, height=64, width=80, use_mean="none",
        target_kind="mask",
    )  # fmt: skip
    old = prepare(
        standard_text("alexnet"), where="", num_classes=10, channels=3, height=227, width=227, use_mean="none"
    )
    net = build(made.train, {"data": (1, 3, 64, 80), "label": (1, 1, 64, 80)}, phase="TRAIN", where="", device="meta")
    weights = build(old.deploy, {}, phase="TEST", where="", device="meta")

    rows = copy_by_name(net, [("old", {name: torch.zeros(shape).numpy() for name, shape in weights.shapes().items()})])

    outcomes = {row.layer: row.outcome for row in rows}
    assert {name for name, outcome in outcomes.items() if outcome == "copied"} == {
        f"conv{number}" for number in range(1, 8)
    }
    assert outcomes["fc8"] == "ignored"


@needs_pretrained
def test_published_squeezenet_says_the_same_as_a_fully_convolutional_network() -> None:
    folder = shared("data", "pretrained")
    text = (folder / "squeezenet_v1.0_deploy.prototxt").read_text()
    weights = folder / "squeezenet_v1.0.caffemodel"

    found = caffe.to_fcn(
        {"text": text, "channels": 3, "height": 1, "width": 1, "num_classes": 1000, "weights": str(weights)}
    )

    assert read_weights_file(weights)
    assert found["checked_max_difference"] <= 1e-5
    assert found["averaged"] == ["pool_final"]


@needs_pretrained
@pytest.mark.slow
def test_published_efficientnet_says_the_same_and_keeps_the_names_of_its_layers() -> None:
    card = standard_networks(suffix="py")["efficientnet_lite0"]
    path = card.pretrained.path() if card.pretrained else None
    assert path is not None

    found = converted("efficientnet_lite0", framework="torch", skip="8s", weights=str(path))

    assert found["checked_max_difference"] <= 1e-5
    params = Params(5, (3, 60, 90))
    net = TorchNet(define(found["network"], params, allowed=True), "class", "TEST")
    old = TorchNet(define(standard_text(card.name, "py"), Params(1000, (3, 224, 224)), allowed=False), "class", "TEST")
    new = {row.layer for row in copy_by_name(net, [("old", old.state())]) if row.outcome == "new"}
    assert new == {"score", "score16", "score8", "upscore16", "upscore8", "upscore"}
    assert net.module(torch.rand(1, 3, 60, 90)).shape == (1, 5, 60, 90)


def test_scores_are_enlarged_bilinearly_as_torch_does_it_but_for_the_half_pixel_that_no_kernel_of_odd_size_has() -> (
    None
):
    ramp = torch.arange(6.0).expand(1, 2, 6, 6)

    found = Enlarge(2, 4)(ramp, torch.empty(1, 3, 24, 24))

    steps = found[0, 0, 12].diff()
    assert found.shape == (1, 2, 24, 24)
    assert torch.allclose(steps[3:-4], torch.full_like(steps[3:-4], 0.25))
    assert torch.equal(Enlarge(2, 4)(torch.ones(1, 2, 3, 3), torch.empty(1, 1, 11, 10)), torch.ones(1, 2, 11, 10))


def test_a_network_that_is_not_deep_enough_for_a_skip_and_one_of_code_that_looks_at_values_are_refused() -> None:
    with pytest.raises(NetworkError, match="4 times smaller"):
        converted("lenet", skip="8s")
    text = "from torch import nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.c = nn.Conv2d(3, 2, 1)\n"
    text += "    def forward(self, x):\n        return self.c(x).mean((2, 3)) if x.sum() > 0 else x\n\ndef build_model(params):\n    return Net()\n"

    with pytest.raises(NetworkError, match="cannot be told"):
        fcn_torch.to_fcn({"text": text, "channels": 3, "height": 8, "width": 8, "num_classes": 2, "runs": True})


def test_a_wrong_surgery_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = convolve

    def without_relu(*args: Any) -> Any:
        made = whole(*args)
        made.layers[:] = [layer for layer in made.layers if layer.name != "relu1"]
        return made

    monkeypatch.setattr("digits.networks.fcn.caffe.convolve", without_relu)

    assert converted("lenet")["checked_max_difference"] > 1e-3
