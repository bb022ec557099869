"""What the pages of all jobs show alike: states with their durations, files, what belongs together, who may do what."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request

from digits.core.states import JobState
from digits.web import comparing
from digits.web.auth import may_change
from digits.web.pages import joblists, words
from digits.web.site import Site, link, store

if TYPE_CHECKING:
    from digits.store import HistoryRow, Job


@dataclass(frozen=True)
class StatusLine:
    """A state the job came through: "Initialized", "14:02:12, 1 second"."""

    state: JobState
    when: str
    full: str
    reason: str


@dataclass(frozen=True)
class FileLink:
    """A file of the job folder."""

    name: str
    href: str
    size: str


@dataclass(frozen=True)
class RelatedJob:
    """A job that belongs with this one; ``name`` is short where the group says the rest."""

    job: Job
    name: str
    href: str


def status_lines(job: Job, history: list[HistoryRow]) -> list[StatusLine]:
    """Return the states with their durations in DIGITS' words; the last one tells the total."""
    lines = []
    first = history[0].time if history else job.created
    for index, row in enumerate(history):
        over = index + 1 < len(history)
        if over:
            text = words.spoken(history[index + 1].time - row.time)
        elif row.state.is_running:
            text = words.spoken(time.time() - row.time) + " so far"
        else:
            text = "total " + words.spoken(row.time - first)
        day = "" if time.localtime(row.time)[:3] == time.localtime()[:3] else words.when(row.time) + ", "
        lines.append(StatusLine(row.state, f"{day}{words.clock(row.time)}, {text}", words.moment(row.time), row.reason))
    return lines


def file_links(request: Request, job: Job, names: Iterable[str]) -> list[FileLink]:
    """Return links to those of the named files that the job has."""
    found = []
    for name in names:
        try:
            size = (job.folder.path / name).stat().st_size
        except OSError:
            continue
        found.append(FileLink(name, link(request, f"/files/{job.id}/{name}"), words.size(size)))
    return found


def models_beside(request: Request, job: Job) -> list[Job]:
    """Return the models of a dataset, newest first; for a model its group, or the other models of its dataset."""
    kept = store(request)
    if job.kind == "dataset":
        return kept.jobs(kind="model", depends_on=job.id, limit=20)
    jobs = [each for each in kept.jobs(kind="model", depends_on=job.depends_on, limit=40) if each.id != job.id]
    return [each for each in jobs if each.group == job.group] if job.group else jobs


def related(request: Request, job: Job, jobs: Sequence[Job]) -> list[RelatedJob]:
    """Return links to the ``jobs`` that belong with a job; their names are short where its group says the rest."""
    shared = bool(job.group) and all(each.group == job.group for each in jobs)
    return [
        RelatedJob(
            each, (shared and joblists.sweep_suffix(each.name)) or each.name, link(request, joblists.path_of(each))
        )
        for each in jobs[:12]
    ]


def compare_link(request: Request, job: Job, jobs: Sequence[Job]) -> tuple[str, str] | None:
    """Return text and address of the comparison of a job and the ``jobs`` beside it; None where there are not two models."""
    ids = [each.id for each in jobs if each.kind == "model"]
    href = comparing.address(request, ids if job.kind == "dataset" else [job.id, *ids])
    group = job.kind == "model" and job.group
    return ("Compare the group" if group else "Compare the models", href) if href else None


def common(request: Request, job: Job) -> dict[str, object]:
    """Return what every job's page needs: job, status lines, related jobs, and what its reader may do."""
    beside = models_beside(request, job)
    return {
        "job": job,
        "status_lines": status_lines(job, store(request).history(job.id)),
        "related": related(request, job, beside),
        "compare": compare_link(request, job, beside),
        "may_change": may_change(Site(request).user, job),
        "home_tab": {"dataset": "1", "model": "2"}.get(job.kind, "3"),
        "live": job.is_running,
    }
