"""Caffe's six solvers against what real Caffe did: 19 runs of 20 iterations from the same weights on the same batches."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from digits.caffeproto.caffe_pb2 import SolverParameter
from digits.caffeproto.text import parse_message
from digits.core.errors import TrainingError, WeightsError
from digits.training.policies import Schedule
from digits.training.solvers import SOLVERS, Solver, make_solver
from tests.shared import SHARED, needs_shared

RUNS = sorted((SHARED or Path("absent")).glob("oracle/solvers/*.solver.prototxt"))
BATCH = 4


@dataclass
class Parameter:
    name: str
    tensor: nn.Parameter
    lr_mult: float
    decay_mult: float


class Tiny:
    """The fixture's network, written in plain torch: two InnerProducts with a TanH between, and a softmax loss."""

    FACTORS = (("ip1:0", 1, 1), ("ip1:1", 2, 0), ("ip2:0", 0.5, 2), ("ip2:1", 0, 1))

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.parameters = [
            Parameter(name, nn.Parameter(torch.tensor(weights[name])), lr, decay) for name, lr, decay in self.FACTORS
        ]

    def loss(self, data: Tensor, label: Tensor) -> Tensor:
        w1, b1, w2, b2 = (parameter.tensor for parameter in self.parameters)
        hidden = torch.tanh(nn.functional.linear(data.flatten(1), w1, b1))
        return nn.functional.cross_entropy(nn.functional.linear(hidden, w2, b2), label)


def start(recorded: dict[str, np.ndarray], iteration: int) -> Tiny:
    return Tiny({name: recorded[f"param:{name}"][iteration] for name, _, _ in Tiny.FACTORS})


def run(net: Tiny, solver: Solver, schedule: Schedule, inputs: dict[str, np.ndarray], iterations: range) -> list[float]:
    """Return the total loss of the last pass of each iteration; weights move meanwhile."""
    data, label = torch.tensor(inputs["data"]), torch.tensor(inputs["label"]).flatten().long()
    losses, passes = [], solver.hyper.iter_size
    for iteration in iterations:
        for number in range(iteration * passes, (iteration + 1) * passes):
            rows = torch.arange(number * BATCH, (number + 1) * BATCH) % len(data)
            loss = net.loss(data[rows], label[rows])
            torch.autograd.backward(loss)
        losses.append(loss.item())
        solver.step(schedule(iteration))
    return losses


@needs_shared
@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name.split(".")[0])
def test_weights_losses_and_rates_are_those_of_caffe(path: Path) -> None:
    name = path.name.split(".")[0]
    settings = parse_message(path.read_text(), SolverParameter(), where=path.name)
    recorded = dict(np.load(path.with_name(f"{name}.npz")))
    inputs = dict(np.load(path.with_name("inputs.npz")))
    schedule = Schedule.from_solver(settings)
    net = start(recorded, 0)
    solver = make_solver(settings, net.parameters)

    for iteration in range(20):
        (loss,) = run(net, solver, schedule, inputs, range(iteration, iteration + 1))

        assert loss == pytest.approx(recorded["loss"][iteration], rel=1e-5)
        for parameter in net.parameters:
            after = recorded[f"param:{parameter.name}"][iteration + 1]
            np.testing.assert_allclose(parameter.tensor.detach(), after, rtol=1e-5, atol=1e-6)

    rates = json.loads(path.with_name("learning_rates.json").read_text())[name]
    assert [schedule(iteration) for iteration in range(20)] == pytest.approx(rates, rel=1e-5)


@pytest.mark.parametrize("kind", SOLVERS)
def test_a_solver_that_goes_on_from_its_state_gives_the_same_bits_as_one_that_never_stopped(kind: str) -> None:
    momentum = 0.0 if kind in ("ADAGRAD", "RMSPROP") else 0.9
    settings = SolverParameter(base_lr=0.05, lr_policy="exp", gamma=0.9, momentum=momentum, weight_decay=0.01)
    settings.type = kind
    draw = np.random.default_rng(7)
    shapes = {"ip1:0": (5, 6), "ip1:1": (5,), "ip2:0": (3, 5), "ip2:1": (3,)}
    weights = {name: draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    inputs: dict[str, np.ndarray] = {
        "data": draw.normal(size=(8, 6)).astype(np.float32),
        "label": draw.integers(0, 3, 8),
    }
    schedule = Schedule.from_solver(settings)
    whole, first = Tiny(weights), Tiny(weights)

    run(whole, make_solver(settings, whole.parameters), schedule, inputs, range(8))
    before = make_solver(settings, first.parameters)
    run(first, before, schedule, inputs, range(5))
    second = Tiny({parameter.name: parameter.tensor.detach().numpy().copy() for parameter in first.parameters})
    after = make_solver(settings, second.parameters)
    after.load_state({name: value.clone() for name, value in before.state().items()}, before.iteration)
    run(second, after, schedule, inputs, range(5, 8))

    for one, other in zip(whole.parameters, second.parameters, strict=True):
        assert torch.equal(one.tensor, other.tensor), one.name
    with pytest.raises(WeightsError, match="does not fit"):
        after.load_state({}, 5)


def test_what_caffe_refuses_is_refused_with_words() -> None:
    with pytest.raises(TrainingError, match="Momentum cannot be used with AdaGrad"):
        make_solver(SolverParameter(type="AdaGrad", momentum=0.9), [])
    with pytest.raises(TrainingError, match=r"'SAG' is unknown\. Known: SGD"):
        make_solver(SolverParameter(solver_type="SAG"), [])


def test_adamw_moves_weights_as_the_optimizer_of_torch_does() -> None:
    chance = torch.Generator().manual_seed(3)
    first = torch.randn(5, 4, generator=chance)
    ours, theirs = (Parameter("ip:0", nn.Parameter(first.clone()), 1.0, 1.0) for _ in range(2))
    solver = make_solver(SolverParameter(type="ADAMW", momentum=0.9, weight_decay=0.01), [ours])
    optimizer = torch.optim.AdamW([theirs.tensor], lr=0.003, weight_decay=0.01)

    for _ in range(5):
        gradient = torch.randn(5, 4, generator=chance)
        ours.tensor.grad, theirs.tensor.grad = gradient.clone(), gradient.clone()
        solver.step(0.003)
        optimizer.step()

    assert torch.equal(ours.tensor, theirs.tensor)
