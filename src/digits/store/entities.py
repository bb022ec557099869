"""What the store gives out: frozen facts about one moment, read by the pages, the REST answers and the runner.

Times are Unix seconds. ``None`` means "not yet" or "not known", never 0.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from digits.core.executor import Handle
from digits.core.jobfolder import JobFolder, JobKind
from digits.core.states import JobState

ServiceKind = Literal["infer", "inspect"]
ServiceState = Literal["wanted", "starting", "ready", "failed"]


@dataclass(frozen=True)
class Trouble:
    """Why a job or a service ended badly; ``trace`` is for those who want to know more."""

    message: str
    where: str = ""
    hint: str = ""
    trace: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message} {self.hint}".strip()


@dataclass(frozen=True)
class SeriesSummary:
    """The last, least and greatest finite value of one curve."""

    last: float
    min: float
    max: float


@dataclass(frozen=True)
class Job:
    """One job as the index knows it."""

    id: str
    kind: JobKind
    extension: str
    title: str
    name: str
    group: str
    username: str
    notes: str
    state: JobState
    reason: str
    """A whole sentence for people ("Waiting: 1 of 1 training slots busy, 2nd in the queue"); empty where the state says it all."""
    created: float
    started: float | None
    finished: float | None
    progress: float
    """0 to 1: the mean of the tasks' progress."""
    text: str
    """The newest line of progress: 'Epoch 6.4 of 10'."""
    rate: float | None
    """Pictures a second."""
    parent: str
    depends_on: str
    worker: str
    num_gpus: int
    wanted_gpus: tuple[int, ...]
    gpus: tuple[int, ...]
    """GPUs held now."""
    latest: dict[str, float | None]
    """Series name to its newest value; None where it is not finite."""
    error: Trouble | None
    attempt: int
    priority: int
    queue_place: int | None
    """1 for the next to start among those that wait for the same resource."""
    stop_asked: float | None
    deleted: bool
    handle: Handle | None
    folder: JobFolder
    texts: Mapping[str, str] = field(repr=False, compare=False)
    """JSON that few readers look at, parsed when asked for."""

    @cached_property
    def spec(self) -> dict[str, Any]:
        """What was asked for, with what was asked for since: more epochs when it was resumed."""
        return _object(self.texts["spec"])

    @property
    def framework(self) -> str:
        """The framework's name: "caffe"."""
        return str(self.spec.get("framework") or self.extension)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What the worker found: ``Done.facts``; empty until the job was Done."""
        return _object(self.texts["facts"])

    @cached_property
    def previews(self) -> dict[str, str]:
        """Name of a picture to its path below the job folder."""
        return _object(self.texts["previews"])

    @cached_property
    def warnings(self) -> list[dict[str, Any]]:
        """``{"time", "message", "where", "hint"}`` of each warning, oldest first."""
        return json.loads(self.texts["warnings"]) if self.texts["warnings"] else []

    @cached_property
    def outcome(self) -> dict[str, Any]:
        """The worker's last word (``type`` done, failed or stopped), for the runner; empty while it works."""
        return _object(self.texts["outcome"])

    @property
    def is_running(self) -> bool:
        """Whether it is not over: Initialized, Waiting and Running, as DIGITS counts."""
        return self.state.is_running

    @property
    def elapsed_s(self) -> float:
        """Seconds since it began to run, until now or its end; 0 before."""
        return elapsed(self.started, self.finished)

    @property
    def eta_s(self) -> float | None:
        """Seconds left, DIGITS' estimate; None while nothing is known."""
        return eta(self.state, self.progress, self.started)


class ListedJob(NamedTuple):
    """A job as a list shows it; times and texts are those of ``Job``. A tuple, as lists of ten thousand are made of it."""

    id: str
    kind: JobKind
    extension: str
    title: str
    name: str
    group: str
    username: str
    state: JobState
    created: float
    started: float | None
    finished: float | None
    progress: float
    depends_on: str
    device: str
    """"GPU 0", "GPU" while it waits for one, "CPU"."""
    framework: str
    """The framework's name: "caffe"."""
    backend: str
    pictures: int | None
    classes: int | None
    bytes: int | None
    epochs: float | None
    """Epochs trained so far."""
    total_epochs: int | None
    has_labels: bool
    spark: str
    """JSON: at most 50 values of the training loss, once the job is over; "" where there are none."""
    series: str
    """JSON: by name of a curve its last, least and greatest value; "" where there are none."""

    @property
    def elapsed_s(self) -> float:
        """Seconds since it began to run, until now or its end; 0 before."""
        return elapsed(self.started, self.finished)

    @property
    def is_running(self) -> bool:
        """Whether it is not over."""
        return self.state.is_running

    def summaries(self) -> dict[str, SeriesSummary]:
        """Return what is known of each curve; while it trains, of what was told so far."""
        return {name: SeriesSummary(*values) for name, values in _object(self.series).items()}


@dataclass(frozen=True)
class Task:
    """One part of a job: a panel on its page."""

    name: str
    title: str
    state: JobState
    progress: float
    done: float
    total: float
    unit: str
    text: str
    rate: float | None
    started: float | None
    finished: float | None
    facts: dict[str, Any]

    @property
    def elapsed_s(self) -> float:
        """Seconds it has worked."""
        return elapsed(self.started, self.finished)

    @property
    def eta_s(self) -> float | None:
        """Seconds left, DIGITS' estimate; None while nothing is known."""
        return eta(self.state, self.progress, self.started)


@dataclass(frozen=True)
class HistoryRow:
    """The job came into ``state`` at ``time``."""

    state: JobState
    time: float
    reason: str


@dataclass(frozen=True)
class SnapshotRow:
    """Weights on disk; ``file`` is a path below the job folder."""

    epoch: float
    step: int
    file: str
    bytes: int
    metrics: dict[str, float | None]
    created: float


@dataclass(frozen=True)
class Service:
    """A process kept warm: an inference worker for one snapshot, or the inspector."""

    id: str
    kind: ServiceKind
    job_id: str
    epoch: float
    state: ServiceState
    address: str
    """'127.0.0.1:41234' when ready."""
    token: str = field(repr=False)
    error: Trouble | None
    handle: Handle | None
    created: float
    changed: float
    last_used: float


@dataclass(frozen=True)
class Gpu:
    """A GPU of the runner's machine and the job that holds it ('' for none)."""

    index: int
    name: str
    memory_bytes: int
    job_id: str


def elapsed(started: float | None, finished: float | None) -> float:
    """Return the seconds from ``started`` to ``finished`` or now; never negative, though clocks are set back."""
    return 0.0 if started is None else max(0.0, (finished or time.time()) - started)


def eta(state: JobState, progress: float, started: float | None) -> float | None:
    """Return the seconds left as DIGITS estimates them, ``(1 - p) * elapsed / p``; None while nothing is known."""
    if state is not JobState.RUNNING or started is None or progress <= 0:
        return None
    return (1 - progress) * elapsed(started, None) / progress


def _object(text: str) -> dict[str, Any]:
    return json.loads(text) if text else {}
