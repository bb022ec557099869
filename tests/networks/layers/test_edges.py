"""What layers do at the edges of their domain: ties, equal values, labels that do not exist, windows larger than the picture."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from digits.caffeproto.blob import array_to_blob
from digits.core.errors import NetworkError
from tests.networks.layers.write import layer
from tests.networks.nets import make, one, ramp, run


def test_the_gradient_of_a_maximum_goes_to_the_second_of_equals_and_to_a_third_only_if_it_is_larger() -> None:
    values = [np.array(row, np.float32) for row in ([1, 2, 1, 5], [1, 1, 1, 5], [1, 1, 3, 5])]

    made = run(
        one("Eltwise", "eltwise_param { operation: MAX }", bottoms="a b c"), a=values[0], b=values[1], c=values[2]
    )

    gradients = [made.gradients[name] for name in "abc"]
    assert [g.tolist() for g in gradients if g is not None] == [[0, 1, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]]


def test_mvn_of_equal_values_is_0_with_a_finite_gradient() -> None:
    made = run(one("MVN"), x=np.full((1, 2, 2, 2), 3, np.float32))

    assert np.all(made.blobs["y"] == 0)
    gradient = made.gradients["x"]
    assert gradient is not None
    assert np.all(np.isfinite(gradient))


def test_two_points_in_one_place_that_are_not_alike_have_a_finite_gradient() -> None:
    net = make(layer("ContrastiveLoss", "a b s", "y"), a=(1, 2), b=(1, 2), s=(1,))
    a = torch.ones(1, 2, requires_grad=True)

    loss = net.total_loss(net(a=a, b=torch.ones(1, 2), s=torch.zeros(1)))
    torch.autograd.backward(loss)

    assert loss.item() == 0.5  # margin 1, squared, over 2 N
    assert a.grad is not None
    assert a.grad.tolist() == [[0, 0]]


def test_the_contrastive_gradient_divides_by_the_distance_and_a_ten_thousandth_as_caffe_does() -> None:
    net = make(layer("ContrastiveLoss", "a b s", "y"), a=(1, 1), b=(1, 1), s=(1,))
    a = torch.tensor([[1e-4]], requires_grad=True)

    torch.autograd.backward(net.total_loss(net(a=a, b=torch.zeros(1, 1), s=torch.zeros(1))))

    assert a.grad is not None
    assert a.grad.item() == pytest.approx(-(1 - 1e-4) * 1e-4 / 2e-4, rel=1e-4)


def test_a_probability_of_0_costs_what_1e_20_costs_and_its_gradient_is_not_cut() -> None:
    net = make(layer("MultinomialLogisticLoss", "p label", "y"), p=(1, 2), label=(1,))
    p = torch.tensor([[0.0, 1.0]], requires_grad=True)

    loss = net(p=p, label=torch.zeros(1))["y"]
    torch.autograd.backward(loss)

    assert loss.item() == pytest.approx(-math.log(1e-20))
    assert p.grad is not None
    assert p.grad[0, 0].item() == pytest.approx(-1e20)


@pytest.mark.parametrize("kind", ["HingeLoss", "MultinomialLogisticLoss"])
@pytest.mark.parametrize("label", [-3.0, 99.0])
def test_a_label_outside_the_classes_gives_a_number(kind: str, label: float) -> None:
    y = run(one(kind, bottoms="x label"), x=np.full((1, 3), 0.3, np.float32), label=np.array([label], np.float32))

    assert np.isfinite(y.blobs["y"])


def test_an_index_outside_the_table_is_a_row_of_0_that_learns_nothing() -> None:
    net = make(
        layer("Embed", "i", "y", "embed_param { num_output: 2 input_dim: 3 weight_filler { value: 1 } }"), i=(3,)
    )

    y = net(i=torch.tensor([-1.0, 2.0, 3.0]))["y"]
    torch.autograd.backward(y.sum())

    assert y.tolist() == [[0, 0], [1, 1], [0, 0]]
    assert net.gradients()["y:0"].tolist() == [[0, 0], [0, 0], [1, 1]]


@pytest.mark.parametrize("method", ["MAX", "AVE", "SUM", "STOCHASTIC"])
def test_a_window_may_be_larger_than_the_picture_if_its_stride_is_larger_than_what_is_missing(method: str) -> None:
    x = np.arange(1, 10, dtype=np.float32).reshape(1, 1, 3, 3)

    y = run(one("Pooling", f"pooling_param {{ pool: {method} kernel_size: 4 stride: 4 }}"), x=x).blobs["y"]

    expected = {"MAX": 9, "AVE": 5, "SUM": 45, "STOCHASTIC": 285 / 45}
    assert y.shape == (1, 1, 1, 1)
    assert y.item() == pytest.approx(expected[method])


def test_stochastic_pooling_draws_in_proportion_and_passes_the_gradient_to_what_was_drawn() -> None:
    x = np.zeros((400, 1, 2, 2), np.float32)
    x[:, 0, 0] = (1, 3)
    torch.manual_seed(0)

    made = run(one("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }"), "TRAIN", x=x)

    drawn = made.blobs["y"].ravel()
    assert set(drawn) == {1, 3}
    assert 0.68 < (drawn == 3).mean() < 0.82
    gradient = made.gradients["x"]
    assert gradient is not None
    assert np.all(gradient.sum((1, 2, 3)) == 1)


def test_filter_lets_nothing_through_where_nothing_is_chosen_and_its_selector_learns_nothing() -> None:
    net = make(layer("Filter", "x s", "y"), x=(3, 2), s=(3,))
    s = torch.tensor([0.0, 0.5, 0.0], requires_grad=True)

    some = net(x=torch.from_numpy(ramp(3, 2)), s=s)["y"]
    none = net(x=torch.from_numpy(ramp(3, 2)), s=torch.zeros(3))["y"]

    assert some.tolist() == ramp(3, 2)[1:2].tolist()
    assert none.shape == (0, 2)
    assert not some.requires_grad


def test_dropout_may_be_asked_to_draw_in_tests() -> None:
    settings = "dropout_param { dropout_ratio: 0.5 sample_weights_test: true }"

    y = run(one("Dropout", settings), x=np.ones((50, 20), np.float32)).blobs["y"]

    assert set(np.unique(y)) == {0, 2}


def test_the_matrix_of_an_infogain_loss_may_come_from_a_file(tmp_path: Path) -> None:
    matrix = np.array([[1, 2], [3, 4]], np.float32)
    path = tmp_path / "H.binaryproto"
    path.write_bytes(array_to_blob(matrix.reshape(1, 1, 2, 2)).SerializeToString())
    x, label = ramp(3, 2), np.array([0, 1, 1], np.float32)

    given = run(one("InfogainLoss", bottoms="x label H"), x=x, label=label, H=matrix).blobs["y"]
    read = run(one("InfogainLoss", f'infogain_loss_param {{ source: "{path}" }}', bottoms="x label"), x=x, label=label)

    assert read.blobs["y"] == pytest.approx(given)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no file"),
        (b"\xff" * 10, "holds no BlobProto"),
        (array_to_blob(np.ones((3, 3))).SerializeToString(), "9 values; 2 classes need 4"),
        (b"\0" * 5000, "too large for a matrix of 2 x 2"),
    ],
)
def test_a_matrix_that_cannot_be_read_is_said(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "H.binaryproto"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(NetworkError, match=words):
        make(
            one("InfogainLoss", f'infogain_loss_param {{ source: "{path}" }}', bottoms="x label"), x=(3, 2), label=(3,)
        )


def test_a_power_of_a_constant_is_what_c_makes_of_it() -> None:
    def power(settings: str) -> float:
        return float(run(one("Power", f"power_param {{ {settings} }}"), x=ramp(1, 1)).blobs["y"].item())

    assert power("scale: 0 shift: 2 power: 3") == 8
    assert power("power: 0") == 1
    assert power("scale: 0 power: -1") == math.inf
    assert math.isnan(power("scale: 0 shift: -1 power: 0.5"))


def test_upsample_puts_each_value_where_pooling_took_it_from() -> None:
    x = np.array([[[[1, 5, 2], [3, 4, 6], [9, 0, 8]]]], np.float32)
    text = layer("Pooling", "x", "p mask", "pooling_param { kernel_size: 2 stride: 2 }") + layer(
        "Upsample", "p mask", "y", "upsample_param { upsample_h: 3 upsample_w: 3 }"
    )

    made = run(text, x=x)

    assert made.blobs["y"].tolist() == [[[[0, 5, 0], [0, 0, 6], [9, 0, 8]]]]
    gradient = made.gradients["x"]
    assert gradient is not None
    assert gradient.tolist() == [[[[0, 1, 0], [0, 0, 1], [1, 0, 1]]]]
