"""Which layers belong to a state."""

from __future__ import annotations

import json

import pytest

from digits.caffeproto import caffe_pb2
from digits.caffeproto.filter import filter_net
from digits.caffeproto.text import layer_line, parse_net
from digits.core.errors import NetworkError
from tests.shared import needs_shared, shared


def names(text: str, phase: str, *stages: str, level: int = 0) -> list[str]:
    net = parse_net(text, where="net.prototxt").message
    kept = filter_net(net, phase=phase, stages=stages, level=level, where="net.prototxt")
    return [layer.name for layer in kept.layer]


ALL_IN_ONE = """
layer { name: "train-data" include { stage: "train" } }
layer { name: "val-data" include { stage: "val" } }
layer { name: "conv" }
layer { name: "loss" exclude { stage: "deploy" } }
layer { name: "softmax" include { stage: "deploy" } }
"""


def test_the_stages_of_digits_pick_their_layers() -> None:
    assert names(ALL_IN_ONE, "TRAIN", "train") == ["train-data", "conv", "loss"]
    assert names(ALL_IN_ONE, "TEST", "val") == ["val-data", "conv", "loss"]
    assert names(ALL_IN_ONE, "TEST", "deploy") == ["conv", "softmax"]


def test_a_rule_wants_all_its_stages_and_one_rule_is_enough() -> None:
    text = 'layer { name: "a" include { stage: "x" stage: "y" } include { phase: TEST not_stage: "z" } }'

    assert names(text, "TRAIN", "x") == []
    assert names(text, "TRAIN", "x", "y") == ["a"]
    assert names(text, "TEST") == ["a"]
    assert names(text, "TEST", "z") == []


def test_levels_bound_a_layer_on_both_sides() -> None:
    text = 'layer { name: "a" include { min_level: 1 max_level: 2 } }'

    assert [names(text, "TEST", level=level) for level in (0, 1, 2, 3)] == [[], ["a"], ["a"], []]


def test_include_and_exclude_on_one_layer_are_refused_with_its_line() -> None:
    text = 'layer { name: "ok" }\nlayer {\n  name: "a"\n  include { phase: TEST }\n  exclude { stage: "x" }\n}'

    with pytest.raises(NetworkError) as caught:
        names(text, "TEST")

    assert caught.value.where == "net.prototxt:5"
    assert "not both" in caught.value.message


def test_the_filtered_net_knows_its_state_and_its_layers_their_lines() -> None:
    net = filter_net(parse_net(ALL_IN_ONE, where="").message, phase="TEST", stages=["deploy"])

    assert (net.state.phase, list(net.state.stage)) == (caffe_pb2.TEST, ["deploy"])
    assert [layer_line(layer) for layer in net.layer] == [4, 6]


@needs_shared
def test_real_caffe_keeps_the_same_layers_in_nine_states() -> None:
    text = shared("oracle", "phase_stage", "net.prototxt").read_text()

    for case in json.loads(shared("oracle", "phase_stage", "expected.json").read_text()):
        assert names(text, case["phase"], *case["stages"], level=case["level"]) == case["layers"], case
