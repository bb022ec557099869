"""A training made ready: network, solver, data and the intervals at which something happens. ``loop.train`` runs it."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.core.events import Emit, Resumed, Snapshot, SnapshotRemoved, Warned
from digits.core.files import folder_bytes
from digits.core.jobfolder import JobFolder
from digits.core.metrics import MetricsWriter
from digits.core.trainspec import TrainSpec
from digits.core.work import StopCheck
from digits.networks.steps import Step
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

    @property
    def num_parameters(self) -> int:
        """Learned values, frozen ones among them."""

    def __call__(self, **blobs: Tensor) -> dict[str, Tensor]:
        """Return the outputs by name."""

    def steps(self, **blobs: Tensor) -> tuple[list[Step], dict[str, Tensor]]:
        """Return one pass layer by layer, every value kept, and the outputs by name."""

    def total_loss(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """Return what is minimised."""

    def state(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights, "<layer>:<blob index>"."""

    def load_state(self, state: Mapping[str, NDArray[np.float32]]) -> object:
        """Put weights in."""

    def memory(self) -> dict[str, Tensor]:
        """Return what layers remember from pass to pass beside their weights, by name; empty for most networks."""

    def load_memory(self, memory: Mapping[str, Tensor]) -> None:
        """Put that in."""


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
    pieces: int = 1
    """In how many pieces a batch is learned; more than one since memory ran out."""

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

    def arithmetic(self) -> AbstractContextManager[object]:
        """Return the block in which the network computes."""
        return devices.arithmetic_of(self.spec.precision, self.device)

    def prune(self) -> None:
        """Remove the snapshots that are not to be kept, each said first: a list never names one that has gone."""
        keeping = self.spec.keeping
        if keeping.keep_snapshots is None:
            return
        for spare in snapshots.spare(self.folder, keeping.keep_snapshots, keeping.best_metric.strip()):
            self.emit(SnapshotRemoved(file=spare.relative_to(self.folder.path).as_posix()))
            self.folder.remove_snapshot(spare.name)

    def close(self) -> None:
        """Let go of files and threads."""
        self.source.close()
        self.metrics.close()
        self.log.close()

    def begin(self, snapshot: Path | None) -> None:
        """Go on from ``snapshot`` to the bit, or clear what an earlier attempt left where it is None.

        Raises:
            WeightsError: it was made with another network or solver.
        """
        attempt = self.folder.attempt()
        if snapshot is None:
            self.metrics.cut({})
            shutil.rmtree(self.folder.snapshots, ignore_errors=True)
            if attempt > 1:
                self.emit(Resumed(step=0, attempt=attempt))
            return
        facts, state = snapshots.read_state(snapshot)
        self.net.load_state(snapshots.read_weights(snapshot))
        self.net.load_memory(_below("network/", state))
        self.solver.load_state(_below("solver/", state), facts.step)
        devices.load_random_state(_below("random/", state), self.device)
        self.metrics.cut(facts.lengths)
        self.first_step, self.validated, self.last_validation = facts.step, facts.validated, facts.metrics
        self.pieces = facts.pieces
        if facts.pieces > 1:
            self.facts["pieces"] = facts.pieces
        self.emit(Resumed(step=facts.step, attempt=attempt, epoch=facts.epoch))
        self._tell(snapshot, facts)
        self.prune()

    def _tell(self, snapshot: Path, facts: snapshots.Facts) -> None:
        """Say which snapshot it goes on from, and what a person should know of that."""
        # Once more, as of its own time: a process that was killed just after it wrote it may not have said so.
        written = (snapshot / snapshots.FACTS).stat().st_mtime
        file = snapshot.relative_to(self.folder.path).as_posix()
        num_bytes = folder_bytes(snapshot)
        self.emit(
            Snapshot(
                time=written,
                epoch=round(facts.epoch, 3),
                step=facts.step,
                file=file,
                bytes=num_bytes,
                metrics=facts.metrics,
            )
        )
        if snapshots.forget_later(self.folder, snapshot):
            self.emit(Warned(message=f"The newest snapshot is damaged; the training goes on from {snapshot.name}."))
        now = devices.arithmetic(self.device)
        others = [
            f"{name} ({old} before, {now[name]} now)" for name, old in facts.machine.items() if now.get(name) != old
        ]
        if others:
            self.emit(
                Warned(
                    message=f"The training goes on with another {', another '.join(others)}.",
                    hint="Its curves go on as they were to rounding, and no more to the bit.",
                )
            )


def snapshot_to_go_on_from(folder: JobFolder) -> Path | None:
    """Return the newest whole snapshot if a person asked that the training goes on, None where it begins.

    Raises:
        WeightsError: it has snapshots, and none is whole.
    """
    return snapshots.newest_whole(folder) if folder.attempt() > 1 else None


def choose_seed(folder: JobFolder, spec: TrainSpec) -> int:
    """Return the seed that was asked for, or one that is the job's own: every attempt at it has the same."""
    if spec.random_seed is not None:
        return spec.random_seed
    return zlib.crc32(folder.id.encode())


def _below(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
