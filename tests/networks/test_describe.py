"""The table of layers and the graph that people see before they train."""

from __future__ import annotations

import subprocess
import sys
from typing import Any
from xml.etree import ElementTree

import pytest

from digits.caffeproto.text import parse_net
from digits.core.errors import NetworkError, UnknownLayerError
from digits.networks.caffe.build import build
from digits.networks.caffe.describe import describe
from digits.networks.caffe.graph_svg import Box, draw
from digits.networks.standard import standard_text

ALEXNET = ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5")
SVG = "{http://www.w3.org/2000/svg}"


def described(**changes: Any) -> dict[str, Any]:
    return describe({"standard": "lenet", "channels": 1, "height": 28, "width": 28, "num_classes": 10} | changes)


def row(found: dict[str, Any], name: str) -> dict[str, Any]:
    layer: dict[str, Any] = next(layer for layer in found["layers"] if layer["name"] == name)
    return layer


def test_lenet_is_told_with_shapes_parameters_and_receptive_fields() -> None:
    found = described()

    assert found["parameters"] == 431_080
    assert found["multiply_adds"] == 20 * 24**2 * 25 + 50 * 8**2 * 20 * 25 + 800 * 500 + 500 * 10
    conv2 = row(found, "conv2")
    assert conv2["output_shapes"] == ((64, 50, 8, 8),)
    assert (conv2["receptive_field"], conv2["cumulative_stride"]) == ((14, 14), (2, 2))
    assert (conv2["num_parameters"], conv2["line"]) == (25_050, 49)
    assert row(found, "accuracy")["states"] == ["val"]
    assert row(found, "softmax")["states"] == ["deploy"]
    assert row(found, "conv1")["states"] == ["train", "val", "deploy"]


def test_the_tutorials_table_of_alexnet_comes_out() -> None:
    found = described(standard="alexnet", channels=3, height=256, width=256)

    strides = {
        name: row(found, name)["cumulative_stride"][0]
        for name in ("conv1", "pool1", "conv2", "pool2", "conv5", "pool5")
    }
    assert strides == {"conv1": 4, "pool1": 8, "conv2": 8, "pool2": 16, "conv5": 16, "pool5": 32}
    assert row(found, "pool5")["receptive_field"] == (195, 195)


def test_alexnets_whole_table_is_as_worked_by_hand() -> None:
    found = described(standard="alexnet", channels=3, height=256, width=256)

    fields = [row(found, name)["receptive_field"] for name in ALEXNET]
    assert fields == [(side, side) for side in (11, 19, 51, 67, 99, 131, 163, 195)]
    assert [row(found, name)["cumulative_stride"][0] for name in ALEXNET] == [4, 8, 8, 16, 16, 16, 16, 32]
    adds = {name: row(found, name)["multiply_adds"] for name in ("conv1", "conv2", "conv4", "fc6", "fc8", "pool5")}
    assert adds == {
        "conv1": 55 * 55 * 96 * 11 * 11 * 3,
        "conv2": 27 * 27 * 256 * 5 * 5 * (96 // 2),  # two groups: a filter sees half of the channels
        "conv4": 13 * 13 * 384 * 3 * 3 * (384 // 2),
        "fc6": 6 * 6 * 256 * 4096,
        "fc8": 4096 * 10,
        "pool5": 0,
    }
    assert row(found, "conv2")["num_parameters"] == 256 * 48 * 25 + 256


def test_lenets_windows_are_those_of_its_text() -> None:
    found = described()

    table = {
        name: tuple(
            row(found, name)[key] for key in ("kernel", "stride", "pad", "receptive_field", "cumulative_stride")
        )
        for name in ("conv1", "pool1", "conv2", "pool2")
    }
    assert table == {
        "conv1": ((5, 5), (1, 1), (0, 0), (5, 5), (1, 1)),
        "pool1": ((2, 2), (2, 2), (0, 0), (6, 6), (2, 2)),
        "conv2": ((5, 5), (1, 1), (0, 0), (14, 14), (2, 2)),
        "pool2": ((2, 2), (2, 2), (0, 0), (16, 16), (4, 4)),
    }


DATA = 'layer { name: "data" type: "Input" top: "data" }'
FCN = """layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 96 kernel_size: 11 stride: 4 pad: 100 } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { pool: MAX kernel_size: 3 stride: 8 } }
layer { name: "conv6" type: "Convolution" bottom: "pool1" top: "conv6" convolution_param { num_output: 21 kernel_size: 1 } }
layer { name: "upscore" type: "Deconvolution" bottom: "conv6" top: "upscore"
  convolution_param { num_output: 21 group: 21 kernel_size: 63 stride: 32 bias_term: false } }
layer { name: "finer" type: "Deconvolution" bottom: "upscore" top: "finer"
  convolution_param { num_output: 2 kernel_h: 4 kernel_w: 2 stride_h: 2 stride_w: 1 } }"""


def test_what_a_deconvolution_enlarges_is_scaled_back_below_one_pixel() -> None:
    net = parse_net(DATA + FCN, where="").message

    rows = {
        info.name: info for info in build(net, {"data": (1, 3, 100, 100)}, phase="TEST", where="", device="meta").layers
    }

    scales = [rows[name].cumulative_stride for name in ("conv1", "pool1", "conv6", "upscore", "finer")]
    assert scales == [(4, 4), (32, 32), (32, 32), (1, 1), (0.5, 1)]  # the tutorial's factors: 1/4, 1/32, 1/32, 1, 2
    assert rows["conv6"].output_shapes == ((1, 21, 10, 10),)
    assert rows["upscore"].output_shapes == ((1, 21, 351, 351),)
    assert (
        rows["upscore"].multiply_adds == 10 * 10 * 21 * 63 * 63
    )  # each value of the input meets one filter of its channel
    assert rows["finer"].multiply_adds == 351 * 351 * 21 * 2 * 4 * 2
    assert (rows["upscore"].kernel, rows["upscore"].stride, rows["upscore"].pad) == ((63, 63), (32, 32), (0, 0))


def test_multiply_adds_of_a_fully_connected_layer_count_each_vector_it_is_used_on() -> None:
    text = 'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 7 axis: 2 } }'
    net = parse_net(DATA + text, where="").message

    (info,) = build(net, {"data": (4, 5, 6)}, phase="TEST", where="", device="meta").layers[-1:]

    assert (info.output_shapes, info.num_parameters, info.multiply_adds) == (((4, 5, 7),), 7 * 6 + 7, 5 * 6 * 7)


def test_the_batch_size_moves_the_bytes_and_not_the_rest() -> None:
    small, large = described(batch_size=1), described(batch_size=10)

    assert large["activations_bytes"] == 10 * small["activations_bytes"] - 9 * 4  # the loss is one number in both
    assert large["parameters"] == small["parameters"]


@pytest.mark.slow
def test_describing_a_large_network_takes_no_memory_for_it() -> None:
    text = standard_text("lenet").replace("num_output: 500", "num_output: 2000000")
    code = (
        "import resource, sys; from digits.networks.caffe.describe import describe; "
        "question = dict(channels=1, height=28, width=28, num_classes=10); describe(question | dict(standard='lenet')); "
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; "
        "found = describe(question | dict(text=sys.stdin.read())); assert found['parameters'] > 1_600_000_000, found['parameters']; "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )

    answer = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True)

    kilobytes = 1024 if sys.platform == "darwin" else 1
    assert int(answer.stdout) / kilobytes < 50_000


def test_an_unknown_type_is_told_with_its_line_and_the_nearest() -> None:
    with pytest.raises(UnknownLayerError) as caught:
        described(standard=None, text=standard_text("lenet").replace('"Pooling"', '"Polling"'))

    assert (caught.value.where, caught.value.hint) == ("line 44", "Did you mean 'Pooling'?")


def test_a_network_that_cannot_be_built_is_refused_with_its_line() -> None:
    with pytest.raises(NetworkError) as caught:
        described(height=8, width=8)

    assert caught.value.where == "line 58"
    assert "'conv2'" in caught.value.message
    assert "too small" in caught.value.hint
    with pytest.raises(NetworkError, match="no network"):
        described(standard=None, text="  ")


def boxes(svg: str) -> list[str]:
    """Return what stands in bold in each box."""
    root = ElementTree.fromstring(svg)
    return [text.text or "" for text in root.iter(f"{SVG}text") if text.get("font-weight")]


def test_the_graph_has_a_box_a_layer_and_names_what_happens_in_place_inside() -> None:
    svg = described()["graph_svg"]

    assert boxes(svg) == [
        "data",
        "scale",
        "conv1",
        "pool1",
        "conv2",
        "pool2",
        "ip1",
        "ip2",
        "accuracy",
        "loss",
        "softmax",
    ]
    words = " ".join(text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text"))
    assert "+ ReLU  relu1" in words
    assert "Convolution  5×5" in words
    assert "50 × 8 × 8" in words
    assert "400,500 parameters" in words


def test_googlenet_is_drawn_without_boxes_on_top_of_each_other() -> None:
    root = ElementTree.fromstring(described(standard="googlenet", channels=3, height=256, width=256)["graph_svg"])
    places = [
        tuple(float(box.attrib[name]) for name in ("x", "y", "width", "height"))
        for box in root.iter(f"{SVG}rect")
        if "x" in box.attrib
    ]

    assert len(places) > 80
    for number, (x, y, width, height) in enumerate(places):
        assert x >= 0
        assert x + width <= float(root.attrib["width"])
        for other_x, other_y, _, other_height in places[number + 1 :]:
            apart = abs(x - other_x) >= width or y + height <= other_y or other_y + other_height <= y
            assert apart


def test_names_from_anybody_are_only_words_in_the_graph() -> None:
    name = "<script>alert(1)</script>&\\\"'"
    text = standard_text("lenet").replace('name: "conv1"', f'name: "{name}"', 1)

    svg = described(standard=None, text=text)["graph_svg"]

    assert "<script" not in svg
    assert any("<script>" in box for box in boxes(svg))


def test_a_graph_has_no_script_no_style_and_nothing_from_outside() -> None:
    root = ElementTree.fromstring(described()["graph_svg"])

    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {"svg", "g", "rect", "path", "text", "title"}
    assert not any("href" in key or key.startswith("on") for element in root.iter() for key in element.attrib)


def test_a_network_too_large_to_draw_is_said_in_words() -> None:
    chain = [Box(f"l{i}", "ReLU", "", "", 0, (i - 1,) if i else ()) for i in range(2_001)]

    assert "2,001 layers: too many to draw" in draw(chain)
    fan = [Box(f"l{i}", "ReLU", "", "", 0, tuple(range(i))) for i in range(100)]
    assert "too many to draw" in draw(fan)
