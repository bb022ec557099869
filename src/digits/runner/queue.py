"""Which job starts next, and what the others wait for: pure decisions on a list of jobs.

First come, first served within a priority. A job never overtakes an earlier one that waits for the same kind of thing, so a
training that wants four GPUs is not starved by many that want one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from digits.core.states import JobState
from digits.runner.resources import Resources
from digits.runner.words import gigabytes, ordinal
from digits.store import Job

Kind = Literal["gpu", "cpu", "build"]
_NAMES = {"cpu": "training", "build": "dataset"}
_BUILDS = ("dataset", "health", "export", "evaluation")
"""What reads or writes pictures and trains nothing."""


@dataclass(frozen=True)
class Start:
    """Start the job now, on these GPUs."""

    job: Job
    gpus: tuple[int, ...]


@dataclass(frozen=True)
class Wait:
    """The job waits; ``place`` is None where it is not its turn that it waits for."""

    job: Job
    reason: str
    place: int | None


@dataclass(frozen=True)
class GiveUp:
    """The job can never start."""

    job: Job
    state: JobState
    reason: str


Decision = Start | Wait | GiveUp


def kind_of(job: Job, resources: Resources) -> Kind:
    """Return what a job takes: GPUs where it wants some and there are any, else a slot."""
    if job.kind != "dataset" and resources.gpus and (job.num_gpus or job.wanted_gpus):
        return "gpu"
    return "build" if job.kind in _BUILDS else "cpu"


@dataclass
class _Turn:
    resources: Resources
    free_gpus: set[int]
    busy: dict[Kind, int]
    waiting: dict[Kind, int] = field(default_factory=lambda: {"gpu": 0, "cpu": 0, "build": 0})

    def num_slots(self, kind: Kind) -> int:
        counts = {
            "gpu": len(self.resources.gpus),
            "cpu": self.resources.cpu_slots,
            "build": self.resources.build_slots,
        }
        return counts[kind]


def plan(jobs: Sequence[Job], resources: Resources, datasets: Mapping[str, tuple[str, JobState]]) -> list[Decision]:
    """Decide about every job of ``jobs`` that is not running yet.

    Args:
        jobs: all that are not over, those to start first in front.
        resources: what the machine has.
        datasets: name and state of each job that another depends on; an absent one was deleted.
    """
    running = [job for job in jobs if job.state is JobState.RUNNING]
    held = {gpu for job in running for gpu in job.gpus}
    busy: dict[Kind, int] = {"gpu": len(held), "cpu": 0, "build": 0}
    for job in running:
        if not job.gpus:
            busy["build" if job.kind in _BUILDS else "cpu"] += 1
    turn = _Turn(resources, set(resources.gpus) - held, busy)
    return [_decide(job, turn, datasets) for job in jobs if job.state in (JobState.INITIALIZED, JobState.WAITING)]


def _decide(job: Job, turn: _Turn, datasets: Mapping[str, tuple[str, JobState]]) -> Decision:
    early = _dataset_first(job, datasets)
    if early is not None:
        return early
    resources = turn.resources
    missing = [gpu for gpu in job.wanted_gpus if gpu not in resources.gpus] if resources.gpus else []
    if missing:
        listed = ", ".join(map(str, missing))
        return GiveUp(job, JobState.ERROR, f"GPU {listed} is not in this machine, or not for jobs.")
    if resources.free_disk_bytes < resources.min_free_disk_bytes:
        return Wait(job, f"Waiting: disk below {gigabytes(resources.min_free_disk_bytes)}", None)
    return _take_gpus(job, turn) if kind_of(job, resources) == "gpu" else _take_slot(job, turn)


def _dataset_first(job: Job, datasets: Mapping[str, tuple[str, JobState]]) -> Decision | None:
    if not job.depends_on:
        return None
    name, state = datasets.get(job.depends_on, ("", None))
    if state is JobState.DONE:
        return None
    if state is None:
        return GiveUp(job, JobState.ABORTED, "Its dataset was deleted.")
    if state is JobState.ERROR:
        return GiveUp(job, JobState.ABORTED, f'Its dataset "{name}" ended in Error.')
    if state is JobState.ABORTED:
        return GiveUp(job, JobState.ABORTED, f'Its dataset "{name}" was aborted.')
    return Wait(job, "Waiting: its dataset is not Done", None)


def _take_slot(job: Job, turn: _Turn) -> Decision:
    kind: Kind = "build" if job.kind in _BUILDS else "cpu"
    if turn.busy[kind] < turn.num_slots(kind):
        turn.busy[kind] += 1
        return Start(job, ())
    turn.waiting[kind] += 1
    place = turn.waiting[kind]
    fact = f"{turn.busy[kind]} of {turn.num_slots(kind)} {_NAMES[kind]} slots busy"
    return Wait(job, f"Waiting: {fact}, {ordinal(place)} in the queue", place)


def _take_gpus(job: Job, turn: _Turn) -> Decision:
    total = turn.num_slots("gpu")
    if job.wanted_gpus:
        chosen = set(job.wanted_gpus)
        enough = chosen <= turn.free_gpus
    else:
        count = min(job.num_gpus, total)
        enough = len(turn.free_gpus) >= count
        chosen = set(sorted(turn.free_gpus)[:count])
    if enough:
        turn.free_gpus -= chosen
        turn.busy["gpu"] += len(chosen)
        return Start(job, tuple(sorted(chosen)))
    busy_ones = sorted(set(job.wanted_gpus) - turn.free_gpus)
    turn.free_gpus -= chosen  # kept for this job: later ones do not overtake it
    turn.waiting["gpu"] += 1
    place = turn.waiting["gpu"]
    if job.wanted_gpus:
        which = ("GPU " if len(busy_ones) == 1 else "GPUs ") + ", ".join(map(str, busy_ones))
        fact = f"{which} {'is' if len(busy_ones) == 1 else 'are'} busy"
    else:
        fact = f"{turn.busy['gpu']} of {total} GPUs busy"
    return Wait(job, f"Waiting: {fact}, {ordinal(place)} in the queue", place)
