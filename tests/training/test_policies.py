"""The learning-rate policies against values worked out by hand."""

from __future__ import annotations

import math

import pytest

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
    TrainSpec,
)
from digits.networks.caffe.solver_text import solver
from digits.training.policies import Schedule, curve, rate

BY_HAND: list[tuple[LrPolicy, dict[float, float]]] = [
    (FixedPolicy(), {0: 0.01, 50: 0.01, 100: 0.01}),
    (StepPolicy(), {0: 0.01, 32: 0.01, 33: 0.001, 65: 0.001, 66: 0.0001, 98: 0.0001, 99: 0.00001, 100: 0.00001}),
    (MultistepPolicy(), {0: 0.01, 49: 0.01, 50: 0.005, 84: 0.005, 85: 0.0025, 100: 0.0025}),
    (ExpPolicy(), {0: 0.01, 1: 0.0095, 2: 0.009025, 10: 0.005987369392383789}),
    (InvPolicy(), {0: 0.01, 30: 0.005, 80: 0.0033333333333333335}),
    (PolyPolicy(), {0: 0.01, 50: 0.00125, 90: 0.00001, 100: 0.0}),
    (
        CosinePolicy(),
        {0: 0.01, 25: 0.01 * (0.5 + math.sqrt(0.125)), 50: 0.005, 75: 0.01 * (0.5 - math.sqrt(0.125)), 100: 0.0},
    ),
    (SigmoidPolicy(), {50: 0.005, 0: 0.01 / (1 + math.exp(-5)), 100: 0.01 / (1 + math.exp(5))}),
]


@pytest.mark.parametrize(("policy", "by_hand"), BY_HAND, ids=lambda value: getattr(value, "policy", ""))
def test_a_policy_gives_the_rates_worked_out_by_hand(policy: LrPolicy, by_hand: dict[float, float]) -> None:
    assert {percent: rate(policy, 0.01, percent) for percent in by_hand} == pytest.approx(by_hand, rel=1e-12, abs=1e-18)


@pytest.mark.parametrize("policy", [policy for policy, _ in BY_HAND], ids=lambda policy: policy.policy)
def test_iterations_follow_the_graph_that_was_drawn_in_percent(policy: LrPolicy) -> None:
    spec = TrainSpec(dataset="d", name="m", train_epochs=10, lr=policy, learning_rate=0.01)

    schedule = Schedule.from_solver(solver(spec, num_train=6400, num_val=0, batch_train=64, batch_val=32))

    assert [schedule(10 * percent) for percent in range(100)] == pytest.approx(curve(policy, 0.01)[:100], rel=1e-3)


@pytest.mark.parametrize("policy", [FixedPolicy(), StepPolicy(), CosinePolicy()], ids=lambda policy: policy.policy)
def test_a_rate_warms_up_from_nothing_before_its_policy_holds(policy: LrPolicy) -> None:
    spec = TrainSpec(dataset="d", name="m", train_epochs=10, lr=policy, learning_rate=0.01, lr_warmup=20)

    schedule = Schedule.from_solver(solver(spec, num_train=6400, num_val=0, batch_train=64, batch_val=32))

    drawn = curve(policy, 0.01, warmup=20)
    assert [drawn[0], drawn[5], drawn[10], drawn[20]] == pytest.approx([0.0, 0.0025, 0.005, 0.01])
    assert [schedule(10 * percent) for percent in range(100)] == pytest.approx(drawn[:100], rel=1e-3)


def test_a_cosine_after_a_warm_up_falls_over_what_is_left() -> None:
    assert rate(CosinePolicy(), 0.01, 60, warmup=20) == pytest.approx(0.005)
    assert rate(CosinePolicy(), 0.01, 100, warmup=20) == 0.0


def test_the_curve_of_the_form_has_a_point_for_each_percent() -> None:
    points = curve(MultistepPolicy(values="12.5, 10"), 1.0)

    assert len(points) == 101
    assert points[9:14] == [1.0, 0.5, 0.5, 0.5, 0.25]


def test_a_rate_of_any_settings_is_a_number_or_infinite_and_never_an_error() -> None:
    assert rate(SigmoidPolicy(gamma=1e6, step=0), 1.0, 100) == 0.0
    assert rate(SigmoidPolicy(gamma=-1e6, step=0), 1.0, 100) == 1.0
    assert rate(ExpPolicy(gamma=1e9), 1.0, 100) == math.inf
    assert rate(PolyPolicy(power=0), 1.0, 100) == 1.0


def test_multistep_falls_once_an_iteration_even_where_two_values_are_equal() -> None:
    schedule = Schedule("multistep", 1.0, gamma=0.5, stepvalue=(0, 2, 2, 7), max_iter=10)

    assert [schedule.steps_taken(iteration) for iteration in range(9)] == [1, 1, 2, 3, 3, 3, 3, 4, 4]


def test_a_schedule_that_no_caffe_knows_is_refused_with_those_that_are() -> None:
    with pytest.raises(TrainingError, match=r"'triangle' is unknown\. Known: fixed, step"):
        Schedule.from_solver(SolverParameter(lr_policy="triangle", base_lr=0.1))
    with pytest.raises(TrainingError, match="step size"):
        Schedule.from_solver(SolverParameter(lr_policy="step", base_lr=0.1, gamma=0.1))


def test_a_rate_of_a_solver_file_is_the_number_that_stands_there() -> None:
    assert Schedule.from_solver(SolverParameter(lr_policy="fixed", base_lr=0.01))(7) == 0.01
