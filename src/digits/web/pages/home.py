"""Home: what runs now, and tables of what was made; the database filters and sorts, so that 10,000 jobs stay quick."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

import digits
from digits.core.states import JobState
from digits.web.answers import render, tag_of, tagged, unchanged
from digits.web.auth import may_change
from digits.web.pages import drawing, joblists, welcome
from digits.web.pages.hometable import KINDS, TITLES, table
from digits.web.site import Site, link, store

if TYPE_CHECKING:
    from digits.store import Job, Store

MAX_RUNNING_ROWS = 50  # of a queue of hundreds the first are told; the others stand in the table


@dataclass(frozen=True)
class RunningRow:
    """A job that is not over."""

    job: Job
    href: str
    subtitle: str
    sparkline: Markup
    last: float | None
    remark: str
    device: str
    may_change: bool
    sooner: int | None
    """The priority that lets it start before all others; None for a job that does not wait behind another."""


@dataclass(frozen=True)
class Tab:
    """A kind of job."""

    number: str
    title: str
    count: int
    href: str


def home(request: Request) -> Response:
    """``GET /?tab=&q=&sort=&group=&page=``: tab 1 datasets, 2 models (as DIGITS, once there are any), 3 pretrained models."""
    kept = store(request)
    alive = kept.runner_alive()
    # All else that the page shows is rows of the database, but for "Today"; a new version may show them otherwise.
    shown = (kept.database.changes(), alive, time.strftime("%x"), Site(request).user, str(request.url))
    tag = tag_of(digits.__version__, *shown)
    known = unchanged(request, tag)
    if known is not None:
        return known
    counts = kept.counts()
    running = [job for job in kept.jobs(running=True) if not job.parent]
    running.sort(key=lambda job: (job.state is not JobState.RUNNING, job.queue_place or 0))
    tab = request.query_params.get("tab", "")
    if tab not in TITLES:
        tab = "2" if counts.get("model") else "1"
    page = render(
        request,
        "home/index.html",
        running=running_rows(request, kept, running[:MAX_RUNNING_ROWS]),
        more_running=max(0, len(running) - MAX_RUNNING_ROWS),
        spoken_running=_spoken(running),
        runner_alive=alive,
        tabs=[Tab(n, title, counts.get(KINDS[n], 0), link(request, f"/?tab={n}")) for n, title in TITLES.items()],
        table=table(
            request,
            tab,
            total=counts.get(KINDS[tab], 0),
            running=sum(job.kind == KINDS[tab] for job in running),
        ),
        first=None if any(counts.values()) else welcome.first_steps(request),
    )
    return tagged(request, page, tag)


def _spoken(running: list[Job]) -> str:
    waiting = sum(job.state is not JobState.RUNNING for job in running)
    parts = [f"{len(running) - waiting:,} running"] if len(running) > waiting else []
    return ", ".join(parts + ([f"{waiting:,} waiting"] if waiting else []))


def running_rows(request: Request, kept: Store, jobs: list[Job]) -> list[RunningRow]:
    """Return the rows of jobs that are not over."""
    names = kept.lists.names({job.depends_on for job in jobs} - {""})
    user = Site(request).user
    first = max((job.priority for job in jobs if job.state is not JobState.RUNNING), default=0) + 1
    return [
        RunningRow(
            job,
            link(request, joblists.path_of(job)),
            joblists.subtitle(job, names),
            drawing.sparkline(kept.sparkline(job.id)) if job.kind == "model" and job.started else Markup(""),
            next((value for name, value in job.latest.items() if "loss" in name and name.endswith("/train")), None),
            joblists.remark(job),
            joblists.device(job),
            may_change(user, job),
            first if (job.queue_place or 0) > 1 else None,
        )
        for job in jobs
    ]
