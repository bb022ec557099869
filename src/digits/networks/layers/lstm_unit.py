"""Caffe ``LSTMUnit``: one step of an LSTM's cells, from the sums at its gates; ``LSTM`` is made of these."""

from __future__ import annotations

from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("LSTMUnit", bottoms=3, tops=2)
def lstm_unit_layer(layer: Layer) -> Lowered:
    """Cells (1, N, D), sums (1, N, 4 D) in the order i, f, o, g, and going-on marks (1, N), to new cells and outputs (1, N, D)."""
    cells, sums, marks = layer.in_shapes
    fits = len(cells) == 3 and cells[0] == 1 and sums == (1, cells[1], 4 * cells[2]) and marks == (1, cells[1])
    if not fits:
        raise layer.error(
            f"bottoms of {cells}, {sums} and {marks} are not (1, N, D), (1, N, 4 D) and (1, N).", "bottom"
        )
    return Lowered(lstm_unit)


def lstm_unit(cells: Tensor, sums: Tensor, marks: Tensor) -> tuple[Tensor, Tensor]:
    """Return the new cells and the outputs; where a mark is 0 the old cells are forgotten."""
    return step(cells, sums, marks.detach().unsqueeze(-1))


def step(cells: Tensor, sums: Tensor, marks: Tensor) -> tuple[Tensor, Tensor]:
    """Return the new cells and the outputs [..., D]; ``marks`` [..., 1] is 0 where a sequence begins."""
    into, forget, out, candidate = sums.chunk(4, -1)
    cells = marks * forget.sigmoid() * cells + into.sigmoid() * candidate.tanh()
    return cells, out.sigmoid() * cells.tanh()
