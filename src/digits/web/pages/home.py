"""Home: what runs now, and tables of what was made, filtered, sorted and grouped here so that 10,000 jobs stay quick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from digits.core.states import JobState
from digits.web.auth import may_change
from digits.web.pages import drawing, joblists, welcome, words
from digits.web.pages.jobrows import Column, Row, dataset_rows, model_rows, pretrained_rows
from digits.web.pages.live import live_page
from digits.web.pages.paging import PageLink, page_links
from digits.web.site import Site, link, store

if TYPE_CHECKING:
    from digits.core.jobfolder import JobKind
    from digits.store import Job, Store

PAGE_ROWS = 100
TITLES = {"1": "Datasets", "2": "Models", "3": "Pretrained Models"}
KINDS: dict[str, JobKind] = {"1": "dataset", "2": "model", "3": "pretrained_model"}


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
        table=_table(request, kept, tab),
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


def _table(request: Request, kept: Store, tab: str) -> Table:
    query = request.query_params.get("q", "").strip()
    sort = request.query_params.get("sort", "") or "-submitted"
    grouped = request.query_params.getlist("group")[:1] != ["0"]
    jobs = kept.jobs(kind=KINDS[tab])
    make = {"1": dataset_rows, "2": model_rows, "3": pretrained_rows}[tab]
    rows, columns = make(request, jobs)
    found = [row for row in rows if _matches(row, query)]
    key = sort.removeprefix("-")
    if not any(column.key == key for column in columns):
        sort, key = "-submitted", "submitted"
    found = _sorted(found, key, descending=sort.startswith("-"))
    page = _page_number(request, len(found))
    shown = found[page * PAGE_ROWS : (page + 1) * PAGE_ROWS]
    address = _address(request, tab=tab, q=query, group="1" if grouped else "0")
    num_pages = -(-len(found) // PAGE_ROWS)
    empty = {
        "1": (
            "No datasets yet.",
            "New Dataset",
            "/datasets/images/classification/new",
            "makes one from a folder of pictures.",
        ),
        "2": ("No models yet.", "New Model", "/models/images/classification/new", "trains one on a dataset."),
        "3": ("No pretrained models yet.", "", "", ""),
    }[tab]
    return Table(
        tab=tab, sort=sort, query=query, grouped=grouped, total=len(jobs),
        columns=[_headed(column, sort, address) for column in columns],
        metrics=[column for column in columns if column.metric],
        groups=_groups(shown, grouped=grouped),
        summary=_summary(tab, jobs, found, shown),
        pages=page_links(page, num_pages, lambda number: address(sort=sort, page=number)),
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


def _matches(row: Row, query: str) -> bool:
    if not query:
        return True
    job = row.job
    text = " ".join((job.name, job.id, job.group, job.username, str(job.state), *row.texts.values())).lower()
    return all(word in text for word in query.lower().split())


def _sorted(rows: list[Row], key: str, *, descending: bool) -> list[Row]:
    """Return the rows by a column's values, empty ones last either way."""
    full = [row for row in rows if row.values.get(key) not in (None, "")]
    empty = [row for row in rows if row.values.get(key) in (None, "")]
    return sorted(full, key=lambda row: row.values[key], reverse=descending) + empty


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
    key = next((key for row in rows for key in row.values if joblists.is_accuracy(key.rpartition(":")[0])), None)
    scored = [row for row in rows if key and row.values.get(key) is not None]
    if len(scored) < 2 or key is None:
        return ""
    best = max(scored, key=lambda row: row.values[key])
    return f"best {words.percent(best.values[key])} % with {joblists.sweep_suffix(best.job.name) or best.job.name}"


def _summary(tab: str, jobs: list[Job], found: list[Row], shown: list[Row]) -> str:
    noun = {"1": "dataset", "2": "model", "3": "pretrained model"}[tab]
    running = sum(job.is_running for job in jobs)
    parts = [words.counted(len(jobs), noun)]
    if running:
        parts.append(f"{running} running or waiting")
    text = ", ".join(parts) + "."
    if len(found) < len(jobs):
        text += f" {len(found):,} match the filter."
    return text + (f" Showing {len(shown):,}." if shown or not found else "")
