"""The page of several models side by side: a row a model, a column each setting that differs and each curve's figures."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import NotFoundError
from digits.core.trainspec import TrainSpec
from digits.web import comparing
from digits.web.comparing import Measured
from digits.web.fields import form_view
from digits.web.pages import joblists, words
from digits.web.pages.live import live_page
from digits.web.reading import argument
from digits.web.site import link, store

if TYPE_CHECKING:
    from digits.store import Job

HUES = 8
LONGEST = 60


@dataclass(frozen=True)
class Line:
    """A model: its page, its place among the colours, its curves' address, the texts of its columns."""

    job: Job
    href: str
    metrics: str
    hue: int
    dash: int
    settings: list[str | None]
    figures: list[Figure | None]


@dataclass(frozen=True)
class Figure:
    """What a curve came to: "99.07", "epoch 5", "99.02"; ``leads`` where no other model's is better."""

    best: str
    epoch: str
    last: str
    leads: bool


def show(request: Request) -> Response:
    """``GET /models/compare?ids=``: table and curves; it follows those that still run."""
    models = comparing.asked_models(request)
    settings = comparing.settings_of(models)
    apart = comparing.differing(settings)
    found = comparing.measured(models)
    told = [name for name in found if name.endswith("/val")] or list(found)
    columns = [_column(request, name, values) for name, values in apart.items()]
    figures = [_figures(name, found[name]) for name in told]
    lines = [
        Line(
            job, link(request, f"/models/{job.id}"), link(request, f"/models/{job.id}/metrics"), index % HUES + 1, index // HUES,
            [column[index] for column in columns], [column[index] for column in figures],
        )
        for index, job in enumerate(models)
    ]  # fmt: skip
    groups = {job.group for job in models}
    return live_page(
        request, "models/compare.html", lines=lines, ids=argument(request, "ids"),
        settings=[title(name) for name in apart], measures=[measure_title(name) for name in told],
        series=[(name, joblists.series_title(name)) for name in [*found, "lr"]],
        alike=[(title(name), _column(request, name, [values[0]])[0]) for name, values in settings.items() if name not in apart],
        group=groups.pop() if len(groups) == 1 else "", live=any(job.is_running for job in models),
    )  # fmt: skip


def title(name: str) -> str:
    """Return what the form calls a setting."""
    return {"dataset": "Dataset"}.get(name) or _titles().get(name, name)


@cache
def _titles() -> dict[str, str]:
    return {name: field.title for name, field in form_view(TrainSpec).fields.items()}


def _column(request: Request, name: str, values: Sequence[str | None]) -> list[str | None]:
    if name == "dataset":
        return [_job_name(request, value) for value in values]
    return [brief(value) for value in values]


def _job_name(request: Request, job_id: str | None) -> str | None:
    try:
        return store(request).job(job_id).name if job_id else None
    except NotFoundError:
        return job_id


def brief(value: str | None) -> str | None:
    """Return a long text as its number of lines and a sum that tells it from others; anything else as it is."""
    if value is None or (len(value) <= LONGEST and "\n" not in value):
        return value
    digest = zlib.crc32(value.encode("utf-8", "surrogateescape"))
    return f"{words.counted(len(value.splitlines()), 'line')} ({digest:08x})"


def measure_title(name: str) -> str:
    """Return "accuracy (val), %"."""
    return joblists.series_title(name) + (", %" if joblists.is_accuracy(name) else "")


def _figures(name: str, found: Sequence[Measured | None]) -> list[Figure | None]:
    more = joblists.is_accuracy(name)
    write = words.percent if more else words.figure
    known = [each.best for each in found if each]
    lead = (max(known) if more else min(known)) if len(known) > 1 else None
    return [
        Figure(write(each.best), words.epoch(each.epoch), write(each.last), each.best == lead) if each else None
        for each in found
    ]
