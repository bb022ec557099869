"""From epochs and percents to iterations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import text_format

from digits.caffeproto import caffe_pb2
from digits.core.trainspec import TrainSpec
from digits.networks.caffe.solver_text import solver, solver_text
from tests.shared import needs_shared, shared

# how DIGITS' own names in the fixture are called in the form
POLICY_FIELDS = {
    "step": {"stepsize": "size", "gamma": "gamma"},
    "multistep": {"stepvalue": "values", "gamma": "gamma"},
    "sigmoid": {"stepsize": "step", "gamma": "gamma"},
}


def spec(**changes: Any) -> TrainSpec:
    return TrainSpec.model_validate(
        {"dataset": "d", "name": "n", "network": {"method": "standard", "name": "lenet"}} | changes
    )


def test_mnist_with_the_forms_defaults() -> None:
    message = solver(spec(train_epochs=3), 45_002, 14_998, 64, 32)

    # ceil(45002 / 64) = 704 steps an epoch
    assert (message.max_iter, message.snapshot, message.test_interval, list(message.test_iter)) == (
        2112,
        704,
        704,
        [469],
    )
    assert message.stepsize == 697
    assert [message.gamma, message.momentum, message.weight_decay] == pytest.approx([0.1, 0.9, 1e-4])


def test_accumulation_and_seed_are_passed_on_and_do_not_change_the_iterations() -> None:
    message = solver(spec(batch_accumulation=4, random_seed=2**32 - 1), 100, 0, 10, 10)

    assert (message.iter_size, message.max_iter, message.random_seed) == (4, 300, 2**32 - 1)
    assert not message.test_iter


def test_a_snapshot_that_does_not_come_before_the_end_is_the_last_one_alone() -> None:
    assert solver(spec(train_epochs=2, snapshot_interval=2), 100, 0, 10, 10).snapshot == 0
    assert solver(spec(train_epochs=2, snapshot_interval=0), 100, 0, 10, 10).snapshot == 0
    assert solver(spec(train_epochs=2, snapshot_interval=0.01), 100, 0, 10, 10).snapshot == 1


def test_the_text_is_a_solver_that_names_its_network() -> None:
    message = text_format.Parse(solver_text(solver(spec(), 100, 20, 10, 10)), caffe_pb2.SolverParameter())

    assert (message.net, message.max_iter, message.snapshot_prefix) == ("train_val.prototxt", 300, "snapshot")


@needs_shared
def test_digits_own_arithmetic_gives_the_same_solvers() -> None:
    cases = json.loads(shared("oracle", "digits_solver", "expected.json").read_text())["cases"]
    assert len(cases) == 28

    for case in cases:
        args, expected = case["args"], case["expected"]
        renamed = POLICY_FIELDS.get(args["policy"]["policy"], {})
        asked = spec(
            train_epochs=args["epochs"],
            snapshot_interval=args["snap"],
            val_interval=args["val"],
            solver_type=args["solver"],
            learning_rate=args["lr"],
            lr={renamed.get(name, name): value for name, value in args["policy"].items()},
        )
        message = solver(asked, args["n_train"], args["n_val"], args["bs"], args["vbs"])
        if not args["n_val"]:
            expected.pop("test_interval", None)
        for name, value in expected.items():
            ours = asked.solver_type if name == "solver_type" else getattr(message, name)
            wanted = pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
            assert (list(ours) if isinstance(value, list) else ours) == wanted, (args, name)
        assert message.HasField("momentum") == ("momentum" in expected), args
