"""``caffe.SGDSolver`` and its kin: a training by a solver file, step by step, with everything between two steps open to look at."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from digits.caffe.fed import Passed
from digits.caffe.mode import seed, set_random_seed
from digits.caffe.net import TEST, TRAIN, Net
from digits.caffe.solverfile import SolverFile, read_solver
from digits.caffe.solving import Solving
from digits.caffeproto import caffe_pb2
from digits.networks.caffe.net import CaffeNet
from digits.training.caffelog import CaffeLog
from digits.training.solvers import Learnable


class _Learner:
    """Lets the training loop drive a ``Net``."""

    def __init__(self, face: Net) -> None:
        self._face = face
        self.net: CaffeNet = face.graph

    @property
    def parameters(self) -> Sequence[Learnable]:
        return self.net.parameters

    @property
    def losses(self) -> Mapping[str, float]:
        return self.net.losses

    def learn(self) -> Passed:
        if all(parameter.tensor.grad is None for parameter in self.net.parameters):  # the iteration's first pass
            self._face.clear_param_diffs()
        passed = self.measure()
        self._face.backward()
        self._face.lend_diffs()
        return passed

    def measure(self) -> Passed:
        self._face.forward()
        outputs = [(name, _copy(self._face, name)) for name in self._face.outputs]
        losses = [_copy(self._face, name).sum() * weight for name, weight in self.net.losses.items()]
        return Passed(outputs, torch.stack(losses).sum() if losses else torch.zeros(()))


def _copy(face: Net, name: str) -> Tensor:
    return torch.from_numpy(face.blobs[name].data.copy())


class Solver:
    """A training.

    Args:
        solver_file: the solver's prototxt.

    Raises:
        DigitsError: it, a network of it, or the data cannot be used.
    """

    kind = ""

    def __init__(self, solver_file: str | Path) -> None:
        file = read_solver(Path(solver_file))
        if self.kind:
            file.message.ClearField("solver_type")
            file.message.type = self.kind
        self.param: caffe_pb2.SolverParameter = file.message
        if file.seed is not None and seed() is None:
            set_random_seed(file.seed)
        self.net = Net.of(file.train, TRAIN)
        self.test_nets = [Net.of(definition, TEST) for definition in file.tests]
        for test_net in self.test_nets:
            test_net.share_with(self.net)
        self._solving = _solving(file, self.net, self.test_nets)

    @property
    def iter(self) -> int:
        """Iterations that are done."""
        return self._solving.iteration

    @property
    def lr(self) -> float:
        """Learning rate of the next iteration."""
        return self._solving.schedule(self.iter)

    def step(self, n: int) -> None:
        """Train for ``n`` iterations. Afterwards ``diff`` of a parameter is what was last taken off it."""
        if n < 1:
            return
        self._solving.step(n - 1)
        weights = [parameter.tensor for parameter in self.net.graph.parameters]
        before = [weight.detach().clone() for weight in weights]
        self._solving.step(1)
        self.net.set_param_diffs(
            {id(weight): old - weight.detach() for weight, old in zip(weights, before, strict=True)}
        )

    def solve(self, resume_file: str | Path | None = None) -> None:
        """Train to the end, from a solver state if one is given."""
        if resume_file:
            self.restore(resume_file)
        self._solving.solve(lambda: "")

    def restore(self, state_file: str | Path) -> None:
        """Go on from a solver state.

        Raises:
            DigitsError: it is of another network or solver, or its weights are missing.
        """
        self._solving.restore(Path(state_file))

    def snapshot(self) -> None:
        """Write weights and solver state."""
        self._solving.snapshot()


def _solving(file: SolverFile, net: Net, test_nets: Sequence[Net]) -> Solving:
    return Solving(file, _Learner(net), [_Learner(each) for each in test_nets], CaffeLog(sys.stderr))


class SGDSolver(Solver):
    """Stochastic gradient descent with momentum."""

    kind = "SGD"


class NesterovSolver(Solver):
    """Nesterov's accelerated gradient."""

    kind = "Nesterov"


class AdaGradSolver(Solver):
    """AdaGrad."""

    kind = "AdaGrad"


class RMSPropSolver(Solver):
    """RMSProp."""

    kind = "RMSProp"


class AdaDeltaSolver(Solver):
    """AdaDelta."""

    kind = "AdaDelta"


class AdamSolver(Solver):
    """Adam."""

    kind = "Adam"


def get_solver(solver_file: str | Path) -> Solver:
    """Return the training of a solver file, of the type that it says."""
    return Solver(solver_file)
