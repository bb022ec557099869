"""Caffe's six solvers, to the letter, and AdamW: how the weights follow the gradient.

One step is: clip the summed gradient by its norm, divide by ``iter_size``, add the weight decay, let the solver move the weights. It differs from
``torch.optim`` where it matters: SGD's rate is inside the momentum's history, epsilon is not bias-corrected in Adam, decay and
rate have a factor for each parameter. All work is done on lists of tensors: by torch's fused kernels where their arithmetic can be made
Caffe's (SGD was measured 5 times faster so), else by ``torch._foreach_*``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from digits.caffeproto.caffe_pb2 import SolverParameter
from digits.core.errors import TrainingError, WeightsError


class Learnable(Protocol):
    """A parameter of a network, as a solver sees it."""

    @property
    def name(self) -> str:
        """Caffe's name: "<layer>:<blob index>"."""

    @property
    def tensor(self) -> Tensor:
        """The weights; ``.grad`` holds the summed gradient."""

    @property
    def lr_mult(self) -> float:
        """Factor of the learning rate; at 0 the parameter never moves."""

    @property
    def decay_mult(self) -> float:
        """Factor of the weight decay."""


@dataclass(frozen=True)
class Hyper:
    """What a solver file sets beside the learning rate; Caffe's names and defaults."""

    momentum: float = 0.0
    momentum2: float = 0.999
    delta: float = 1e-8
    rms_decay: float = 0.99
    weight_decay: float = 0.0
    regularization_type: str = "L2"
    clip_gradients: float = -1.0
    iter_size: int = 1

    @classmethod
    def from_solver(cls, solver: SolverParameter) -> Hyper:
        """Return what a solver file sets."""
        return cls(**{field.name: getattr(solver, field.name) for field in fields(cls)})


@dataclass
class _Group:
    """Parameters with the same two factors, so that one call moves them all."""

    lr_mult: float
    decay_mult: float
    names: list[str] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)
    history: dict[str, list[Tensor]] = field(default_factory=dict)


class Solver:
    """Moves weights along their gradients; a subclass says how far.

    Args:
        parameters: all parameters of the network; those with ``lr_mult`` 0 are left as they are.
        hyper: the solver file's settings.
    """

    slots: ClassVar[tuple[str, ...]] = ()
    """Names of what is remembered of each parameter from step to step, in the order of Caffe's solverstate."""
    adds_decay: ClassVar[bool] = False
    """Whether ``_move`` adds an L2 weight decay by itself."""

    def __init__(self, parameters: Sequence[Learnable], hyper: Hyper) -> None:
        self.hyper = hyper
        self.iteration = 0
        groups: dict[tuple[float, float], _Group] = {}
        for parameter in parameters:
            if parameter.lr_mult == 0:
                continue
            key = (parameter.lr_mult, parameter.decay_mult)
            group = groups.setdefault(key, _Group(*key))
            group.names.append(parameter.name)
            group.weights.append(parameter.tensor)
            for slot in self.slots:
                group.history.setdefault(slot, []).append(torch.zeros_like(parameter.tensor))
        self._groups = list(groups.values())

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move every weight once, by the gradients in ``.grad``, and forget those."""
        gradients = [[_gradient(weight) for weight in group.weights] for group in self._groups]
        self._scale([each for group in gradients for each in group])
        for group, each in zip(self._groups, gradients, strict=True):
            self._decay(group, each)
            self._move(group, each, rate * group.lr_mult)
            for weight in group.weights:
                weight.grad = None
        self.iteration += 1

    def state(self) -> dict[str, Tensor]:
        """Return what is remembered, as "<slot>/<layer>:<blob index>"."""
        return dict(self._remembered())

    def load_state(self, state: Mapping[str, Tensor], iteration: int) -> None:
        """Go on where ``state`` was taken, after ``iteration`` steps.

        Raises:
            WeightsError: it was taken with another solver or another network.
        """
        for name, tensor in self._remembered():
            if name not in state or state[name].shape != tensor.shape:
                raise WeightsError(
                    f"The snapshot's solver state does not fit this training: {name!r} is missing or of another shape.",
                    hint="Resume needs the network and the solver that the snapshot was made with.",
                )
            tensor.copy_(state[name])
        self.iteration = iteration

    def _remembered(self) -> Iterator[tuple[str, Tensor]]:
        for group in self._groups:
            for slot, tensors in group.history.items():
                for name, tensor in zip(group.names, tensors, strict=True):
                    yield f"{slot}/{name}", tensor

    def _scale(self, gradients: list[Tensor]) -> None:
        """Clip by the norm over all parameters, then divide by ``iter_size``: Caffe's order."""
        if self.hyper.clip_gradients > 0 and gradients:
            norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
            torch._foreach_mul_(gradients, (self.hyper.clip_gradients / norm).clamp(max=1.0))
        if self.hyper.iter_size > 1:
            torch._foreach_mul_(gradients, 1 / self.hyper.iter_size)

    def _decay(self, group: _Group, gradients: list[Tensor]) -> None:
        """Add the weight decay's part to the gradients."""
        decay = self.hyper.weight_decay * group.decay_mult
        if decay == 0 or self._l2(group):
            return
        if self.hyper.regularization_type == "L1":
            torch._foreach_add_(gradients, torch._foreach_sign(group.weights), alpha=decay)
        else:
            torch._foreach_add_(gradients, group.weights, alpha=decay)

    def _l2(self, group: _Group) -> float:
        """Return the L2 weight decay that ``_move`` has to add."""
        if self.adds_decay and self.hyper.regularization_type != "L1":
            return self.hyper.weight_decay * group.decay_mult
        return 0.0

    def _move(self, group: _Group, gradients: list[Tensor], rate: float) -> None:
        """Change the group's weights; ``rate`` holds the group's factor already."""
        raise NotImplementedError


class SGD(Solver):
    """h = momentum h + rate g; w -= h. The rate is inside the history: a falling rate does not slow what already rolls.

    torch's kernel computes h = momentum h + (1 - dampening) g; w -= lr h, so its "dampening" is 1 - rate and its "lr" is 1;
    without momentum it has neither h nor dampening.
    """

    slots = ("momentum",)
    adds_decay = True

    def _move(self, group: _Group, gradients: list[Tensor], rate: float) -> None:
        momentum = self.hyper.momentum
        torch._fused_sgd_(
            group.weights, gradients, group.history["momentum"] if momentum else [], weight_decay=self._l2(group),
            momentum=momentum, lr=1.0 if momentum else rate, dampening=1 - rate if momentum else 0.0,
            nesterov=False, maximize=False, is_first_step=False,
        )  # fmt: skip


class Nesterov(Solver):
    """h' = momentum h + rate g; w -= (1 + momentum) h' - momentum h."""

    slots = ("momentum",)

    def _move(self, group: _Group, gradients: list[Tensor], rate: float) -> None:
        history, momentum = group.history["momentum"], self.hyper.momentum
        torch._foreach_add_(group.weights, history, alpha=momentum)
        torch._foreach_mul_(history, momentum)
        torch._foreach_add_(history, gradients, alpha=rate)
        torch._foreach_sub_(group.weights, history, alpha=1 + momentum)


class AdaGrad(Solver):
    """h += g²; w -= rate g / (√h + delta)."""

    slots = ("squares",)

    def _move(self, group: _Group, gradients: list[Tensor], rate: float) -> None:
        squares = group.history["squares"]
        torch._foreach_addcmul_(squares, gradients, gradients, value=1.0)
        _divide_by_root(group, gradients, squares, rate, self.hyper.delta)


class RMSProp(Solver):
    """h = d h + (1 - d) g²; w -= rate g / (√h + delta)."""

    slots = ("squares",)

    def _move(self, group: _Group, gradients: list[Tensor], rate: float) -> None:
        squares, decay = group.history["squares"], self.hyper.rms_decay
        torch._foreach_mul_(squares, decay)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - decay)
        _divide_by_root(group, gradients, squares, rate, self.hyper.delta)


class AdaDelta(Solver):
    """a = m a + (1 - m) g²; u = g √((delta + b) / (delta + a)); b = m b + (1 - m) u²; w -= rate u."""

    slots = ("squares", "moves")

    def _move(self, group: _Group, gradients: list[Tensor], rate: float) -> None:
        squares, moves = group.history["squares"], group.history["moves"]
        momentum, delta = self.hyper.momentum, self.hyper.delta
        torch._foreach_mul_(squares, momentum)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - momentum)
        update = torch._foreach_add(moves, delta)
        torch._foreach_div_(update, torch._foreach_add(squares, delta))
        torch._foreach_sqrt_(update)
        torch._foreach_mul_(update, gradients)
        torch._foreach_mul_(moves, momentum)
        torch._foreach_addcmul_(moves, update, update, value=1 - momentum)
        torch._foreach_sub_(group.weights, update, alpha=rate)


class Adam(Solver):
    """m, v as usual; w -= rate √(1 - b2^t) / (1 - b1^t) m / (√v + delta): delta is not corrected, decay is inside g.

    torch's kernel adds its epsilon to √v / √(1 - b2^t), so its "eps" is delta / √(1 - b2^t).
    """

    slots = ("mean", "squares")
    adds_decay = True

    def _move(self, group: _Group, gradients: list[Tensor], rate: float) -> None:
        step = self.iteration + 1
        steps = [torch.tensor(float(step), device=group.weights[0].device)] * len(group.weights)
        torch._fused_adam_(
            group.weights, gradients, group.history["mean"], group.history["squares"], [], steps,
            lr=rate, beta1=self.hyper.momentum, beta2=self.hyper.momentum2, weight_decay=self._l2(group),
            eps=self.hyper.delta / math.sqrt(1 - self.hyper.momentum2**step), amsgrad=False, maximize=False,
        )  # fmt: skip


class AdamW(Solver):
    """Adam with the weight decay beside the gradient, w -= rate decay w, and epsilon as in torch (https://arxiv.org/abs/1711.05101)."""

    slots = ("mean", "squares")
    adds_decay = True

    def _move(self, group: _Group, gradients: list[Tensor], rate: float) -> None:
        steps = [torch.tensor(self.iteration + 1.0, device=group.weights[0].device)] * len(group.weights)
        torch._fused_adamw_(
            group.weights, gradients, group.history["mean"], group.history["squares"], [], steps,
            lr=rate, beta1=self.hyper.momentum, beta2=self.hyper.momentum2, weight_decay=self._l2(group),
            eps=self.hyper.delta, amsgrad=False, maximize=False,
        )  # fmt: skip


SOLVERS: dict[str, type[Solver]] = {
    "SGD": SGD,
    "NESTEROV": Nesterov,
    "ADAGRAD": AdaGrad,
    "RMSPROP": RMSProp,
    "ADADELTA": AdaDelta,
    "ADAM": Adam,
    "ADAMW": AdamW,
}


def make_solver(solver: SolverParameter, parameters: Sequence[Learnable]) -> Solver:
    """Return the solver that a solver file asks for, by ``type`` ("AdaGrad") or by the older ``solver_type`` (ADAGRAD).

    Raises:
        TrainingError: no solver of that name, or settings that Caffe refuses for it.
    """
    name = solver.type if solver.HasField("type") else SolverParameter.SolverType.Name(solver.solver_type)
    hyper = Hyper.from_solver(solver)
    try:
        kind = SOLVERS[name.upper()]
    except KeyError:
        raise TrainingError(f"Solver {name!r} is unknown.", hint=f"Known: {', '.join(SOLVERS)}.") from None
    if kind in (AdaGrad, RMSProp) and hyper.momentum != 0:
        raise TrainingError(f"Momentum cannot be used with {name}.", hint="Leave momentum out of the solver.")
    return kind(parameters, hyper)


def _gradient(weight: Tensor) -> Tensor:
    """Return the gradient of ``weight``: zeros where no loss depends on it."""
    return weight.grad if weight.grad is not None else torch.zeros_like(weight)


def _divide_by_root(group: _Group, numerator: list[Tensor], squares: list[Tensor], rate: float, delta: float) -> None:
    """W -= rate numerator / (√squares + delta)."""
    denominator = torch._foreach_sqrt(squares)
    torch._foreach_add_(denominator, delta)
    torch._foreach_addcdiv_(group.weights, numerator, denominator, value=-rate)
