"""What Caffe's ``LSTM`` and ``RNN`` share: which bottoms and tops there are, and the state that goes on from pass to pass.

Legend: T steps, N sequences side by side, D inputs, H outputs. ``marks`` (T, N) are 0 where a sequence begins: its state is forgotten
there. Marks and states get no gradient from the pass before.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from digits.networks.layers.registry import Blob, Layer

_MOST_STEPS = 20_000  # each is computed by itself


class Recurrent(nn.Module):
    """The state of the last pass, from which the next one goes on unless its marks are 0 or the caller gives the state."""

    def __init__(self, num_outputs: int, num_states: int, *, exposed: bool) -> None:
        super().__init__()
        self.num_outputs, self.num_states, self.exposed = num_outputs, num_states, exposed
        self._kept: tuple[Tensor, ...] = ()

    def split(self, rest: Sequence[Tensor], x: Tensor) -> tuple[Tensor | None, tuple[Tensor, ...]]:
        """Return the static input, if there is one, and the states (N, H) to begin with, of the bottoms after the marks."""
        given = list(rest)
        if self.exposed:
            states = tuple(state.flatten(0, 1) for state in given[-self.num_states :])
            del given[-self.num_states :]
        else:
            shape = (x.shape[1], self.num_outputs)
            fits = [state.shape == shape and not x.is_meta for state in self._kept]
            states = tuple(state.to(x) for state in self._kept) if fits and all(fits) else ()
        return (given[0] if given else None), states or tuple(x.new_zeros(shape) for _ in range(self.num_states))

    def finish(self, output: Tensor, states: tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
        """Keep the last states, and return the tops: the output, and the states if they are exposed."""
        if self.exposed:
            return output, *(state.unsqueeze(0) for state in states)
        if not output.is_meta:
            self._kept = tuple(state.detach() for state in states)
        return output

    def reset(self) -> None:
        """Forget the state of the last pass."""
        self._kept = ()


def check_recurrent(layer: Layer, num_states: int) -> tuple[int, int]:
    """Return D and the number of static inputs (0 for none).

    Raises:
        NetworkError: a bottom is missing, too much or of another shape.
    """
    param, (x, marks, *rest) = layer.message.recurrent_param, layer.in_shapes
    num_given = num_states if param.expose_hidden else 0
    if not param.num_output:
        raise layer.error(
            "num_output must be given and be at least 1.", "recurrent_param.num_output", "recurrent_param"
        )
    if len(rest) - num_given not in (0, 1) or len(layer.message.top) != 1 + num_given:
        words = f"{2 + num_given} or {3 + num_given} bottoms and {1 + num_given} tops"
        exposed = "with" if param.expose_hidden else "without"
        raise layer.error(
            f"{exposed} expose_hidden it takes {words}, and has {2 + len(rest)} and {len(layer.message.top)}."
        )
    if len(x) < 2 or marks != x[:2]:
        raise layer.error(f"its input of {x} wants marks of its first two axes, and gets {marks}.", "bottom")
    if x[0] > _MOST_STEPS:
        raise layer.error(f"its input has {x[0]:,} steps; {_MOST_STEPS:,} are the most.", "bottom")
    state = (1, x[1], param.num_output)
    for shape in rest[len(rest) - num_given :]:
        if shape != state:
            raise layer.error(f"a state to begin with is {shape} and must be {state}.", "bottom")
    static = rest[0] if len(rest) > num_given else None
    if static is not None and static[:1] != (x[1],):
        raise layer.error(f"its static input is {static}; the first axis must be {x[1]}.", "bottom")
    num_static = prod(static[1:]) if static is not None else 0
    layer.blob_shape(
        4 * param.num_output, max(prod(x[2:]), num_static, param.num_output), field="recurrent_param.num_output"
    )
    return prod(x[2:]), num_static


def weight(*shape: int) -> nn.Parameter:
    """Return a parameter that is filled later."""
    return nn.Parameter(torch.empty(shape))


def fillers(layer: Layer, names: Sequence[str]) -> tuple[Blob, ...]:
    """Return the parameter blobs; the name of a bias begins with "b"."""
    param = layer.message.recurrent_param
    return tuple(Blob(name, param.bias_filler if name.startswith("b") else param.weight_filler) for name in names)
