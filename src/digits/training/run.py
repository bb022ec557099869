"""A training made ready: network, solver, data and the intervals at which something happens. ``loop.train`` runs it."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.core.events import Emit, Resumed, Warned
from digits.core.jobfolder import JobFolder
from digits.core.metrics import MetricsWriter
from digits.core.trainspec import TrainSpec
from digits.core.work import StopCheck
from digits.training import devices, snapshots
from digits.training.caffelog import CaffeLog
from digits.training.reporting import Report
from digits.training.solvers import Learnable, Solver
from digits.training.sources import Frames, TrainingSource
from digits.training.targets import Target
from digits.training.transform import Transform


class Network(Protocol):
    """What the loop asks of a network, whatever language it was written in."""

    @property
    def losses(self) -> Mapping[str, float]:
        """Weights of the outputs that are losses."""

    @property
    def parameters(self) -> Sequence[Learnable]:
        """All weights."""

    def __call__(self, **blobs: Tensor) -> dict[str, Tensor]:
        """Return the outputs by name."""

    def total_loss(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """Return what is minimised."""

    def state(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights, "<layer>:<blob index>"."""

    def load_state(self, state: Mapping[str, NDArray[np.float32]]) -> object:
        """Put weights in."""


@dataclass
class TestSet:
    """The validation set, ready to be measured again and again."""

    net: Network
    frames: Frames
    transform: Transform
    batch_size: int
    data_blob: str
    target_blob: str


@dataclass
class Run:
    """Everything that ``loop.train`` needs; intervals are in iterations, 0 for never."""

    spec: TrainSpec
    folder: JobFolder
    emit: Emit
    stop: StopCheck
    device: torch.device
    seed: int
    kind: Target
    net: Network
    test: TestSet | None
    source: TrainingSource
    data_blob: str
    target_blob: str
    solver: Solver
    schedule: Callable[[int], float]
    batch_size: int
    max_iter: int
    display: int
    test_interval: int
    snapshot_interval: int
    report: Report
    metrics: MetricsWriter
    log: CaffeLog
    facts: dict[str, Any]
    first_step: int = 0
    validated: int = -1
    """The step of the last validation."""
    last_validation: dict[str, float] = field(default_factory=dict)

    @property
    def iter_size(self) -> int:
        """Batches whose gradients are added up before the weights move."""
        return self.solver.hyper.iter_size

    def is_test_due(self, step: int) -> bool:
        """Whether the weights after ``step`` moves are measured: at the start, each interval, and at the end."""
        if self.test is None or not self.test_interval:
            return False
        return step % self.test_interval == 0 or step == self.max_iter

    def is_snapshot_due(self, step: int) -> bool:
        """Whether the weights after ``step`` moves are kept: each interval, and at the end."""
        at_interval = self.snapshot_interval > 0 and step > 0 and step % self.snapshot_interval == 0
        return at_interval or step == self.max_iter

    def close(self) -> None:
        """Let go of files and threads."""
        self.source.close()
        self.metrics.close()
        self.log.close()

    def begin(self) -> None:
        """Go on from the newest snapshot if a person asked for it and there is one, else clear what an earlier try left."""
        resumes = [line for line in self.folder.journal() if line.get("what") == "resume"]
        snapshot = snapshots.newest_whole_state(self.folder) if resumes else None
        if snapshot is None:
            self.metrics.cut({})
            shutil.rmtree(self.folder.snapshots, ignore_errors=True)
            return
        facts, state = snapshots.read_state(snapshot)
        self.net.load_state(snapshots.read_weights(snapshot))
        self.solver.load_state(_below("solver/", state), facts.step)
        devices.load_random_state(_below("random/", state), self.device)
        self.metrics.cut(facts.lengths)
        self.first_step, self.validated, self.last_validation = facts.step, facts.validated, facts.metrics
        self.emit(Resumed(step=facts.step, attempt=len(resumes) + 1))
        if snapshot != snapshots.snapshot_folders(self.folder)[-1]:
            self.emit(Warned(message=f"The newest snapshot is damaged; the training goes on from {snapshot.name}."))


def effective_spec(folder: JobFolder, spec: TrainSpec) -> TrainSpec:
    """Return the spec with what was asked for since: more epochs on a resume."""
    for line in folder.journal():
        if line.get("what") == "resume" and line.get("train_epochs"):
            spec = spec.model_copy(update={"train_epochs": int(line["train_epochs"])})
    return spec


def choose_seed(folder: JobFolder, spec: TrainSpec) -> int:
    """Return the seed that was asked for, that of the snapshots where the training goes on, or a new one."""
    if spec.random_seed is not None:
        return spec.random_seed
    kept = snapshots.snapshot_folders(folder)
    return snapshots.read_facts(kept[-1]).seed if kept else secrets.randbits(32)


def _below(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
