"""The course of a training, whatever library computes it: when it validates, saves, stops and ends, and how it goes on. No torch here.

``follow`` is the whole loop, top to bottom. What a step, a validation and a snapshot are, ``Course``'s three methods say.
Iterations count from 0 as Caffe counts them: a point of iteration N is of the weights before their N-th move.
"""

from __future__ import annotations

import math
import shutil
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from digits.core.errors import TrainingError
from digits.core.events import Emit, Resumed, Snapshot, SnapshotRemoved, Warned
from digits.core.files import folder_bytes
from digits.core.jobfolder import JobFolder
from digits.core.measures import of_class
from digits.core.metrics import MetricsWriter
from digits.core.trainspec import TrainSpec
from digits.core.work import StopCheck, StoppedError
from digits.training import early, snapshots
from digits.training.caffelog import CaffeLog
from digits.training.reporting import Report
from digits.training.world import ALONE, World


@dataclass(kw_only=True)
class Course(ABC):
    """Where a training stands, and what it needs on its way; intervals are in iterations, 0 for never."""

    spec: TrainSpec
    folder: JobFolder
    emit: Emit
    stop: StopCheck
    seed: int
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
    world: World = ALONE
    """The processes that do this together."""
    first_step: int = 0
    validated: int = -1
    """The step of the last validation."""
    last_validation: dict[str, float] = field(default_factory=dict)
    pieces: int = 1
    """In how many pieces a batch is learned; more than one since memory ran out."""

    @property
    @abstractmethod
    def validates(self) -> bool:
        """Whether there is something to validate with."""

    @abstractmethod
    def advance(self, step: int) -> None:
        """Do one iteration: the weights move once."""

    @abstractmethod
    def measured(self) -> dict[str, float] | None:
        """Return the mean of each measure over the validation set, each picture counted once; None where it was asked to stop meanwhile."""

    @abstractmethod
    def state(self) -> tuple[Mapping[str, NDArray[Any]], Mapping[str, NDArray[Any]]]:
        """Return the weights, and all else that a training needs to go on to the bit."""

    @abstractmethod
    def load(self, weights: Mapping[str, NDArray[Any]], state: Mapping[str, NDArray[Any]], step: int) -> None:
        """Put that in.

        Raises:
            WeightsError: it was made with another network or solver.
        """

    @abstractmethod
    def machine(self) -> dict[str, str]:
        """Return what the bits of a sum depend on, by its name for people."""

    def align(self) -> None:
        """Begin with the leader's weights, where several processes train; a course that several can follow says how."""
        assert self.world.is_alone

    def close(self) -> None:
        """Let go of files and threads."""
        self.metrics.close()
        self.log.close()

    def is_test_due(self, step: int) -> bool:
        """Whether the weights after ``step`` moves are measured: at the start, each interval, and at the end."""
        if not self.validates or not self.test_interval:
            return False
        return step % self.test_interval == 0 or step == self.max_iter

    def is_snapshot_due(self, step: int) -> bool:
        """Whether the weights after ``step`` moves are kept: each interval, and at the end."""
        at_interval = self.snapshot_interval > 0 and step > 0 and step % self.snapshot_interval == 0
        return at_interval or step == self.max_iter

    def validate(self, step: int) -> None:
        """Measure the validation set. Asked to stop meanwhile, it leaves without a point; a resumed training measures again.

        Raises:
            TrainingError: an output is no number.
        """
        values = self.measured()
        if values is None:
            return
        for name, mean in values.items():
            if not math.isfinite(mean):
                raise diverged(name, mean, step)
        self.last_validation, self.validated = {f"{name}/val": mean for name, mean in values.items()}, step
        if step == 0:
            early.check_measures(self.spec, self.last_validation)
        self.report.points(step, self.last_validation)
        self.log.say(f"Iteration {step}, Testing net (#0)")
        of_all = {name: mean for name, mean in values.items() if of_class(f"{name}/val") is None}
        self.log.outputs("Test", of_all, self.loss_weights)
        self.report.progress(step, now=True)
        self.report.paused()

    @property
    def loss_weights(self) -> Mapping[str, float]:
        """Weights of the outputs that are losses."""
        return {"loss": 1.0}

    def save(self, step: int) -> None:
        """Write a snapshot, say so, then remove those that it makes superfluous; of several processes the leader does it."""
        if not self.world.leads:
            return
        epoch = self.report.epoch(step)
        self.report.flush(step)
        self.metrics.sync()
        facts = snapshots.Facts(
            step=step, epoch=epoch, seed=self.seed, validated=self.validated, pieces=self.pieces,
            lengths=self.metrics.lengths(), metrics=self.last_validation, machine=self.machine(),
        )  # fmt: skip
        file, num_bytes = snapshots.write_snapshot(self.folder, facts, *self.state())
        self.log.say(f"Snapshotting to {file}/{snapshots.WEIGHTS}")
        self.emit(Snapshot(epoch=round(epoch, 3), step=step, file=file, bytes=num_bytes, metrics=self.last_validation))
        self.prune()
        self.report.paused()

    def early_end(self) -> early.EarlyEnd | None:
        """Return why the training ends with the validation that was just done, None where it goes on."""

        def found() -> dict[str, Any] | None:
            end = early.ended(self.spec.early_stop, self.folder, self.last_validation)
            return end.as_facts() if end else None

        told = self.world.told(found)
        return early.EarlyEnd(**told) if told else None

    def prune(self) -> None:
        """Remove the snapshots that are not to be kept, each said first: a list never names one that has gone."""
        keeping = self.spec.keeping
        if keeping.keep_snapshots is None:
            return
        for spare in snapshots.spare(self.folder, keeping.keep_snapshots, keeping.best_metric.strip()):
            self.emit(SnapshotRemoved(file=spare.relative_to(self.folder.path).as_posix()))
            self.folder.remove_snapshot(spare.name)

    def begin(self, snapshot: Path | None) -> None:
        """Go on from ``snapshot`` to the bit, or clear what an earlier attempt left where it is None.

        Raises:
            WeightsError: it was made with another network or solver.
        """
        attempt = self.folder.attempt()
        if snapshot is None:
            self.metrics.cut({})
            if self.world.leads:
                shutil.rmtree(self.folder.snapshots, ignore_errors=True)
            if attempt > 1:
                self.emit(Resumed(step=0, attempt=attempt))
            return
        facts, state = snapshots.read_state(snapshot)
        self.load(snapshots.read_weights(snapshot), state, facts.step)
        self.metrics.cut(facts.lengths)
        self.first_step, self.validated, self.last_validation = facts.step, facts.validated, facts.metrics
        self.pieces = facts.pieces
        if facts.pieces > 1:
            self.facts["pieces"] = facts.pieces
        self.emit(Resumed(step=facts.step, attempt=attempt, epoch=facts.epoch))
        if self.world.leads:
            self._tell(snapshot, facts)
            self.prune()

    def _tell(self, snapshot: Path, facts: snapshots.Facts) -> None:
        """Say which snapshot it goes on from, and what a person should know of that."""
        # Once more, as of its own time: a process that was killed just after it wrote it may not have said so.
        written = (snapshot / snapshots.FACTS).stat().st_mtime
        file = snapshot.relative_to(self.folder.path).as_posix()
        self.emit(
            Snapshot(
                time=written,
                epoch=round(facts.epoch, 3),
                step=facts.step,
                file=file,
                bytes=folder_bytes(snapshot),
                metrics=facts.metrics,
            )
        )
        if snapshots.forget_later(self.folder, snapshot):
            self.emit(Warned(message=f"The newest snapshot is damaged; the training goes on from {snapshot.name}."))
        now = self.machine()
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


def follow(course: Course) -> dict[str, Any]:
    """Train from ``first_step`` to the end, or until validations get no better, and return what the job's page shows about it.

    Raises:
        StoppedError: it was asked to stop; a snapshot of the last step is on disk.
        TrainingError: the loss is no number any more, or memory ran out.
    """
    step = saved = course.first_step
    if course.spec.early_stop.patience is not None and not course.validates:
        course.emit(Warned(message="The training cannot stop early: the dataset has no validation pictures."))
    while True:
        if course.is_test_due(step) and course.validated != step:
            course.validate(step)
            if step and course.validated == step:
                saved = -1  # a snapshot of this step that a stop left without these figures is written again
        end = None
        if course.validated == step < course.max_iter:
            end = course.early_end()
        if (course.is_snapshot_due(step) or end) and saved != step:
            course.save(step)
            saved = step
        if step == course.max_iter or end:
            break
        if course.stop():
            if saved != step:
                course.save(step)
            course.report.progress(step, now=True)
            raise StoppedError(f"Stopped at epoch {course.report.epoch(step):.2f} of {course.spec.train_epochs}.")

        course.advance(step)
        step += 1
    course.report.progress(step, now=True)
    facts = course.facts | {
        "step": step, "metrics": course.last_validation, "images_per_second": course.report.rate,
    }  # fmt: skip
    if end is None:
        return facts
    course.log.say(str(end))
    return facts | {"stopped_early": end.as_facts()}


def go(
    folder: JobFolder, prepare: Callable[[float], Course], first: Callable[[Any], object], world: World = ALONE
) -> dict[str, Any]:
    """Train from where the job stands to the end.

    Args:
        folder: the job's.
        prepare: makes the training, told how many epochs are done already.
        first: called before the first step of a training that begins anew; of several processes in the leader alone.
        world: the processes that train together.

    Raises:
        StoppedError: it was asked to stop, and a snapshot is on disk.
        DigitsError: the network, the dataset or the training cannot be used, in words.
    """
    # A person asked that it goes on, where this is not the first attempt.
    name = world.told(lambda: _newest(folder)) if folder.attempt() > 1 else None
    snapshot = folder.snapshots / name if name else None
    with world.leader_first():  # it writes the files that the others read
        course = prepare(snapshots.read_facts(snapshot).epoch if snapshot else 0.0)
    try:
        course.begin(snapshot)
        if not course.first_step and world.leads:
            first(course)
        course.align()
        return follow(course)
    finally:
        course.close()


def _newest(folder: JobFolder) -> str | None:
    snapshot = snapshots.newest_whole(folder)
    return snapshot.name if snapshot else None


def diverged(name: str, value: float, step: int) -> TrainingError:
    """Return the error of an output that is no number, in DIGITS' words."""
    kind = "NaN" if math.isnan(value) else "Inf"
    return TrainingError(
        f"Network outputted {kind} for {name!r} (iteration {step}).", hint="Try decreasing your learning rate."
    )


def choose_seed(folder: JobFolder, spec: TrainSpec) -> int:
    """Return the seed that was asked for, or one that is the job's own: every attempt at it has the same."""
    if spec.random_seed is not None:
        return spec.random_seed
    return zlib.crc32(folder.id.encode())
