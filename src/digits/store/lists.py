"""Lists of jobs, ten thousand and more: which, in what order, a page at a time; the database filters, sorts and counts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Text,
    and_,
    func,
    nulls_last,
    or_,
    select,
)

from digits.core.errors import NotFoundError
from digits.core.jobfolder import LISTED_KINDS, JobKind
from digits.core.states import JobState
from digits.store.database import Database
from digits.store.entities import ListedJob
from digits.store.schema import LISTED, SUMMARIES

USUAL = "-submitted"
_NAMED = {"id": "job_id", "group": "group_name"}
_COLUMNS = tuple(LISTED.c[_NAMED.get(name, name)] for name in ListedJob._fields)
_STATE = ListedJob._fields.index("state")
_SORTED_BY: dict[str, ColumnElement[Any]] = {
    "name": LISTED.c.sort_name,
    "submitted": LISTED.c.created,
    "status": LISTED.c.state_order,
    **{name: LISTED.c[name] for name in (
        "device", "framework", "backend", "pictures", "classes", "bytes", "epochs", "username", "has_labels")},
}  # fmt: skip


def is_column(sort: str) -> bool:
    """Whether a list can be sorted by this: a column's name or a curve's, "-" before it for falling."""
    key = sort.removeprefix("-")
    return key in (*_SORTED_BY, "elapsed", "refs") or key.rpartition(":")[2] in ("last", "min", "max")


@dataclass(frozen=True)
class Asked:
    """Which jobs a list holds, and in what order."""

    kind: JobKind
    words: tuple[str, ...] = ()
    """Each must be found in a job's name, id, group, owner, state, title, backend, framework or device."""
    frameworks: tuple[frozenset[str], ...] = ()
    """For each word the frameworks whose title holds it: a title ("PyTorch") is not in the rows."""
    sort: str = USUAL
    """A column, or "<curve>:last|min|max"; "-" before it for falling. Unknown ones are the usual order."""
    grouped: bool = False
    """Whether jobs of a group stand together, the group of the first job first; those of no group come last."""


@dataclass(frozen=True)
class GroupFacts:
    """What a list says of a whole group, whichever page it is on."""

    count: int
    best: float | None
    """The greatest last value of an accuracy."""
    best_name: str


class Lists:
    """Reads the rows of ``listed``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, asked: Asked, *, limit: int, offset: int = 0) -> list[ListedJob]:
        """Return a page of the list."""
        source, order = _ordered(asked)
        chosen = select(LISTED.c.job_id).select_from(source).where(*_chosen(asked)).order_by(*order)
        with self._database.read() as connection:
            ids = (
                connection.execute(chosen.limit(limit).offset(offset)).scalars().all()
            )  # ids alone sort three times as fast
            found = connection.execute(select(*_COLUMNS).where(LISTED.c.job_id.in_(ids)))
            jobs = {row[0]: _to_listed(row) for row in found}
        return [jobs[job_id] for job_id in ids]

    def count(self, asked: Asked) -> int:
        """Return how many jobs the whole list has."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(LISTED).where(*_chosen(asked))).scalar_one())

    def ids(self, asked: Asked) -> list[str]:
        """Return the ids of the whole list, newest first."""
        query = select(LISTED.c.job_id).where(*_chosen(asked)).order_by(LISTED.c.created.desc())
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def groups(self, asked: Asked, names: Iterable[str]) -> dict[str, GroupFacts]:
        """Return what is to be said of these groups, "" for the jobs of none."""
        wanted = list(names)
        members = and_(LISTED.c.group_name.in_(wanted), *_chosen(asked))
        counts = select(LISTED.c.group_name, func.count()).where(members).group_by(LISTED.c.group_name)
        # A few accuracies for each job of a sweep: the series of validation go first, whichever their names.
        scores = (
            select(LISTED.c.group_name, LISTED.c.name, SUMMARIES.c.name, SUMMARIES.c.last)
            .join(SUMMARIES, SUMMARIES.c.job_id == LISTED.c.job_id)
            .where(members, LISTED.c.group_name != "", SUMMARIES.c.name.icontains("accuracy"))
        )
        best: dict[str, tuple[bool, float, str]] = {}
        with self._database.read() as connection:
            found = {name: count for name, count in connection.execute(counts)}  # noqa: C416 - dict() of rows hides the types
            for group, job, series, last in connection.execute(scores):
                best[group] = max(best.get(group, (False, -1.0, "")), (series.endswith("/val"), last, job))
        return {
            name: GroupFacts(count, *(best[name][1:] if name in best and count > 1 else (None, "")))
            for name, count in found.items()
        }

    def all(self) -> list[ListedJob]:
        """Return every job that lists show, newest first."""
        query = select(*_COLUMNS).where(LISTED.c.kind.in_(LISTED_KINDS))
        with self._database.read() as connection:
            found = connection.execute(query.order_by(LISTED.c.created.desc(), LISTED.c.job_id.desc()))
            return [_to_listed(row) for row in found]

    def job(self, job_id: str) -> ListedJob:
        """Return one job.

        Raises:
            NotFoundError: there is none of that id.
        """
        with self._database.read() as connection:
            row = connection.execute(select(*_COLUMNS).where(LISTED.c.job_id == job_id)).first()
        if row is None:
            raise NotFoundError("Job not found")
        return _to_listed(row)

    def series(self) -> list[str]:
        """Return the names of all curves of all jobs."""
        with self._database.read() as connection:
            return list(connection.execute(select(SUMMARIES.c.name).distinct()).scalars())

    def names(self, job_ids: Iterable[str]) -> dict[str, str]:
        """Return the names of these jobs; those that do not exist are left out."""
        query = select(LISTED.c.job_id, LISTED.c.name).where(LISTED.c.job_id.in_(list(job_ids)))
        with self._database.read() as connection:
            return {job_id: name for job_id, name in connection.execute(query)}  # noqa: C416 - dict() of rows hides the types

    def refs(self, job_ids: Iterable[str] | None = None) -> dict[str, int]:
        """Return how many models were made of each dataset that has any; of these datasets alone, if some are named."""
        query = select(LISTED.c.depends_on, func.count()).where(LISTED.c.kind == "model")
        if job_ids is not None:
            query = query.where(LISTED.c.depends_on.in_(list(job_ids)))
        with self._database.read() as connection:
            return {job_id: count for job_id, count in connection.execute(query.group_by(LISTED.c.depends_on))}  # noqa: C416 - as above


def _to_listed(row: Row[Any]) -> ListedJob:
    return ListedJob._make((*row[:_STATE], JobState(row[_STATE]), *row[_STATE + 1 :]))


def _chosen(asked: Asked) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [LISTED.c.kind == asked.kind]
    titled: Sequence[frozenset[str]] = asked.frameworks or (frozenset(),) * len(asked.words)
    for word, frameworks in zip(asked.words, titled, strict=True):
        found = LISTED.c.haystack.contains(word.lower(), autoescape=True)
        conditions.append(or_(found, LISTED.c.framework.in_(sorted(frameworks))) if frameworks else found)
    return conditions


def _ordered(asked: Asked) -> tuple[FromClause, list[ColumnElement[Any]]]:
    """Return what is read and by what it is sorted: the asked column, empty values last either way, then the newest first."""
    source: FromClause = LISTED
    key = asked.sort.removeprefix("-")
    descending = asked.sort.startswith("-")
    column = _SORTED_BY.get(key)
    if key == "elapsed":
        column = func.coalesce(LISTED.c.finished, time.time()) - LISTED.c.started
    elif key == "refs":
        made = (
            select(LISTED.c.depends_on.label("made_of"), func.count().label("refs"))
            .where(LISTED.c.kind == "model")
            .group_by(LISTED.c.depends_on)
            .subquery()
        )
        source = source.outerjoin(made, made.c.made_of == LISTED.c.job_id)
        column = func.coalesce(made.c.refs, 0)
    elif ":" in key:
        series, _, which = key.rpartition(":")
        if which in ("last", "min", "max"):
            source = source.outerjoin(
                SUMMARIES, and_(SUMMARIES.c.job_id == LISTED.c.job_id, SUMMARIES.c.name == series)
            )
            column = SUMMARIES.c[which]
    if column is None:
        column, descending = LISTED.c.created, True
    if isinstance(column.type, Text):
        column = func.nullif(column, "")
    newest = (
        [LISTED.c.job_id.desc()] if column is LISTED.c.created else [LISTED.c.created.desc(), LISTED.c.job_id.desc()]
    )
    by = [column.desc()] if descending else [column.asc()]
    if key not in ("submitted", "name", "status"):  # of those none is empty, and an index may serve
        by = [nulls_last(by[0])]
    return source, [*(_groups_first(column, descending=descending) if asked.grouped else []), *by, *newest]


def _groups_first(column: ColumnElement[Any], *, descending: bool) -> list[ColumnElement[Any]]:
    edge = func.max(column) if descending else func.min(column)
    leader = edge.over(partition_by=LISTED.c.group_name)
    return [
        LISTED.c.group_name == "",
        nulls_last(leader.desc() if descending else leader.asc()),
        LISTED.c.group_name,
    ]
