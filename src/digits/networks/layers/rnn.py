"""Caffe ``RNN``: a plain recurrent network over (T, N, D) sequences, with a tanh on its state and on its output."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from digits.networks.layers.recurrent import Recurrent, check_recurrent, fillers, weight
from digits.networks.layers.registry import Layer, Lowered, converter


@converter("RNN", bottoms=(2, 4), tops=(1, 2))
def rnn(layer: Layer) -> Lowered:
    """Input (T, N, D), marks (T, N) and maybe a static input (N, S), to (T, N, H).

    With ``expose_hidden`` the state to begin with, (1, N, H), is the last bottom, and the final one a second top; without, a pass goes on
    where the last one ended, wherever a mark is not 0. Weights: W_xh (H, D), b_h, W_xh_static (H, S) if there is a static input,
    W_hh (H, H), W_ho (H, H), b_o.
    """
    num_inputs, num_static = check_recurrent(layer, 1)
    param = layer.message.recurrent_param
    with torch.device("meta"):
        module = RNN(num_inputs, num_static, param.num_output, exposed=param.expose_hidden)
    names = ("w_xh", "b_h", *(("w_xh_static",) if num_static else ()), "w_hh", "w_ho", "b_o")
    return Lowered(module, blobs=fillers(layer, names))


class RNN(Recurrent):
    """One product for the inputs of all steps and one for all outputs; between them a step at a time."""

    def __init__(self, num_inputs: int, num_static: int, num_outputs: int, *, exposed: bool) -> None:
        super().__init__(num_outputs, 1, exposed=exposed)
        self.w_xh, self.b_h = weight(num_outputs, num_inputs), weight(num_outputs)
        self.w_xh_static = weight(num_outputs, num_static) if num_static else None
        self.w_hh, self.w_ho = weight(num_outputs, num_outputs), weight(num_outputs, num_outputs)
        self.b_o = weight(num_outputs)

    def forward(self, x: Tensor, marks: Tensor, *rest: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return the outputs of all steps; with an exposed state also the last one."""
        static, (state,) = self.split(rest, x)
        sums = F.linear(x.reshape(*x.shape[:2], -1), self.w_xh, self.b_h)
        if static is not None and self.w_xh_static is not None:
            sums = sums + F.linear(static.flatten(1), self.w_xh_static)
        states = []
        for sum_x, mark in zip(sums, marks.detach().unsqueeze(-1), strict=True):
            state = torch.tanh(sum_x + F.linear(mark * state, self.w_hh))
            states.append(state)
        return self.finish(torch.tanh(F.linear(torch.stack(states), self.w_ho, self.b_o)), (state,))
