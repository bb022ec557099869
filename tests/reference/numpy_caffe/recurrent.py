"""LSTM, RNN and LSTMUnit, step by step."""

from __future__ import annotations

import numpy as np

from tests.reference.numpy_caffe.net import Array, Message, layer


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x))."""
    y: Array = 1 / (1 + np.exp(-x))
    return y


def unit(cells: Array, sums: Array, mark: Array) -> tuple[Array, Array]:
    """Return the new cells and outputs; ``mark`` is one number a sequence."""
    size = cells.shape[-1]
    i, f, o = (sigmoid(sums[..., k * size : (k + 1) * size]) for k in range(3))
    g = np.tanh(sums[..., 3 * size :])
    cells = mark[..., None] * f * cells + i * g
    return cells, o * np.tanh(cells)


@layer("LSTMUnit")
def lstm_unit(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """One step."""
    return list(unit(*bottoms))


@layer("LSTM")
def lstm(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """From a state of 0, or from one that is given."""
    x, marks, *rest = bottoms
    p, held = m.recurrent_param, list(params)
    w_xc, b_c = held.pop(0), held.pop(0)
    cells = h = np.zeros((x.shape[1], p.num_output))
    if p.expose_hidden:
        cells, h = rest.pop()[0], rest.pop()[0]
    static = rest[0].reshape(len(rest[0]), -1) @ held.pop(0).T if rest else 0
    outputs = []
    for t in range(len(x)):
        sums = x[t].reshape(x.shape[1], -1) @ w_xc.T + b_c + static + (marks[t][:, None] * h) @ held[0].T
        cells, h = unit(cells, sums, marks[t])
        outputs.append(h)
    return [np.stack(outputs), h[None], cells[None]][: len(m.top)]


@layer("RNN")
def rnn(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """From a state of 0, or from one that is given."""
    x, marks, *rest = bottoms
    p, held = m.recurrent_param, list(params)
    w_xh, b_h = held.pop(0), held.pop(0)
    h = rest.pop()[0] if p.expose_hidden else np.zeros((x.shape[1], p.num_output))
    static = rest[0].reshape(len(rest[0]), -1) @ held.pop(0).T if rest else 0
    w_hh, w_ho, b_o = held
    outputs = []
    for t in range(len(x)):
        h = np.tanh(x[t].reshape(x.shape[1], -1) @ w_xh.T + b_h + static + (marks[t][:, None] * h) @ w_hh.T)
        outputs.append(np.tanh(h @ w_ho.T + b_o))
    return [np.stack(outputs), h[None]][: len(m.top)]
