"""The state of LSTM and RNN from one pass to the next."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.networks.layers.write import layer
from tests.networks.nets import make, ramp


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_a_pass_goes_on_where_the_last_one_ended_unless_its_mark_is_0(kind: str) -> None:
    text = layer(kind, "x marks", "y", 'recurrent_param { num_output: 3 weight_filler { type: "xavier" } }')
    x, ones = torch.from_numpy(ramp(6, 2, 4)), torch.ones(3, 2)
    whole = make(text, x=(6, 2, 4), marks=(6, 2))
    parts = make(text, x=(3, 2, 4), marks=(3, 2))
    begin = torch.tensor([[0, 1], [1, 1], [1, 1.0]])

    at_once = whole(x=x, marks=torch.ones(6, 2))["y"]
    first = parts(x=x[:3], marks=ones)["y"]
    second = parts(x=x[3:], marks=ones)["y"]
    anew = parts(x=x[:3], marks=begin)["y"]

    torch.testing.assert_close(torch.cat([first, second]), at_once)
    torch.testing.assert_close(anew[:, 0], first[:, 0])
    assert not torch.allclose(anew[:, 1], first[:, 1])


def test_no_gradient_goes_back_into_the_pass_before() -> None:
    text = layer("RNN", "x marks", "y", 'recurrent_param { num_output: 3 weight_filler { type: "xavier" } }')
    net = make(text, x=(2, 1, 4), marks=(2, 1))
    x = torch.from_numpy(ramp(2, 1, 4)).requires_grad_()

    net(x=x, marks=torch.ones(2, 1))
    torch.autograd.backward(net(x=x.detach(), marks=torch.ones(2, 1))["y"].sum())

    assert x.grad is None


def test_another_number_of_sequences_begins_anew() -> None:
    text = layer("LSTM", "x marks", "y", 'recurrent_param { num_output: 3 weight_filler { type: "xavier" } }')
    net = make(text, x=(2, 3, 4), marks=(2, 3))
    x = torch.from_numpy(ramp(2, 3, 4))

    first = net(x=x, marks=torch.ones(2, 3))["y"]
    net(x=x[:, :2], marks=torch.ones(2, 2))
    again = net(x=x, marks=torch.ones(2, 3))["y"]

    torch.testing.assert_close(first, again)


def test_blobs_stand_in_caffes_order_with_the_static_weights_before_the_recurrent_ones() -> None:
    settings = 'recurrent_param { num_output: 3 weight_filler { type: "xavier" } bias_filler { value: 0.5 } }'

    lstm = make(layer("LSTM", "x m s", "y", settings), x=(4, 2, 5), m=(4, 2), s=(2, 7)).state()
    rnn = make(layer("RNN", "x m s", "y", settings), x=(4, 2, 5), m=(4, 2), s=(2, 7)).state()

    assert [blob.shape for blob in lstm.values()] == [(12, 5), (12,), (12, 7), (12, 3)]
    assert [blob.shape for blob in rnn.values()] == [(3, 5), (3,), (3, 7), (3, 3), (3, 3), (3,)]
    assert np.all(lstm["y:1"] == 0.5)
    assert np.all(rnn["y:1"] == 0.5)
    assert np.all(rnn["y:5"] == 0.5)
