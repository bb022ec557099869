"""Caffe ``LSTM``: long short-term memory over (T, N, D) sequences, which may begin and end anywhere within."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from digits.networks.layers.lstm_unit import step
from digits.networks.layers.recurrent import Recurrent, check_recurrent, fillers, weight
from digits.networks.layers.registry import Layer, Lowered, converter


@converter("LSTM", bottoms=(2, 5), tops=(1, 3))
def lstm(layer: Layer) -> Lowered:
    """Input (T, N, D), marks (T, N) and maybe a static input (N, S), to (T, N, H); gates in the order i, f, o, g.

    With ``expose_hidden`` the output and cells to begin with, (1, N, H) each, are the last two bottoms, and the final ones two more tops;
    without, a pass goes on where the last one ended, wherever a mark is not 0. Weights: W_xc (4 H, D), b_c, W_xc_static (4 H, S) if there
    is a static input, W_hc (4 H, H).
    """
    num_inputs, num_static = check_recurrent(layer, 2)
    param = layer.message.recurrent_param
    with torch.device("meta"):
        module = LSTM(num_inputs, num_static, param.num_output, exposed=param.expose_hidden)
    names = ("w_xc", "b_c", "w_xc_static", "w_hc") if num_static else ("w_xc", "b_c", "w_hc")
    return Lowered(module, blobs=fillers(layer, names))


class LSTM(Recurrent):
    """One product for the inputs of all steps, then a step at a time."""

    def __init__(self, num_inputs: int, num_static: int, num_outputs: int, *, exposed: bool) -> None:
        super().__init__(num_outputs, 2, exposed=exposed)
        self.w_xc, self.b_c = weight(4 * num_outputs, num_inputs), weight(4 * num_outputs)
        self.w_xc_static = weight(4 * num_outputs, num_static) if num_static else None
        self.w_hc = weight(4 * num_outputs, num_outputs)

    def forward(self, x: Tensor, marks: Tensor, *rest: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return the outputs of all steps; with exposed states also the last output and cells."""
        static, (output, cells) = self.split(rest, x)
        sums = F.linear(x.reshape(*x.shape[:2], -1), self.w_xc, self.b_c)
        if static is not None and self.w_xc_static is not None:
            sums = sums + F.linear(static.flatten(1), self.w_xc_static)
        outputs = []
        for sum_x, mark in zip(sums, marks.detach().unsqueeze(-1), strict=True):
            cells, output = step(cells, sum_x + F.linear(mark * output, self.w_hc), mark)
            outputs.append(output)
        return self.finish(torch.stack(outputs), (output, cells))
