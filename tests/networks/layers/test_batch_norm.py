"""What BatchNorm keeps from batch to batch, in BVLC Caffe's three blobs and NVCaffe's five, and how it reads older files."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from digits.core.errors import WeightsError
from digits.networks.caffe.net import CaffeNet
from tests.networks.layers.write import layer
from tests.networks.nets import make

X = np.array([[1, 10], [2, 30], [6, 20.0]], np.float32)  # means 3 and 20, unbiased variances 7 and 100
FIVE = "batch_norm_param { scale_bias: true moving_average_fraction: 0.9 }"


def norm(phase: str, settings: str = "", size: int = 3, channels: int = 2) -> CaffeNet:
    assert phase in ("TRAIN", "TEST")
    return make(layer("BatchNorm", "x", "y", settings), "TRAIN" if phase == "TRAIN" else "TEST", x=(size, channels))


def test_each_training_batch_goes_into_the_sums_with_its_unbiased_variance() -> None:
    net = norm("TRAIN", "batch_norm_param { moving_average_fraction: 0.5 }")

    net(x=torch.from_numpy(X))
    net(x=torch.from_numpy(X))

    state = net.state()
    np.testing.assert_allclose(state["y:0"], [3 * 1.5, 20 * 1.5], rtol=1e-6)
    np.testing.assert_allclose(state["y:1"], [7 * 1.5, 100 * 1.5], rtol=1e-6)
    assert state["y:2"] == pytest.approx([1.5])


def test_tests_divide_the_sums_by_the_factor_and_leave_them_alone() -> None:
    net = norm("TEST")
    blobs = {"y:0": np.array([6.0, 40]), "y:1": np.array([2.0, 18]), "y:2": np.array([2.0])}
    net.load_state(blobs)

    y = net(x=torch.from_numpy(X))["y"]

    np.testing.assert_allclose(y.numpy(), (X - [3, 20]) / np.sqrt(np.array([1, 9]) + 1e-5), rtol=1e-5)
    assert all(np.array_equal(net.state()[name], values.astype(np.float32)) for name, values in blobs.items())


def test_without_any_batch_so_far_mean_and_variance_count_as_0() -> None:
    y = norm("TEST", "batch_norm_param { eps: 0.25 }")(x=torch.from_numpy(X))["y"]

    np.testing.assert_allclose(y.numpy(), X / 0.5)


def test_a_copied_use_global_stats_false_makes_tests_use_and_keep_their_batch() -> None:
    net = norm("TEST", "batch_norm_param { use_global_stats: false }")

    y = net(x=torch.from_numpy(X))["y"]

    assert y.mean(0).abs().max() < 1e-6
    assert net.state()["y:2"] == pytest.approx([1.0])


def test_a_batch_of_one_value_has_the_variance_0() -> None:
    net = norm("TRAIN", size=1)

    y = net(x=torch.tensor([[5.0, -3.0]]))["y"]

    assert y.tolist() == [[0, 0]]
    assert net.state()["y:1"].tolist() == [0, 0]


def test_no_solver_moves_the_statistics_whatever_the_definition_says() -> None:
    net = norm("TRAIN", "param { lr_mult: 1 } param { lr_mult: 2 } " + FIVE)

    rates = {parameter.name: (parameter.lr_mult, parameter.tensor.requires_grad) for parameter in net.parameters}
    assert rates == {
        "y:0": (0, False),
        "y:1": (0, False),
        "y:2": (0, False),
        "y:3": (1, True),
        "y:4": (1, True),
    }


def test_nvcaffe_copies_the_first_two_batches_and_mixes_in_the_later_ones() -> None:
    net = norm("TRAIN", FIVE)

    for factor in (1, 2, 4):
        net(x=torch.from_numpy(X * factor))

    state = net.state()
    np.testing.assert_allclose(state["y:0"], [0.9 * 6 + 0.1 * 12, 0.9 * 40 + 0.1 * 80], rtol=1e-5)
    biased = np.array([14 / 3, 200 / 3])
    np.testing.assert_allclose(state["y:1"], 0.9 * biased * 4 + 0.1 * biased * 16, rtol=1e-5)
    assert state["y:2"].tolist() == [1]
    assert state["y:3"].tolist() == [1, 1]  # the scale begins at 1 without a filler


def test_nvcaffe_takes_bvlcs_three_blobs_divided_by_their_factor() -> None:
    net = norm("TEST", FIVE)

    net.load_state({"y:0": np.array([6.0, 40]), "y:1": np.array([2.0, 18]), "y:2": np.array([2.0])}, partial=True)

    state = net.state()
    assert (state["y:0"].tolist(), state["y:1"].tolist(), state["y:2"].tolist()) == ([3, 20], [1, 9], [1])
    assert (state["y:3"].tolist(), state["y:4"].tolist()) == ([1, 1], [0, 0])


@pytest.mark.parametrize("shape", [(2,), (1, 2, 1, 1)])
def test_nvcaffe_knows_the_old_order_of_five_blobs_by_its_last(shape: tuple[int, ...]) -> None:
    net = norm("TEST", FIVE)
    old = [np.array(values, np.float32).reshape(shape) for values in ([1, 2], [3, 4], [5, 6], [7, 8])]

    net.load_state({f"y:{i}": blob for i, blob in enumerate([*old, np.ones((1, 1, 1, 1), np.float32)])})

    values = [net.state()[f"y:{i}"].tolist() for i in range(5)]
    assert values == [[5, 6], [7, 8], [1], [1, 2], [3, 4]]


def test_blobs_of_another_size_are_still_refused() -> None:
    with pytest.raises(WeightsError, match=r"Source param shape is 3.* target param shape is 2"):
        norm("TEST", FIVE).load_state({f"y:{i}": np.ones(3, np.float32) for i in range(5)})


def test_a_scale_in_place_becomes_part_of_the_normalisation_and_keeps_its_blobs() -> None:
    text = layer("BatchNorm", "x", "y") + layer("Scale", "y", "y", "scale_param { bias_term: true }", name="scale")
    net = make(text, "TRAIN", x=(3, 2))
    net.load_state({"scale:0": np.array([2.0, 3]), "scale:1": np.array([10.0, 20])}, partial=True)

    x = torch.from_numpy(X)
    blobs = net.activations(x=x)

    assert net.module.code.count("self.y(") == 1
    assert "self.scale(" not in net.module.code
    expected = (X - X.mean(0)) / X.std(0) * [2, 3] + [10, 20]
    np.testing.assert_allclose(blobs["y"].detach().numpy(), expected, rtol=1e-4)


def test_a_scale_that_others_see_through_stays_a_layer_of_its_own() -> None:
    scale = layer("Scale", "n", "y", "scale_param { bias_term: true }")

    apart = make(layer("BatchNorm", "x", "n") + scale, x=(3, 2))
    shared = make(layer("BatchNorm", "x", "n") + layer("Power", "n", "p") + scale, x=(3, 2))

    assert "self.y(" in apart.module.code
    assert "self.y(" in shared.module.code
    assert apart.activations(x=torch.from_numpy(X)).keys() == {"x", "n", "y"}
