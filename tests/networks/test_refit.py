"""A classifier made ready for other classes, its text otherwise as it was."""

from __future__ import annotations

import difflib

import pytest

from digits.caffeproto.text import parse_net
from digits.networks.caffe.refit import refit
from digits.networks.standard import standard_text

HIDDEN = """
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1" inner_product_param { num_output: 10 } }  # as many by chance
layer { name: "relu" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2" param { name: "w" } inner_product_param { num_output: 10 bias_term: false } }
layer { name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }
"""


def changed(old: str, new: str) -> list[str]:
    return [line[2:].strip() for line in difflib.ndiff(old.splitlines(), new.splitlines()) if line.startswith("+ ")]


@pytest.mark.parametrize(
    ("name", "heads"),
    [
        ("lenet", ["ip2"]),
        ("alexnet", ["fc8"]),
        ("googlenet", ["loss1/classifier", "loss2/classifier", "loss3/classifier"]),
    ],
)
def test_every_head_of_a_network_gets_a_new_name_and_nothing_else_changes(name: str, heads: list[str]) -> None:
    text = standard_text(name)

    lines = changed(text, refit(text, num_classes=10, rename=True))

    assert [line.partition("#")[0].strip() for line in lines] == [f'name: "{head}_retrain"' for head in heads]


def test_an_inner_layer_of_as_many_outputs_keeps_its_name_and_a_written_number_of_classes_goes() -> None:
    (line,) = changed(HIDDEN, refit(HIDDEN, num_classes=10, rename=True))

    assert line.startswith('layer { name: "ip2_retrain"')
    assert "num_output" not in line
    assert "bias_term: false" in line


def test_without_weights_no_name_changes_and_the_number_of_classes_still_goes() -> None:
    net = parse_net(refit(HIDDEN, num_classes=10, rename=False), where="").message

    assert [layer.name for layer in net.layer] == ["ip1", "relu", "ip2", "prob"]
    assert not net.layer[2].inner_product_param.HasField("num_output")


def test_a_head_with_another_number_of_outputs_than_classes_is_left_alone() -> None:
    assert refit(HIDDEN, num_classes=3, rename=True) == HIDDEN


def test_layers_that_share_a_line_lose_their_comments_and_keep_their_meaning() -> None:
    text = HIDDEN.replace(" }\nlayer", " } layer").replace("  # as many by chance\nlayer", " layer")

    net = parse_net(refit(text, num_classes=10, rename=True), where="").message

    assert [layer.name for layer in net.layer] == ["ip1", "relu", "ip2_retrain", "prob"]
    assert net.layer[0].inner_product_param.num_output == 10
