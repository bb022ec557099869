"""The shipped fully convolutional networks answer for every pixel, and their crops lie where their windows put them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from digits.caffeproto.filter import filter_net
from digits.caffeproto.text import parse_net
from digits.networks.caffe.definition import fill_classes
from digits.networks.fcn.spans import AXES, places, sizes
from digits.networks.standard import standard_text

NAMES = ["fcn_alexnet", "fcn32s", "fcn16s", "fcn8s"]


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_network_answers_for_each_pixel_of_a_picture_of_any_size_and_at_its_place(name: str) -> None:
    net = filter_net(parse_net(standard_text(name), where=name).message, phase="TEST", stages=["deploy"], where=name)
    layers = fill_classes(net.layer, 5)

    for axis in AXES:
        assert places(layers, axis, data="data")["score"] == (Fraction(1), Fraction(0))
        for size in range(64, 100):
            assert (sizes(layers, axis, size, data="data") or {})["score"] == size
