"""The learning rate over a training: the policies, as DIGITS draws them and as Caffe steps along them.

DIGITS states every moment in percent of the training (``rate``, ``curve``); the solver file that it writes states them in iterations
(``Schedule``). Loads no torch: the web process draws the curve of the form with it.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from dataclasses import dataclass

from digits.caffeproto.caffe_pb2 import SolverParameter
from digits.core.errors import TrainingError
from digits.core.trainspec import (
    CosinePolicy,
    ExpPolicy,
    FixedPolicy,
    InvPolicy,
    LrPolicy,
    MultistepPolicy,
    PolyPolicy,
    SigmoidPolicy,
    StepPolicy,
)


def rate(policy: LrPolicy, base_lr: float, percent: float, warmup: float = 0.0) -> float:
    """Return the learning rate when ``percent`` (0 to 100) of the training has passed, by the formulae of DIGITS' graph.

    It rises from 0 to ``base_lr`` over the first ``warmup`` percent, as NVCaffe's.
    """
    if percent < warmup:
        return base_lr * percent / warmup
    match policy:
        case FixedPolicy():
            return base_lr
        case StepPolicy():
            return base_lr * _power(policy.gamma, math.floor(percent / policy.size))
        case MultistepPolicy():
            moments = sorted(float(value) for value in policy.values.split(","))
            return base_lr * _power(policy.gamma, bisect.bisect_right(moments, percent))
        case ExpPolicy():
            return base_lr * _power(policy.gamma, percent)
        case InvPolicy():
            return base_lr * _power(1 + policy.gamma * percent, -policy.power)
        case PolyPolicy():
            return base_lr * _power(1 - percent / 100, policy.power)
        case SigmoidPolicy():
            return base_lr * _logistic(policy.gamma * (percent - policy.step))
        case CosinePolicy():
            return base_lr * _half_cosine((percent - warmup) / (100 - warmup))


def curve(policy: LrPolicy, base_lr: float, warmup: float = 0.0, points: int = 101) -> list[float]:
    """Return the rate at ``points`` evenly spaced moments from 0 to 100 percent."""
    return [rate(policy, base_lr, 100 * index / (points - 1), warmup) for index in range(points)]


@dataclass(frozen=True)
class Schedule:
    """The rate at each iteration, by Caffe's formulae; fields are those of Caffe's SolverParameter.

    BVLC Caffe stops at a negative gamma of policy sigmoid, which is what DIGITS writes; NVCaffe takes it, and so does this.
    """

    lr_policy: str
    base_lr: float
    gamma: float = 0.0
    power: float = 0.0
    stepsize: int = 0
    stepvalue: tuple[int, ...] = ()
    max_iter: int = 0
    rampup_interval: int = 0
    """Iterations over which the rate rises from ``rampup_lr`` to ``base_lr`` before the policy holds (NVCaffe)."""
    rampup_lr: float = 0.0

    @classmethod
    def from_solver(cls, solver: SolverParameter) -> Schedule:
        """Return the schedule that a solver file asks for.

        Raises:
            TrainingError: no policy of that name, or a step size of 0.
        """
        if solver.lr_policy not in _AT_ITERATION:
            raise TrainingError(
                f"Learning-rate policy {solver.lr_policy!r} is unknown.", hint=f"Known: {', '.join(_AT_ITERATION)}."
            )
        if solver.lr_policy == "step" and solver.stepsize < 1:
            raise TrainingError("Learning-rate policy 'step' needs a step size of 1 iteration or more.")
        return cls(
            lr_policy=solver.lr_policy,
            base_lr=_as_written(solver.base_lr),
            gamma=_as_written(solver.gamma),
            power=_as_written(solver.power),
            stepsize=solver.stepsize,
            stepvalue=tuple(solver.stepvalue),
            max_iter=solver.max_iter,
            rampup_interval=solver.rampup_interval,
            rampup_lr=_as_written(solver.rampup_lr),
        )

    def __call__(self, iteration: int) -> float:
        """Return the rate of ``iteration``, counted from 0."""
        if iteration < self.rampup_interval:
            return self.rampup_lr + (self.base_lr - self.rampup_lr) * iteration / self.rampup_interval
        return self.base_lr * _AT_ITERATION[self.lr_policy](self, iteration)

    def steps_taken(self, iteration: int) -> int:
        """Return how many of ``stepvalue`` are past: Caffe moves on by one at most in an iteration ("current_step")."""
        taken, free_from = 0, 0
        for value in self.stepvalue:
            free_from = max(value, free_from)
            if iteration < free_from:
                break
            taken, free_from = taken + 1, free_from + 1
        return taken


_AT_ITERATION: dict[str, Callable[[Schedule, int], float]] = {
    "fixed": lambda schedule, iteration: 1.0,  # noqa: ARG005 - one shape for all policies
    "step": lambda schedule, iteration: _power(schedule.gamma, iteration // schedule.stepsize),
    "multistep": lambda schedule, iteration: _power(schedule.gamma, schedule.steps_taken(iteration)),
    "exp": lambda schedule, iteration: _power(schedule.gamma, iteration),
    "inv": lambda schedule, iteration: _power(1 + schedule.gamma * iteration, -schedule.power),
    "poly": lambda schedule, iteration: _power(1 - iteration / schedule.max_iter, schedule.power),
    "sigmoid": lambda schedule, iteration: _logistic(-schedule.gamma * (iteration - schedule.stepsize)),
    "cosine": lambda schedule, iteration: _half_cosine(
        (iteration - schedule.rampup_interval) / max(1, schedule.max_iter - schedule.rampup_interval)
    ),
}


def _power(base: float, exponent: float) -> float:
    """Return ``base ** exponent``; what is too large for a float is infinite, as in C."""
    try:
        return float(base**exponent)
    except (OverflowError, ZeroDivisionError):
        return math.inf


def _logistic(x: float) -> float:
    """Return 1 / (1 + e^x) for an ``x`` of any size."""
    return 1 / (1 + math.exp(x)) if x < 0 else math.exp(-x) / (1 + math.exp(-x))


def _half_cosine(share: float) -> float:
    """Return what falls from 1 to 0 while ``share`` rises from 0 to 1: SGDR without restarts (https://arxiv.org/abs/1608.03983)."""
    return (1 + math.cos(math.pi * min(max(share, 0.0), 1.0))) / 2


def _as_written(value: float) -> float:
    """Return the number that stood in the file: a float32 field gives 0.009999999776 for 0.01."""
    return float(f"{value:.7g}")
