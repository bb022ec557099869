"""Home: what runs now, and tables of what was made, filtered, sorted and grouped here so that 10,000 jobs stay quick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from digits.core.states import JobState
from digits.web.auth import may_change
from digits.web.pages import drawing, joblists, welcome, words
from digits.web.pages.jobrows import Column, Row, dataset_rows, model_rows, pretrained_rows, searchable, sort_values
from digits.web.pages.live import live_page
from digits.web.pages.paging import PageLink, page_links
from digits.web.site import Site, link, store

if TYPE_CHECKING:
    from digits.core.jobfolder import JobKind
    from digits.store import Job, Store

PAGE_ROWS = 100
TITLES = {"1": "Datasets", "2": "Models", "3": "Pretrained Models"}
KINDS: dict[str, JobKind] = {"1": "dataset", "2": "model", "3": "pretrained_model"}
USUAL = "-submitted"
EMPTY = {
    "1": (
        "No datasets yet.",
        "New Dataset",
        "/datasets/images/classification/new",
        "makes one from a folder of pictures.",
    ),
    "2": ("No models yet.", "New Model", "/models/images/classification/new", "trains one on a dataset."),
    "3": ("No pretrained models yet.", "", "", ""),
}
"""What an empty table says: the fact, a link and its address, and what that does."""


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


@dataclass(frozen=True)
class Tab:
    """A kind of job."""

    number: str
    title: str
    count: int
    href: str


@dataclass
class Group:
    """Rows that fold together under a title; ``title`` is "" where rows are not grouped."""

    title: str
    rows: list[Row] = field(default_factory=list)
    best: str = ""
    named: bool = True


@dataclass(frozen=True)
class Table:
    """All that home/_jobs.html shows."""

    tab: str
    sort: str
    query: str
    grouped: bool
    total: int
    columns: list[Column]
    metrics: list[Column]
    groups: list[Group]
    summary: str
    pages: list[PageLink]
    empty: str
    empty_link: tuple[str, str] | None
    empty_tail: str


def home(request: Request) -> Response:
    """``GET /?tab=&q=&sort=&group=&page=``: tab 1 datasets, 2 models (as DIGITS, once there are any), 3 pretrained models."""
    kept = store(request)
    counts = kept.counts()
    running = [job for job in kept.jobs(running=True) if not job.parent]
    tab = request.query_params.get("tab", "")
    if tab not in TITLES:
        tab = "2" if counts.get("model") else "1"
    tabs = [Tab(n, title, counts.get(KINDS[n], 0), link(request, f"/?tab={n}")) for n, title in TITLES.items()]
    waiting = sum(job.state is not JobState.RUNNING for job in running)
    parts = [f"{len(running) - waiting} running"] if len(running) > waiting else []
    return live_page(
        request,
        "home/index.html",
        running=running_rows(request, kept, running),
        spoken_running=", ".join(parts + ([f"{waiting} waiting"] if waiting else [])),
        tabs=tabs,
        table=_table(request, kept, tab, counts.get(KINDS[tab], 0)),
        first=None if any(counts.values()) else welcome.first_steps(request),
    )


def running_rows(request: Request, kept: Store, jobs: list[Job]) -> list[RunningRow]:
    """Return the rows of the running jobs: those that run first, then by place in the queue."""
    names = {job.id: job.name for job in jobs}
    for dataset in {job.depends_on for job in jobs} - names.keys() - {""}:
        found = kept.jobs(kind="dataset", search=dataset, limit=1)
        names |= {job.id: job.name for job in found}
    user = Site(request).user
    jobs = sorted(jobs, key=lambda job: (job.state is not JobState.RUNNING, job.queue_place or 0))
    return [
        RunningRow(
            job,
            link(request, joblists.path_of(job)),
            joblists.subtitle(job, names),
            drawing.sparkline(kept.sparkline(job)) if job.kind == "model" else Markup(""),
            next((value for name, value in job.latest.items() if "loss" in name and name.endswith("/train")), None),
            joblists.remark(job),
            joblists.device(job),
            may_change(user, job),
        )
        for job in jobs
    ]


@dataclass(frozen=True)
class _Found:
    """One page of the jobs that match the filter, in order."""

    jobs: list[Job]
    count: int
    page: int
    sort: str


def _find(request: Request, kept: Store, kind: JobKind, total: int) -> _Found:
    """Return the page of jobs that is asked for; in the usual order, without a filter, the others are not even read."""
    query = request.query_params.get("q", "").lower().split()
    sort = request.query_params.get("sort", "") or USUAL
    if sort == USUAL and not query:
        page = _page_number(request, total)
        return _Found(kept.jobs(kind=kind, limit=PAGE_ROWS, offset=page * PAGE_ROWS), total, page, sort)
    jobs = kept.jobs(kind=kind)
    if query:
        jobs = [job for job in jobs if all(word in searchable(job) for word in query)]
    if sort != USUAL:
        jobs = _sorted(jobs, sort_values(request, jobs, sort.removeprefix("-")), descending=sort.startswith("-"))
    page = _page_number(request, len(jobs))
    return _Found(jobs[page * PAGE_ROWS : (page + 1) * PAGE_ROWS], len(jobs), page, sort)


def _sorted(jobs: list[Job], values: dict[str, Any], *, descending: bool) -> list[Job]:
    """Return the jobs by their values, those without one last either way."""
    full = [job for job in jobs if values[job.id] not in (None, "")]
    empty = [job for job in jobs if values[job.id] in (None, "")]
    return sorted(full, key=lambda job: values[job.id], reverse=descending) + empty


def _table(request: Request, kept: Store, tab: str, total: int) -> Table:
    found = _find(request, kept, KINDS[tab], total)
    grouped = request.query_params.getlist("group")[:1] != ["0"]
    query = request.query_params.get("q", "").strip()
    make = {"1": dataset_rows, "2": model_rows, "3": pretrained_rows}[tab]
    rows, columns = make(request, found.jobs)
    address = _address(request, tab=tab, q=query, group="1" if grouped else "0")
    empty = EMPTY[tab]
    return Table(
        tab=tab, sort=found.sort, query=query, grouped=grouped, total=total,
        columns=[_headed(column, found.sort, address) for column in columns],
        metrics=[column for column in columns if column.metric],
        groups=_groups(rows, grouped=grouped),
        summary=_summary(tab, total, kept.counts(running=True).get(KINDS[tab], 0), found),
        pages=page_links(found.page, -(-found.count // PAGE_ROWS), lambda number: address(sort=found.sort, page=number)),
        empty=empty[0], empty_link=(empty[1], link(request, empty[2])) if empty[1] else None, empty_tail=empty[3],
    )  # fmt: skip


def _page_number(request: Request, count: int) -> int:
    text = request.query_params.get("page", "0")
    last = max(0, -(-count // PAGE_ROWS) - 1)
    return min(int(text), last) if text.isdigit() and len(text) < 9 else 0


def _address(request: Request, **fixed: str) -> Callable[..., str]:
    def address(**more: object) -> str:
        given = {name: value for name, value in (fixed | more).items() if value not in ("", 0)}
        return link(request, "/?" + urlencode({name: str(value) for name, value in given.items()}))

    return address


def _headed(column: Column, sort: str, address: Callable[..., str]) -> Column:
    descending = sort == "-" + column.key
    chosen = descending or sort == column.key
    following = column.key if descending else ("-" + column.key if chosen or "num" in column.css else column.key)
    return Column(
        column.key, column.title, column.css, column.metric, column.shown, address(sort=following),
        ("descending" if descending else "ascending") if chosen else "",
    )  # fmt: skip


def _groups(rows: list[Row], *, grouped: bool) -> list[Group]:
    if not grouped or not any(row.job.group for row in rows):
        return [Group("", rows)] if rows else []
    groups: dict[str, Group] = {}
    for row in rows:
        groups.setdefault(row.job.group, Group(row.job.group or "Ungrouped", named=bool(row.job.group))).rows.append(
            row
        )
    for group in groups.values():
        if group.named:
            group.best = _best(group.rows)
    return sorted(groups.values(), key=lambda group: not group.named)


def _best(rows: list[Row]) -> str:
    key = next((key for row in rows for key in row.metrics if joblists.is_accuracy(key.rpartition(":")[0])), None)
    scored = [row for row in rows if key in row.metrics]
    if len(scored) < 2 or key is None:
        return ""
    best = max(scored, key=lambda row: row.metrics[key])
    return f"best {words.percent(best.metrics[key])} % with {joblists.sweep_suffix(best.job.name) or best.job.name}"


def _summary(tab: str, total: int, running: int, found: _Found) -> str:
    noun = {"1": "dataset", "2": "model", "3": "pretrained model"}[tab]
    parts = [words.counted(total, noun)]
    if running:
        parts.append(f"{running} running or waiting")
    text = ", ".join(parts) + "."
    if found.count < total:
        text += f" {words.counted(found.count, 'matches', 'match')} the filter."
    return text + (f" Showing {len(found.jobs):,}." if found.jobs or not found.count else "")
