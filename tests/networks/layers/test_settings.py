"""Settings of Caffe's forks, worked by hand or by torch's own functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from digits.core.errors import NetworkError
from tests.networks.layers.write import layer
from tests.networks.nets import make, one, ramp, run


def test_label_smoothing_gives_each_class_its_share_of_the_truth() -> None:
    x, label = ramp(4, 5), np.array([0, 4, 2, 2], np.float32)
    text = one("SoftmaxWithLoss", "loss_param { label_smoothing: 0.1 }", bottoms="x label")

    made = run(text, x=x, label=label)

    logs = x - np.log(np.exp(x).sum(1, keepdims=True))
    truth = 0.9 * np.eye(5)[label.astype(int)] + 0.1 / 5
    assert made.blobs["y"] == pytest.approx(-(truth * logs).sum(1).mean(), rel=1e-5)
    gradient = made.gradients["x"]
    assert gradient is not None
    np.testing.assert_allclose(gradient, (np.exp(logs) - truth) / 4, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("setting", ["torch_pooling: true", "round_mode: FLOOR"])
@pytest.mark.parametrize("method", ["MAX", "AVE"])
def test_sizes_rounded_down_are_torchs(method: str, setting: str) -> None:
    x = ramp(2, 3, 8, 7)

    y = run(one("Pooling", f"pooling_param {{ pool: {method} kernel_size: 3 stride: 2 pad: 1 {setting} }}"), x=x).blobs[
        "y"
    ]

    pool = F.max_pool2d if method == "MAX" else F.avg_pool2d
    np.testing.assert_allclose(y, pool(torch.from_numpy(x), 3, 2, 1).numpy(), rtol=1e-6)
    assert y.shape == (2, 3, 4, 4)


@pytest.mark.parametrize(
    ("settings", "height", "width"),
    [
        ("", 6, 8),
        ("scale: 3", 9, 12),
        ("scale_h: 2 scale_w: 3", 6, 12),
        ("pad_out_h: true pad_out_w: true", 5, 7),
        ("upsample_h: 7 upsample_w: 9", 7, 9),
    ],
)
def test_upsample_has_the_size_that_its_settings_say(settings: str, height: int, width: int) -> None:
    net = make(one("Upsample", f"upsample_param {{ {settings} }}", bottoms="x mask"), x=(1, 2, 3, 4), mask=(1, 2, 3, 4))

    assert net.layers[-1].output_shapes == ((1, 2, height, width),)


def test_a_pyramid_of_stochastic_pools_expects_in_tests_and_draws_in_training() -> None:
    x = np.abs(ramp(1, 2, 4, 4)) + 0.1
    text = one("SPP", "spp_param { pyramid_height: 2 pool: STOCHASTIC }")

    expected, drawn = run(text, x=x).blobs["y"], run(text, "TRAIN", x=x).blobs["y"]

    whole = (x**2).sum((2, 3)) / x.sum((2, 3))
    quarters = x.reshape(1, 2, 2, 2, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(1, 2, 4, 4)
    parts = (quarters**2).sum(3) / quarters.sum(3)
    np.testing.assert_allclose(expected, np.concatenate([whole, parts.reshape(1, 8)], 1), rtol=1e-5)
    assert set(drawn.ravel()) <= set(x.ravel())


def test_stochastic_pooling_takes_no_pad_and_no_whole_plane() -> None:
    for settings, words in (("kernel_size: 2 pad: 1", "takes no pad"), ("global_pooling: true", "no global form")):
        with pytest.raises(NetworkError, match=words):
            make(one("Pooling", f"pooling_param {{ pool: STOCHASTIC {settings} }}"), x=(1, 1, 4, 4))


def test_segnets_statistics_baked_in_are_a_scale_and_a_shift() -> None:
    x, weights = ramp(2, 3, 2, 2), {"l:0": ramp(1, 3, 1, 1), "l:1": ramp(1, 3, 1, 1) + 1}

    y = run(one("BN", "bn_param { bn_mode: INFERENCE }"), "TRAIN", weights=weights, x=x).blobs["y"]

    np.testing.assert_allclose(y, x * weights["l:0"] + weights["l:1"], rtol=1e-5, atol=1e-6)


def test_the_second_top_of_an_accuracy_is_that_of_each_class_and_0_for_one_that_is_not_there() -> None:
    scores = np.array([[3, 1, 0, 0], [0, 2, 1, 0], [5, 1, 0, 0], [0, 0, 1, 9]], np.float32)
    made = run(layer("Accuracy", "x label", "a c"), x=scores, label=np.array([0, 1, 1, 3], np.float32))

    assert made.blobs["a"] == 0.75
    assert made.blobs["c"].tolist() == [1, 0.5, 0, 1]
