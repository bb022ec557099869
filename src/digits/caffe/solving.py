"""Caffe's own training loop: when it tests, shows, smooths, snapshots and stops, with the lines that it logs.

Legend: iterations count from 0; what is said of iteration N is of the weights before their N-th move.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from digits.caffe import snapshots
from digits.caffe.fed import Passed
from digits.caffe.solverfile import SolverFile
from digits.caffeproto import caffe_pb2
from digits.caffeproto.files import read_weights_file
from digits.networks.caffe.copying import CopiedLayer, copy_by_name
from digits.networks.caffe.net import CaffeNet
from digits.training.caffelog import CaffeLog
from digits.training.policies import Schedule
from digits.training.solvers import Learnable, make_solver


class Learner(Protocol):
    """What the loop asks of a network with its data."""

    @property
    def net(self) -> CaffeNet:
        """The network that has the weights."""

    @property
    def parameters(self) -> Sequence[Learnable]:
        """All weights."""

    @property
    def losses(self) -> Mapping[str, float]:
        """Loss weights by blob."""

    def learn(self) -> Passed:
        """Run the next batch forward and backward, adding up gradients."""

    def measure(self) -> Passed:
        """Run the next batch forward."""


class Solving:
    """A training by a solver file.

    Args:
        file: the solver.
        train: its training network, with data.
        tests: its test networks, with data; they share the weights.
        log: where it says what it does.
    """

    def __init__(self, file: SolverFile, train: Learner, tests: Sequence[Learner], log: CaffeLog) -> None:
        self.message, self.file, self.train, self.tests, self.log = file.message, file, train, tests, log
        self.solver = make_solver(self.message, train.parameters)
        self.schedule = Schedule.from_solver(self.message)
        self._recent: deque[Tensor] = deque(maxlen=self.message.average_loss)
        self._shown = (time.monotonic(), 0)
        self._snapshot = -1
        self.last: Passed | None = None
        """The last pass of the last iteration."""
        self.on_step: Callable[[], object] = lambda: None
        """Called after each move of the weights."""

    @property
    def iteration(self) -> int:
        """Iterations that are done."""
        return self.solver.iteration

    def copy_weights(self, paths: Sequence[Path]) -> tuple[CopiedLayer, ...]:
        """Copy weights by the names of layers.

        Raises:
            WeightsError: a file holds none, or a layer of another shape.
        """
        for path in paths:
            self.log.say(f"Finetuning from {path}")
        rows = copy_by_name(self.train.net, [(str(path), read_weights_file(path)) for path in paths])
        for row in rows:
            self.log.say(row.line)
        return rows

    def restore(self, path: Path) -> None:
        """Go on from a solver state; its weights are found beside it.

        Raises:
            WeightsError: it is of another network or solver.
            NotFoundError: its weights are not there.
        """
        self.log.say(f"Restoring previous solver status from {path}")
        state, weights = snapshots.read_state(path)
        copy_by_name(self.train.net, [(str(weights), read_weights_file(weights))])
        snapshots.restore(self.solver, self.train.parameters, state, where=str(path))

    def solve(self, stop: Callable[[], str]) -> None:
        """Train to the end.

        Args:
            stop: asked after each iteration; "stop" ends the training with a snapshot, "snapshot" makes one, "" does nothing.
        """
        self.log.say(f"Solving {self.train.net.name}")
        self.log.say(f"Learning Rate Policy: {self.message.lr_policy}")
        self._shown = (time.monotonic(), self.iteration)
        if self._run(self.message.max_iter, stop):
            self.log.say("Optimization stopped early.")
            return
        if self.message.snapshot_after_train and self._snapshot != self.iteration:
            self.snapshot()
        if self.message.display and self.iteration % self.message.display == 0:
            self._recent.append(self.train.measure().loss)
            self.log.say(f"Iteration {self.iteration}, loss = {self._smoothed():.6g}")
        if self.message.test_interval and self.iteration % self.message.test_interval == 0:
            self.test_all()
        self.log.say("Optimization Done.")

    def step(self, iterations: int) -> None:
        """Train for some iterations more, whatever the file says about the end."""
        self._run(self.iteration + iterations, lambda: "")

    def _run(self, end: int, stop: Callable[[], str]) -> bool:
        """Train up to iteration ``end``; return whether it was stopped before."""
        message = self.message
        while self.iteration < end:
            at = self.iteration
            if message.test_interval and at % message.test_interval == 0 and (at or message.test_initialization):
                self.test_all()
            is_shown = bool(message.display) and at % message.display == 0
            passed = self._learn()
            rate = self.schedule(at)
            if is_shown:
                self._show(passed, rate)
            self.solver.step(rate)
            self.on_step()
            if message.snapshot and self.iteration % message.snapshot == 0:
                self.snapshot()
            asked = stop()
            if asked and self._snapshot != self.iteration:
                self.snapshot()
            if asked == "stop":
                return True
        return False

    def _learn(self) -> Passed:
        passes = [self.train.learn() for _ in range(self.message.iter_size)]
        losses = [each.loss for each in passes]
        self._recent.append(losses[0] if len(losses) == 1 else torch.stack(losses).mean())
        self.last = passes[-1]
        return passes[-1]

    def _smoothed(self) -> float:
        return sum(loss.item() for loss in self._recent) / len(self._recent)

    def _show(self, passed: Passed, rate: float) -> None:
        now, (before, iteration) = time.monotonic(), self._shown
        steps, seconds = self.iteration - iteration, now - before
        speed = (
            f"{steps / seconds:.4g} iter/s, {seconds:.4g}s/{self.message.display} iters"
            if steps
            else "0 iter/s, 0s/0 iters"
        )
        self.log.say(f"Iteration {self.iteration} ({speed}), loss = {self._smoothed():.6g}")
        self.log.scores("Train", passed.values, self.train.losses)
        self.log.say(f"Iteration {self.iteration}, lr = {rate:.6g}")
        self._shown = (now, self.iteration)

    def test_all(self) -> None:
        """Measure every test network, and say its outputs: plain means over its batches."""
        for number, (test, batches) in enumerate(zip(self.tests, self.message.test_iter, strict=True)):
            self.log.say(f"Iteration {self.iteration}, Testing net (#{number})")
            values, loss = mean_of(test, batches)
            if self.message.test_compute_loss:
                self.log.say(f"Test loss: {loss:.6g}")
            self.log.scores("Test", values, test.losses)

    def snapshot(self) -> tuple[Path, Path]:
        """Write weights and solver state, and return their files.

        Raises:
            SetupError: the folder does not take them.
        """
        prefix = self.file.prefix
        as_hdf5 = self.message.snapshot_format == caffe_pb2.SolverParameter.HDF5
        what = "HDF5" if as_hdf5 else "binary proto"
        weights = snapshots.write_weights(
            prefix, self.iteration, self.file.train.message, self.train.net.state(), as_hdf5=as_hdf5
        )
        self.log.say(f"Snapshotting to {what} file {weights}")
        state = snapshots.state_of(self.solver, self.train.parameters, self.schedule, weights)
        path = snapshots.write_state(prefix, state, as_hdf5=as_hdf5)
        self.log.say(f"Snapshotting solver state to {what} file {path}")
        self._snapshot = self.iteration
        return weights, path


def mean_of(test: Learner, batches: int) -> tuple[list[tuple[str, float]], float]:
    """Return the mean of each number of a network's outputs over ``batches`` batches, and of its loss."""
    sums: list[tuple[str, Tensor]] = []
    loss = torch.zeros(())
    for _ in range(batches):
        passed = test.measure()
        loss = loss.to(passed.loss.device) + passed.loss
        if not sums:
            sums = [(name, blob.to(torch.float64)) for name, blob in passed.outputs]
        else:
            sums = [(name, total + blob) for (name, total), (_, blob) in zip(sums, passed.outputs, strict=True)]
    means = [(name, value / batches) for name, total in sums for value in total.flatten().tolist()]
    return means, loss.item() / max(1, batches)
