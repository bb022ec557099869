"""Copying weights by the names of layers: Caffe's rule, its words, and the table."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from digits.caffeproto.text import parse_net
from digits.core.errors import WeightsError
from digits.networks.caffe.build import build
from digits.networks.caffe.copying import copy_by_name
from tests.networks.nets import make

TEXT = """
layer { name: "conv1" type: "Convolution" bottom: "x" top: "conv1" convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "ip" type: "InnerProduct" bottom: "conv1" top: "ip" inner_product_param { num_output: 5 } }
layer { name: "new" type: "InnerProduct" bottom: "ip" top: "new" inner_product_param { num_output: 2 bias_term: false } }
"""
CONV1 = {"conv1:0": np.full((2, 3, 1, 1), 0.5, np.float32), "conv1:1": np.ones(2, np.float32)}
IP = {"ip:0": np.full((5, 8), 2.0, np.float32), "ip:1": np.arange(5, dtype=np.float32)}


def test_layers_are_copied_by_name_from_several_files_and_the_table_says_what_became_of_each() -> None:
    net = make(TEXT, x=(1, 3, 2, 2))

    rows = copy_by_name(net, [("a", {**CONV1, "fc8:0": np.ones((3, 3))}), ("b", {**IP, "conv1:0": CONV1["conv1:0"] * 3, "conv1:1": CONV1["conv1:1"]})])  # fmt: skip

    assert [(row.layer, row.outcome, row.source) for row in rows] == [
        ("conv1", "copied", "b"), ("ip", "copied", "b"), ("new", "new", ""), ("fc8", "ignored", "a"),
    ]  # fmt: skip
    assert net.state()["conv1:0"].mean() == 1.5
    assert net.state()["ip:1"].tolist() == [0, 1, 2, 3, 4]
    assert net.state()["new:0"].any() == np.False_


def test_another_shape_is_refused_in_caffes_words_and_nothing_of_that_layer_is_taken() -> None:
    net = make(TEXT, x=(1, 3, 2, 2))
    wrong = {"ip:0": np.ones((3, 4), np.float32), "ip:1": np.ones(3, np.float32)}

    with pytest.raises(WeightsError) as caught:
        copy_by_name(net, [("old.caffemodel", wrong)])

    assert str(caught.value) == (
        "old.caffemodel: Cannot copy param 0 weights from layer 'ip'; shape mismatch.  Source param shape is 3 4 (12); target "
        "param shape is 5 8 (40). To learn this layer's parameters from scratch rather than copying from a saved net, rename the "
        "layer."
    )
    assert not net.state()["ip:1"].any()


def test_a_form_keeps_what_does_not_fit_and_says_so() -> None:
    net = make(TEXT, x=(1, 3, 2, 2))

    rows = copy_by_name(net, [("old", {**CONV1, "ip:0": np.ones((3, 4)), "ip:1": np.ones(3)})], unfit="keep")

    assert [row.outcome for row in rows] == ["copied", "unfit", "new"]
    assert "Source param shape is 3 4 (12)" in rows[1].words


def test_a_layer_of_both_must_have_as_many_blobs() -> None:
    net = make(TEXT, x=(1, 3, 2, 2))

    with pytest.raises(WeightsError, match="Layer 'ip' has 2 parameter blobs, and 1 in the weights"):
        copy_by_name(net, [("f", {"ip:0": IP["ip:0"]})])


def test_four_numbers_of_an_old_file_fit_where_ones_were_put_before() -> None:
    net = make(TEXT, x=(1, 3, 2, 2))
    old = {"ip:0": IP["ip:0"].reshape(1, 1, 5, 8), "ip:1": IP["ip:1"].reshape(1, 1, 1, 5)}

    copy_by_name(net, [("v1", old)])

    assert np.array_equal(net.state()["ip:0"], IP["ip:0"])


def test_weights_of_a_fully_connected_layer_fit_the_convolution_it_becomes_also_under_its_new_name() -> None:
    text = """
        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 3 dim: 4 } } }
        layer { name: "%s" type: "Convolution" bottom: "data" top: "y"
                convolution_param { num_output: 5 kernel_h: 3 kernel_w: 4 } }"""
    weights = {"fc6:0": np.arange(5 * 24, dtype=np.float32).reshape(5, 24), "fc6:1": np.ones(5, np.float32)}
    picture = torch.rand(1, 2, 3, 4)

    for name in ("fc6", "conv6"):
        net = build(parse_net(text % name, where="").message, {}, phase="TEST", where="")
        (row,) = copy_by_name(net, [("old", weights)])

        expected = torch.from_numpy(weights["fc6:0"]) @ picture.flatten() + 1
        torch.testing.assert_close(net(data=picture)["y"].flatten(), expected)
        assert "a fully connected layer's weights as a convolution's" in row.line
        assert ("of 'fc6'" in row.line) == (name == "conv6")


def test_weights_of_as_many_values_and_other_outputs_are_no_convolution_of_a_layer() -> None:
    text = """
        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 3 dim: 4 } } }
        layer { name: "fc6" type: "Convolution" bottom: "data" top: "y" convolution_param { num_output: 5 kernel_size: 2 } }"""
    net = build(parse_net(text, where="").message, {}, phase="TEST", where="")
    weights = {"fc6:0": np.ones((10, 4), np.float32), "fc6:1": np.ones(5, np.float32)}

    (row,) = copy_by_name(net, [("old", weights)], unfit="keep")

    assert row.outcome == "unfit"
