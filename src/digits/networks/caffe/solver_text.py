"""From epochs and percents, which people think in, to Caffe's iterations: DIGITS' arithmetic for ``solver.prototxt``. No torch here."""

from __future__ import annotations

import math
from typing import Any

from digits.caffeproto import caffe_pb2
from digits.caffeproto.text import to_text
from digits.core.trainspec import (
    ExpPolicy,
    InvPolicy,
    LrPolicy,
    MultistepPolicy,
    PolyPolicy,
    SigmoidPolicy,
    StepPolicy,
    TrainSpec,
)

MOMENTUM = 0.9
ADAMW_DECAY = 0.01  # the usual one: it is multiplied by the rate
SNAPSHOT_PREFIX = "snapshot"


def solver(
    spec: TrainSpec, num_train: int, num_val: int, batch_train: int, batch_val: int, *, solver_type: str | None = None
) -> caffe_pb2.SolverParameter:
    """Return the solver of a training.

    Args:
        spec: what was asked for.
        num_train: training pictures.
        num_val: validation pictures; 0 without a validation set.
        batch_train: pictures in a training step.
        batch_val: pictures in a validation step.
        solver_type: one of Caffe's in the place of ``spec``'s, where Caffe has not that one.
    """
    solver_type = solver_type or spec.solver_type
    steps_per_epoch = math.ceil(num_train / batch_train)
    max_iter = steps_per_epoch * spec.train_epochs
    message = caffe_pb2.SolverParameter(
        max_iter=max_iter,
        snapshot=_interval(spec.snapshot_interval * steps_per_epoch, max_iter),
        snapshot_prefix=SNAPSHOT_PREFIX,
        base_lr=spec.learning_rate,
        weight_decay=spec.learning_rate / 100,
        **_type_of(solver_type),
        display=max(1, min(max_iter // (spec.train_epochs * 8), math.ceil(5000 / batch_train))),
    )
    if solver_type == "ADAMW":
        message.weight_decay = ADAMW_DECAY
    if num_val and spec.val_interval:
        message.test_iter.append(math.ceil(num_val / batch_val))
        message.test_interval = _interval(spec.val_interval * steps_per_epoch, max_iter) or max_iter
    if solver_type not in ("ADAGRAD", "RMSPROP"):
        message.momentum = MOMENTUM
    if solver_type == "RMSPROP":
        message.rms_decay = spec.rms_decay
    if spec.batch_accumulation:
        message.iter_size = spec.batch_accumulation
    if spec.random_seed is not None:
        message.random_seed = spec.random_seed
    if spec.lr_warmup:
        message.rampup_interval = math.ceil(max_iter * spec.lr_warmup / 100)
        message.rampup_lr = 0.0
    _set_policy(message, spec.lr, max_iter / 100)
    return message


def solver_text(message: caffe_pb2.SolverParameter, *, net: str = "train_val.prototxt") -> str:
    """Return ``solver.prototxt`` for the network in the file ``net``."""
    complete = caffe_pb2.SolverParameter()
    complete.CopyFrom(message)
    complete.net = net
    return to_text(complete)


def _type_of(name: str) -> dict[str, Any]:
    """Return the field that names the solver: the enum of the DIGITS of old, or, for what that lacks, the string."""
    return {"solver_type" if name in caffe_pb2.SolverParameter.SolverType.keys() else "type": name}  # noqa: SIM118 - no mapping


def _interval(steps: float, max_iter: int) -> int:
    """Return whole steps, at least 1; 0 (only at the end) when nothing is asked for or it does not come before the end."""
    if 0 < steps <= 1:
        return 1
    return int(steps) if 1 < steps < max_iter else 0


def _set_policy(message: caffe_pb2.SolverParameter, policy: LrPolicy, steps_per_percent: float) -> None:
    message.lr_policy = policy.policy
    match policy:
        case StepPolicy():
            message.stepsize = math.ceil(policy.size * steps_per_percent)
            message.gamma = policy.gamma
        case MultistepPolicy():
            message.stepvalue.extend(math.ceil(float(v) * steps_per_percent) for v in policy.values.split(","))
            message.gamma = policy.gamma
        case ExpPolicy():
            message.gamma = policy.gamma ** (1 / steps_per_percent)
        case InvPolicy():
            message.gamma = policy.gamma / steps_per_percent
            message.power = policy.power
        case PolyPolicy():
            message.power = policy.power
        case SigmoidPolicy():
            message.gamma = -policy.gamma / steps_per_percent
            message.stepsize = math.ceil(policy.step * steps_per_percent)
        case _:
            pass
