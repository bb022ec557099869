"""Small networks of the kinds that people build learn something: a SegNet, twins, an autoencoder, a reader of letters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from digits.networks.caffe.net import CaffeNet
from tests.networks.layers.write import layer
from tests.networks.nets import make, ramp

XAVIER = 'weight_filler { type: "xavier" }'


def conv(bottom: str, top: str, outputs: int, kernel: int = 3) -> str:
    numbers = f"num_output: {outputs} kernel_size: {kernel} pad: {kernel // 2}"
    return layer("Convolution", bottom, top, f"convolution_param {{ {numbers} {XAVIER} }}")


def learn(net: CaffeNet, inputs: Mapping[str, Tensor], *, steps: int = 30, rate: float = 0.1) -> list[float]:
    """Return the loss of each step on the same batch."""
    losses = []
    weights = [parameter.tensor for parameter in net.parameters if parameter.lr_mult]
    for _ in range(steps):
        loss = net.total_loss(net(**inputs))
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                weight -= rate * gradient
        losses.append(loss.item())
    return losses


@pytest.mark.slow
def test_a_segnet_learns_a_mask_of_uneven_size() -> None:
    bn = "bn_param { scale_filler { value: 1 } shift_filler { value: 0.001 } }"
    text = (
        conv("data", "conv1", 8)
        + layer("BN", "conv1", "conv1", bn, name="bn1")
        + layer("ReLU", "conv1", "conv1", name="relu1")
        + layer("Pooling", "conv1", "pool1 mask1", "pooling_param { kernel_size: 2 stride: 2 }")
        + layer("Upsample", "pool1 mask1", "up1", "upsample_param { scale: 2 pad_out_h: true }")
        + conv("up1", "score", 2)
        + layer(
            "SoftmaxWithLoss",
            "score label",
            "loss",
            "loss_param { weight_by_label_freqs: true class_weighting: [0.5, 2] ignore_label: 2 }",
        )
        + layer("Accuracy", "score label", "accuracy per_class", "accuracy_param { ignore_label: 2 }")
    )
    net = make(text, "TRAIN", data=(2, 3, 7, 8), label=(2, 1, 7, 8))
    data = torch.from_numpy(ramp(2, 3, 7, 8))
    label = (data[:, :1] > 0.5).float()
    label[:, :, 0] = 2

    losses = learn(net, {"data": data, "label": label}, rate=0.3)

    assert losses[-1] < losses[0] / 2
    assert net(data=data, label=label)["accuracy"].item() > 0.9


def test_twins_with_shared_weights_move_what_is_alike_together() -> None:
    def twin(side: str) -> str:
        shared = 'param { name: "w" } param { name: "b" }'
        return layer("InnerProduct", side, f"{side}/feat", f"{shared} inner_product_param {{ num_output: 2 {XAVIER} }}")

    text = (
        layer("Slice", "pair", "left right", "slice_param { axis: 1 }")
        + twin("left")
        + twin("right")
        + layer("ContrastiveLoss", "left/feat right/feat alike", "loss", "contrastive_loss_param { margin: 1 }")
    )
    net = make(text, "TRAIN", pair=(6, 8), alike=(6,))

    losses = learn(net, {"pair": torch.from_numpy(ramp(6, 8)), "alike": torch.tensor([1.0, 0, 1, 0, 1, 0])}, rate=0.02)

    assert losses[-1] < losses[0] / 2
    assert len(net.parameters) == 2


@pytest.mark.slow
def test_an_autoencoder_with_two_losses_and_batch_normalisation_learns() -> None:
    text = (
        layer("InnerProduct", "x", "code", f"inner_product_param {{ num_output: 6 {XAVIER} }}")
        + layer("BatchNorm", "code", "code", name="norm")
        + layer("Scale", "code", "code", "scale_param { bias_term: true }", name="scale")
        + layer("PReLU", "code", "code", name="prelu")
        + layer("InnerProduct", "code", "back", f"inner_product_param {{ num_output: 8 {XAVIER} }}")
        + layer("SigmoidCrossEntropyLoss", "back x", "entropy", "loss_weight: 1")
        + layer("Sigmoid", "back", "seen")
        + layer("EuclideanLoss", "seen x", "error", "loss_weight: 0.5")
    )
    net = make(text, "TRAIN", x=(6, 8))
    x = torch.from_numpy((ramp(6, 8) > 0).astype(np.float32))

    losses = learn(net, {"x": x}, steps=80, rate=0.2)

    assert losses[-1] < losses[0] / 2


@pytest.mark.slow
def test_an_lstm_over_learnt_rows_reads_letters() -> None:
    rows = f"embed_param {{ num_output: 4 input_dim: 5 {XAVIER} }}"
    text = (
        layer("Embed", "letter", "row", rows)
        + layer("LSTM", "row begins", "h", f"recurrent_param {{ num_output: 8 {XAVIER} }}")
        + layer("InnerProduct", "h", "score", f"inner_product_param {{ num_output: 5 axis: 2 {XAVIER} }}")
        + layer("SoftmaxWithLoss", "score next", "loss", "softmax_param { axis: 2 }")
    )
    letters = torch.tensor([[0, 3], [1, 2], [2, 1], [3, 0], [4, 4], [0, 3.0]])
    net = make(text, "TRAIN", letter=(5, 2), begins=(5, 2), next=(5, 2))
    begins = torch.ones(5, 2)
    begins[0] = 0

    losses = learn(net, {"letter": letters[:-1], "begins": begins, "next": letters[1:]}, steps=100, rate=1.0)

    assert losses[-1] < losses[0] / 2
