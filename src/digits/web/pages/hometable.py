"""The table of the home page: what is asked for in the address, and the page of the list that answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request

from digits.core.extensions import installed
from digits.store.lists import USUAL, Asked, GroupFacts, is_column
from digits.web.pages import joblists, words
from digits.web.pages.jobrows import Column, Row, dataset_rows, model_rows, pretrained_rows
from digits.web.pages.paging import PageLink, page_links
from digits.web.site import link, store

if TYPE_CHECKING:
    from digits.core.jobfolder import JobKind

PAGE_ROWS = 100
MAX_WORDS = 12
TITLES = {"1": "Datasets", "2": "Models", "3": "Pretrained Models"}
KINDS: dict[str, JobKind] = {"1": "dataset", "2": "model", "3": "pretrained_model"}
EMPTY = {
    "1": (
        "No datasets yet.",
        "New Dataset",
        "/datasets/images/classification/new",
        "makes one from a folder of pictures.",
    ),
    "2": ("No models yet.", "New Model", "/models/images/classification/new", "trains one on a dataset."),
    "3": ("No pretrained models yet.", "Model Store", "/store/list", "has some to begin with."),
}
"""What an empty table says: the fact, a link and its address, and what that does."""


@dataclass
class Group:
    """Rows that fold together under a title; ``title`` is "" where rows are not grouped."""

    title: str
    rows: list[Row] = field(default_factory=list)
    count: int = 0
    """Of the whole group, whatever part of it stands on this page."""
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
    count: int
    """Jobs that match the filter, on all pages."""
    columns: list[Column]
    metrics: list[Column]
    groups: list[Group]
    summary: str
    pages: list[PageLink]
    matching: str
    """Address of the ids of all jobs that match."""
    empty: str
    empty_link: tuple[str, str] | None
    empty_tail: str


def asked_list(request: Request, tab: str) -> Asked:
    """Return the list that the address asks for: ``q``, ``sort`` and ``group``."""
    given = tuple(request.query_params.get("q", "").lower().split()[:MAX_WORDS])
    titles = {name: extension.title.lower() for name, extension in installed("frameworks").items()}
    sort = request.query_params.get("sort", "")
    return Asked(
        kind=KINDS[tab],
        words=given,
        frameworks=tuple(frozenset(name for name, title in titles.items() if word in title) for word in given),
        sort=sort if is_column(sort) else USUAL,
        grouped=request.query_params.getlist("group")[:1] != ["0"],
    )


def table(request: Request, tab: str, *, total: int, running: int) -> Table:
    """Return the table of a tab.

    Args:
        request: its query says what is asked for.
        tab: "1", "2" or "3".
        total: jobs of this kind.
        running: those of them that are not over.
    """
    asked, lists = asked_list(request, tab), store(request).lists
    count = lists.count(asked) if asked.words else total
    page = _page_number(request, count)
    make = {"1": dataset_rows, "2": model_rows, "3": pretrained_rows}[tab]
    rows, columns = make(request, lists.page(asked, limit=PAGE_ROWS, offset=page * PAGE_ROWS))
    facts: Mapping[str, GroupFacts] = {}
    if asked.grouped and any(row.job.group for row in rows):
        facts = lists.groups(asked, {row.job.group for row in rows})
    query = request.query_params.get("q", "").strip()
    address = _address(request, tab=tab, q=query, group="1" if asked.grouped else "0")
    empty = EMPTY[tab]
    return Table(
        tab=tab, sort=asked.sort, query=query, grouped=asked.grouped, total=total, count=count,
        columns=[_headed(column, asked.sort, address) for column in columns],
        metrics=[column for column in columns if column.metric],
        groups=_groups(rows, facts),
        summary=_summary(tab, total, running, count, len(rows)),
        pages=page_links(page, -(-count // PAGE_ROWS), lambda number: address(sort=asked.sort, page=number)),
        matching=link(request, "/jobs/ids.json?" + urlencode({"tab": tab, "q": query})),
        empty=empty[0], empty_link=(empty[1], link(request, empty[2])) if empty[1] else None, empty_tail=empty[3],
    )  # fmt: skip


def _page_number(request: Request, count: int) -> int:
    text = request.query_params.get("page", "0")
    last = max(0, -(-count // PAGE_ROWS) - 1)
    return min(int(text), last) if text.isascii() and text.isdigit() and len(text) < 9 else 0


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


def _groups(rows: list[Row], facts: Mapping[str, GroupFacts]) -> list[Group]:
    if not facts:
        return [Group("", rows)] if rows else []
    groups: dict[str, Group] = {}
    for row in rows:
        name = row.job.group
        if name not in groups:
            groups[name] = Group(
                name or "Ungrouped", count=facts[name].count, best=_best(facts[name]), named=bool(name)
            )
        groups[name].rows.append(row)
    return list(groups.values())


def _best(facts: GroupFacts) -> str:
    if facts.best is None:
        return ""
    return f"best {words.percent(facts.best)} % with {joblists.sweep_suffix(facts.best_name) or facts.best_name}"


def _summary(tab: str, total: int, running: int, count: int, shown: int) -> str:
    noun = {"1": "dataset", "2": "model", "3": "pretrained model"}[tab]
    parts = [words.counted(total, noun)]
    if running:
        parts.append(f"{running:,} running or waiting")
    text = ", ".join(parts) + "."
    if count < total:
        text += f" {words.counted(count, 'matches', 'match')} the filter."
    return text + (f" Showing {shown:,}." if shown or not count else "")
