"""The layers of LeNet, AlexNet and GoogLeNet against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from digits.core.errors import NetworkError
from tests.networks.nets import make, one, ramp, run


def test_convolution_adds_up_the_window_and_the_bias() -> None:
    x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    weights = {"l:0": np.array([[[[1, 0], [0, -2]]]], np.float32), "l:1": np.array([0.5], np.float32)}

    y = run(
        one("Convolution", "convolution_param { num_output: 1 kernel_size: 2 stride: 2 }"), weights=weights, x=x
    ).blobs["y"]

    # the window at the top left: 1 * 0 - 2 * 5 + 0.5
    assert y.tolist() == [[[[-9.5, -11.5], [-17.5, -19.5]]]]


@pytest.mark.parametrize(
    ("param", "height", "width"),
    [
        ("kernel_size: 3", 8, 11),
        ("kernel_size: 3 stride: 2", 4, 6),  # rounds down
        ("kernel_h: 5 kernel_w: 1 pad_h: 2 stride_w: 3 stride_h: 1", 10, 5),
        ("kernel_size: 3 dilation: 2 pad: 1", 8, 11),
        ("kernel_size: 1 kernel_size: 2", 10, 12),
    ],
)
def test_convolution_sizes_round_down(param: str, height: int, width: int) -> None:
    net = make(one("Convolution", f"convolution_param {{ num_output: 2 {param} }}"), x=(1, 3, 10, 13))

    assert net.layers[-1].output_shapes == ((1, 2, height, width),)


def test_groups_halve_the_weights() -> None:
    net = make(one("Convolution", "convolution_param { num_output: 4 kernel_size: 3 group: 2 }"), x=(1, 6, 5, 5))

    assert [p.tensor.shape for p in net.parameters] == [(4, 3, 3, 3), (4,)]


@pytest.mark.parametrize(
    ("param", "size"),
    [
        ("kernel_size: 3 stride: 2", 5),  # AlexNet's: (10 - 3) / 2 rounds up, plus 1
        ("kernel_size: 2 stride: 2", 5),
        ("kernel_size: 3 stride: 2 pad: 1", 6),
        ("kernel_size: 2 stride: 3 pad: 1", 4),
        ("kernel_size: 3 stride: 2 round_mode: FLOOR", 4),
        ("kernel_size: 3 stride: 2 pad: 2", 6),  # a pad above half the kernel
        ("kernel_size: 2 stride: 4", 3),
        ("kernel_size: 1 stride: 6", 3),  # the last window begins at 12, outside
        ("global_pooling: true", 1),
    ],
)
@pytest.mark.parametrize("method", ["MAX", "AVE"])
def test_pooling_sizes_round_up_by_caffes_rule(param: str, size: int, method: str) -> None:
    net = make(one("Pooling", f"pooling_param {{ pool: {method} {param} }}"), x=(1, 2, 10, 10))

    assert net.layers[-1].output_shapes == ((1, 2, size, size),)
    assert net(x=torch.zeros(1, 2, 10, 10))["y"].shape == (1, 2, size, size)


def test_the_mean_of_a_window_counts_padding_but_not_what_hangs_over() -> None:
    x = np.ones((1, 1, 3, 3), np.float32)

    y = run(one("Pooling", "pooling_param { pool: AVE kernel_size: 2 stride: 2 pad: 1 }"), x=x).blobs["y"]

    # corner: one picture value of the four it covers; padding counts
    assert y.tolist() == [[[[0.25, 0.5], [0.5, 1.0]]]]
    y = run(one("Pooling", "pooling_param { pool: AVE kernel_size: 2 stride: 2 }"), x=x).blobs["y"]
    assert y.tolist() == [[[[1.0, 1.0], [1.0, 1.0]]]]  # the last window covers one row and column, and divides by that


def test_a_window_wholly_outside_the_picture_is_0_and_has_no_gradient() -> None:
    x = ramp(1, 1, 10, 10)

    result = run(one("Pooling", "pooling_param { kernel_size: 1 stride: 6 }"), x=x)

    assert result.blobs["y"][0, 0, :, 2].tolist() == [0, 0, 0]
    assert result.blobs["y"][0, 0, 0, 1] == x[0, 0, 0, 6]
    assert result.gradients["x"] is not None
    assert np.count_nonzero(result.gradients["x"]) == 4


def test_max_pooling_tells_the_place_of_the_first_largest_value() -> None:
    x = np.array([[[[1, 5, 5], [0, 2, 5], [7, 0, 0]]]], np.float32)

    blobs = run(one("Pooling", "pooling_param { kernel_size: 2 stride: 2 pad: 1 }", tops="y place"), x=x).blobs

    assert blobs["y"].tolist() == [[[[1, 5], [7, 5]]]]
    assert blobs["place"].tolist() == [[[[0, 1], [6, 5]]]]


def test_stochastic_pooling_expects_in_tests_and_draws_in_training() -> None:
    x = np.array([[[[1, 3], [0, 0]]]], np.float32)
    text = one("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }")

    assert run(text, x=x).blobs["y"].item() == pytest.approx(10 / 4)
    drawn = [run(text, "TRAIN", x=x).blobs["y"].item() for _ in range(40)]
    assert set(drawn) == {1.0, 3.0}


def test_inner_product_flattens_and_may_keep_its_weights_transposed() -> None:
    x = ramp(2, 3, 2)
    weights = ramp(4, 6)

    y = run(
        one("InnerProduct", "inner_product_param { num_output: 4 bias_term: false }"), weights={"l:0": weights}, x=x
    )
    turned = run(
        one("InnerProduct", "inner_product_param { num_output: 4 bias_term: false transpose: true }"),
        weights={"l:0": weights.T.copy()},
        x=x,
    )

    assert np.allclose(y.blobs["y"], x.reshape(2, 6) @ weights.T, atol=1e-5)
    assert np.allclose(y.blobs["y"], turned.blobs["y"], atol=1e-5)


def test_inner_product_from_a_later_axis_keeps_those_before() -> None:
    net = make(one("InnerProduct", "inner_product_param { num_output: 4 axis: 2 }"), x=(2, 3, 5, 7))

    assert net.layers[-1].output_shapes == ((2, 3, 4),)
    assert net.parameters[0].tensor.shape == (4, 35)


@pytest.mark.parametrize(("size", "beta", "k"), [(5, 0.75, 1.0), (3, 0.6, 2.0), (7, 0.75, 1.0)])
def test_lrn_across_channels_is_torchs_with_its_gradient(size: int, beta: float, k: float) -> None:
    x = ramp(2, 4, 3, 5)
    twin = torch.from_numpy(x.copy()).requires_grad_()
    expected = F.local_response_norm(twin, size, 0.5, beta, k)
    expected.sum().backward()  # type: ignore[no-untyped-call] # torch's own

    result = run(one("LRN", f"lrn_param {{ local_size: {size} alpha: 0.5 beta: {beta} k: {k} }}"), x=x)

    assert np.allclose(result.blobs["y"], expected.detach().numpy(), rtol=1e-5)
    assert twin.grad is not None
    assert result.gradients["x"] is not None
    assert np.allclose(result.gradients["x"], twin.grad.numpy(), rtol=1e-4, atol=1e-6)


def test_lrn_within_a_channel_divides_by_the_whole_square_and_ignores_k() -> None:
    x = np.full((1, 1, 1, 1), 2, np.float32)

    y = run(one("LRN", "lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 alpha: 9 beta: 1 k: 100 }"), x=x).blobs[
        "y"
    ]

    assert y.item() == pytest.approx(2 / (1 + 9 * 4 / 9))


LOSS = one("SoftmaxWithLoss", "{}", bottoms="x label")


def loss(param: str, scores: list[list[float]], labels: list[float]) -> float:
    text = one("SoftmaxWithLoss", param, bottoms="x label")
    return float(run(text, x=np.array(scores, np.float32), label=np.array(labels, np.float32)).blobs["y"])


def test_softmax_loss_is_the_mean_over_the_labels_that_count() -> None:
    scores = [[0.0, 0.0], [0.0, math.log(3)], [0.0, 0.0]]

    assert loss("", scores, [0, 1, 1]) == pytest.approx((2 * math.log(2) + math.log(4 / 3)) / 3)
    assert loss("loss_param { ignore_label: 1 }", scores, [0, 1, 1]) == pytest.approx(math.log(2))
    assert loss("loss_param { ignore_label: 1 normalize: false }", scores, [0, 1, 1]) == pytest.approx(math.log(2) / 3)
    assert loss("loss_param { ignore_label: 1 normalization: NONE }", scores, [0, 1, 1]) == pytest.approx(math.log(2))
    assert loss("loss_param { ignore_label: 1 }", scores, [1, 1, 1]) == 0


def test_softmax_loss_is_cut_at_caffes_87_but_its_gradient_is_not() -> None:
    text = one("SoftmaxWithLoss", "", bottoms="x label")

    result = run(text, x=np.array([[0, 500]], np.float32), label=np.zeros(1, np.float32))

    assert float(result.blobs["y"]) == pytest.approx(87.3365)
    assert result.gradients["x"] is not None
    assert result.gradients["x"].tolist() == [[-1, 1]]


def test_a_label_is_cut_down_to_its_whole_number() -> None:
    assert loss("", [[0.0, math.log(3)]], [1.9]) == pytest.approx(math.log(4 / 3))


def test_softmax_loss_gives_probabilities_as_a_second_top() -> None:
    text = one("SoftmaxWithLoss", "", bottoms="x label", tops="y p")

    blobs = run(text, x=np.array([[0, math.log(3)]], np.float32), label=np.zeros(1, np.float32)).blobs

    assert blobs["p"][0].tolist() == pytest.approx([0.25, 0.75])


def accuracy(scores: list[list[float]], labels: list[float], param: str = "") -> float:
    text = one("Accuracy", f"accuracy_param {{ {param} }}", bottoms="x label")
    return float(run(text, x=np.array(scores, np.float32), label=np.array(labels, np.float32)).blobs["y"])


def test_accuracy_counts_a_tie_as_wrong() -> None:
    assert accuracy([[1, 1, 1], [0, 2, 1]], [0, 1]) == 0.5
    assert accuracy([[1, 1, 0], [0, 2, 1]], [0, 1], "top_k: 2") == 1
    assert accuracy([[math.nan, math.nan], [1, 0]], [0, 0]) == 0.5


def test_accuracy_passes_over_the_ignored_label() -> None:
    assert accuracy([[2, 1], [1, 2], [2, 1]], [0, 0, 1], "ignore_label: 1") == 0.5
    assert accuracy([[2, 1]], [1], "ignore_label: 1") == 0


def test_dropout_scales_up_in_training_and_does_nothing_in_tests() -> None:
    x = np.ones((50, 40), np.float32)
    text = one("Dropout", "dropout_param { dropout_ratio: 0.75 }")

    assert set(run(text, "TRAIN", x=x).blobs["y"].ravel().tolist()) == {0.0, 4.0}
    assert np.array_equal(run(text, "TEST", x=x).blobs["y"], x)


def test_power_shifts_scales_and_raises() -> None:
    x = np.array([[1.0, 2.0]], np.float32)

    assert run(one("Power", "power_param { scale: 2 shift: 1 power: 2 }"), x=x).blobs["y"].tolist() == [[9, 25]]
    assert run(one("Power", "power_param { scale: 0.5 }"), x=x).blobs["y"].tolist() == [[0.5, 1]]
    assert run(one("Power", "power_param { scale: 0 shift: 3 power: 2 }"), x=x).blobs["y"].tolist() == [[9, 9]]


def test_concat_joins_channels_and_slice_cuts_them_again() -> None:
    a, b = ramp(2, 2, 3), ramp(2, 1, 3) + 10
    text = one("Concat", bottoms="a b", tops="c") + (
        'layer { name: "s" type: "Slice" bottom: "c" top: "p" top: "q" slice_param { slice_point: 2 } }'
    )

    blobs = run(text, a=a, b=b).blobs

    assert np.array_equal(blobs["c"], np.concatenate([a, b], 1))
    assert np.array_equal(blobs["p"], a)
    assert np.array_equal(blobs["q"], b)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (one("Convolution", "convolution_param { num_output: 2 }"), "kernel_size must be given"),
        (one("Convolution", "convolution_param { kernel_size: 1 }"), "num_output must be given"),
        (one("Convolution", "convolution_param { num_output: 2 kernel_size: 0 }"), "kernel_size is 0"),
        (
            one("Convolution", "convolution_param { num_output: 2 kernel_size: 99 }"),
            "kernel of 99 is larger than its input",
        ),
        (one("Convolution", "convolution_param { num_output: 3 kernel_size: 1 group: 2 }"), "does not divide"),
        (one("Convolution", "convolution_param { num_output: 3 kernel_size: 1 kernel_h: 2 }"), "not both"),
        (
            one("Convolution", "convolution_param { num_output: 3 kernel_size: [1, 2, 3] }"),
            "3 values of kernel_size for 2",
        ),
        (
            one("Convolution", "convolution_param { num_output: 2147483647 kernel_size: 5 }"),
            "more than an array can hold",
        ),
        (one("Convolution", "convolution_param { num_output: 9 kernel_size: 1 pad: 50000 }"), "too large"),
        (one("Pooling", ""), "give kernel_size"),
        (one("Pooling", "pooling_param { kernel_size: 2 pad: 2 }"), "must be below the kernel"),
        (one("Pooling", "pooling_param { kernel_size: 2 stride: 0 }"), "stride is 0"),
        (one("Pooling", "pooling_param { kernel_size: 4000000000 pad: 3999999999 }"), "above 8192"),
        (one("Pooling", "pooling_param { kernel_size: 2 global_pooling: true }"), "takes no kernel_size"),
        (one("InnerProduct", ""), "num_output must be given"),
        (one("InnerProduct", "inner_product_param { num_output: 2147483647 }"), "more than an array can hold"),
        (one("LRN", "lrn_param { local_size: 4 }"), "must be odd"),
        (one("Dropout", "dropout_param { dropout_ratio: 1 }"), "not in"),
        (one("ReLU", tops="y z"), "takes 1 top, and it has 2"),
        (one("ReLU", bottoms="x x"), "takes 1 bottom, and it has 2"),
        (one("Softmax", "softmax_param { axis: 4 }"), "no axis 4 among 4"),
        (one("Accuracy", bottoms="x x"), "want"),
        (one("Concat", "concat_param { axis: 1 concat_dim: 1 }", bottoms="x x"), "not both"),
        (one("Reshape", "reshape_param { shape { dim: 7 dim: 7 } }"), "cannot become"),
        (one("Slice", tops="y z"), "no 2 equal parts"),
        (one("Eltwise", "eltwise_param { operation: PROD coeff: 1 coeff: 1 }", bottoms="x x"), "SUM alone"),
    ],
)
def test_what_a_layer_cannot_do_is_said_with_its_name_and_line(text: str, words: str) -> None:
    with pytest.raises(NetworkError, match=words) as caught:
        make(text, x=(2, 3, 5, 5))

    assert "'l'" in caught.value.message
    assert caught.value.where == "net.prototxt:1"
