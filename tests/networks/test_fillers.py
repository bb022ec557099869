"""Weights before training: Caffe's distributions, by the stored shape."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from google.protobuf import text_format

from digits.caffeproto import caffe_pb2
from digits.core.errors import NetworkError
from digits.networks.caffe.fillers import fill
from tests.networks.nets import make, one
from tests.shared import needs_shared, shared


def filled(shape: tuple[int, ...], seed: int = 1, **param: Any) -> torch.Tensor:
    blob = torch.empty(shape)
    fill(blob, caffe_pb2.FillerParameter(**param), torch.Generator().manual_seed(seed))
    return blob


def test_a_filler_left_out_is_0() -> None:
    net = make(one("InnerProduct", "inner_product_param { num_output: 3 }"), x=(1, 4))

    assert not any(parameter.tensor.any() for parameter in net.parameters)


def test_a_seed_gives_the_same_weights_and_another_seed_others() -> None:
    text = one("InnerProduct", 'inner_product_param { num_output: 3 weight_filler { type: "xavier" } }')

    assert torch.equal(make(text, x=(1, 4)).parameters[0].tensor, make(text, x=(1, 4)).parameters[0].tensor)
    assert not torch.equal(filled((5, 5), 1, type="xavier"), filled((5, 5), 2, type="xavier"))


@pytest.mark.parametrize(("norm", "fan"), [("FAN_IN", 12 * 25), ("FAN_OUT", 64 * 25), ("AVERAGE", 38 * 25)])
def test_xavier_and_msra_go_by_the_fan_of_the_stored_shape(norm: str, fan: float) -> None:
    xavier = filled((64, 12, 5, 5), type="xavier", variance_norm=norm)
    msra = filled((64, 12, 5, 5), type="msra", variance_norm=norm)

    bound = math.sqrt(3 / fan)
    assert float(xavier.abs().max()) <= bound
    assert float(xavier.abs().max()) == pytest.approx(bound, rel=1e-3)
    assert float(xavier.std()) == pytest.approx(math.sqrt(1 / fan), rel=0.02)
    assert float(msra.std()) == pytest.approx(math.sqrt(2 / fan), rel=0.02)


def test_a_sparse_gaussian_keeps_a_share_of_its_values() -> None:
    blob = filled((100, 500), type="gaussian", std=2, sparse=10)

    assert float((blob != 0).float().mean()) == pytest.approx(0.1, abs=0.01)
    assert float(blob[blob != 0].std()) == pytest.approx(2, rel=0.05)


def test_a_positive_unitball_adds_up_to_1_in_each_row() -> None:
    blob = filled((7, 3, 2), type="positive_unitball")

    assert bool((blob > 0).all())
    assert torch.allclose(blob.sum((1, 2)), torch.ones(7))


def test_bilinear_writes_the_enlarging_kernel_into_every_pair() -> None:
    blob = filled((2, 3, 4, 4), type="bilinear")

    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    assert torch.allclose(blob, torch.outer(line, line).expand(2, 3, 4, 4))


@pytest.mark.parametrize(
    ("param", "words"), [({"type": "xavierr"}, "no filler 'xavierr'"), ({"type": "bilinear"}, "square kernels")]
)
def test_a_filler_that_cannot_be_is_refused(param: dict[str, Any], words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        filled((2, 3, 4, 5), **param)


def test_an_unknown_filler_is_named_at_its_line() -> None:
    text = 'layer { name: "l" type: "InnerProduct" bottom: "x" top: "y"\n inner_product_param { num_output: 2\n' + (
        ' weight_filler { type: "xavierr" } } }'
    )
    with pytest.raises(NetworkError) as caught:
        make(text, x=(1, 4))

    assert (caught.value.where, caught.value.hint) == ("net.prototxt:3", "Did you mean 'xavier'?")


@needs_shared
def test_the_statistics_are_those_of_real_caffe() -> None:
    cases = json.loads(shared("oracle", "fillers", "expected_stats.json").read_text())
    for name, case in cases.items():
        param = text_format.Parse(case["filler"], caffe_pb2.FillerParameter())
        for layer, expected in case["blobs"].items():
            blob = torch.empty(expected["shape"])
            fill(blob, param, torch.Generator().manual_seed(3))
            where, spread = f"{name} {layer}", expected["std"]
            noise = 6 * spread / math.sqrt(blob.numel())
            assert float(blob.mean()) == pytest.approx(expected["mean"], abs=noise + 1e-6), where
            assert float(blob.std()) == pytest.approx(spread, rel=0.05, abs=1e-6), where
            assert float((blob != 0).float().mean()) == pytest.approx(expected["nonzero"], abs=0.01), where


@needs_shared
def test_bilinear_is_exactly_real_caffes() -> None:
    for key, expected in np.load(shared("oracle", "fillers", "bilinear.npz")).items():
        blob = torch.empty((2, 1, *expected.shape))
        fill(blob, caffe_pb2.FillerParameter(type="bilinear"), None)

        assert np.allclose(blob.numpy(), expected, atol=1e-7), key
