"""The rows and columns of the home page's tables, one function a kind of job; and what they are sorted and found by.

Rows are made for the jobs of one page alone: a list may have 10,000 of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from digits.core.states import JobState
from digits.web.pages import joblists, words
from digits.web.site import link, store

if TYPE_CHECKING:
    from digits.store import Job, SeriesSummary


@dataclass(frozen=True)
class Column:
    """A column of the table; ``metric`` ones are chosen with the Columns menu, ``shown`` before anybody chose."""

    key: str
    title: str
    css: str = ""
    metric: bool = False
    shown: bool = True
    href: str = ""
    sorted: str = ""


@dataclass(frozen=True)
class Row:
    """A job of the table; ``texts`` by column, ``metrics`` as numbers by column."""

    job: Job
    href: str
    device: str
    texts: dict[str, str]
    metrics: dict[str, float] = field(default_factory=dict)


def searchable(job: Job) -> str:
    """Return the text that the filter looks in, in lower case."""
    backend = str(job.spec.get("backend", "")) if job.kind == "dataset" else joblists.framework(job)
    return " ".join((job.name, job.id, job.group, job.username, str(job.state), job.title, backend)).lower()


def sort_values(request: Request, jobs: Sequence[Job], key: str) -> dict[str, Any]:
    """Return by job id what column ``key`` is sorted by; None where a job has nothing there."""
    if key == "refs":
        return dict(store(request).refs(job.id for job in jobs))
    if ":" in key:
        return {job.id: _metric(store(request).summaries(job), key) for job in jobs}
    return {job.id: _value(job, key) for job in jobs}


def _value(job: Job, key: str) -> Any:
    match key:
        case "name":
            return job.name.lower()
        case "status":
            return list(JobState).index(job.state)
        case "elapsed":
            return job.elapsed_s or None
        case "submitted":
            return job.created
        case "device":
            return joblists.device(job)
        case "framework":
            return joblists.framework(job)
        case "epochs":
            return _epochs(job)
        case "backend":
            return _backend(job)
        case "pictures":
            return _pictures(job)
        case "classes":
            return len(job.facts.get("labels", ())) or None
        case "bytes":
            return job.facts.get("bytes")
        case "username":
            return job.username
        case "has_labels":
            return bool(job.facts.get("labels"))
    return None


def _metric(summaries: dict[str, SeriesSummary], key: str) -> float | None:
    name, _, which = key.rpartition(":")
    found = summaries.get(name)
    return getattr(found, which, None) if found and which in ("last", "min", "max") else None


def _epochs(job: Job) -> float | None:
    total = job.spec.get("train_epochs")
    if not total:
        return None
    return float(total) if job.state is JobState.DONE else job.progress * total


def _backend(job: Job) -> str:
    return str(job.facts.get("backend") or job.spec.get("backend", ""))


def _pictures(job: Job) -> int | None:
    return sum(db.get("entries", 0) for db in job.facts.get("dbs", {}).values()) or None


def dataset_rows(request: Request, jobs: Sequence[Job]) -> tuple[list[Row], list[Column]]:
    """Return the rows and columns of datasets, as DIGITS had them and three more."""
    refs = store(request).refs(job.id for job in jobs)
    rows = []
    for job in jobs:
        pictures, labels = _pictures(job), len(job.facts.get("labels", ()))
        texts = {
            "refs": words.commas(refs[job.id]),
            "backend": _backend(job),
            "pictures": words.commas(pictures) if pictures else "",
            "classes": words.commas(labels) if labels else "",
            "bytes": words.size(job.facts["bytes"]) if job.facts.get("bytes") else "",
        }
        rows.append(Row(job, link(request, joblists.path_of(job)), joblists.device(job), texts))
    columns = [
        Column("name", "Name", "name"), Column("refs", "Refs", "num"), Column("backend", "Backend", "minor"),
        Column("status", "Status"), Column("classes", "Classes", "num minor"), Column("pictures", "Pictures", "num minor"),
        Column("bytes", "Size", "num minor"), Column("elapsed", "Elapsed", "num"), Column("submitted", "Submitted", "num"),
    ]  # fmt: skip
    return rows, columns


def model_rows(request: Request, jobs: Sequence[Job]) -> tuple[list[Row], list[Column]]:
    """Return the rows and columns of models: last, min and max of every curve are columns that can be chosen."""
    rows, series = [], set()
    for job in jobs:
        texts: dict[str, str] = {}
        metrics: dict[str, float] = {}
        for name, summary in store(request).summaries(job).items():
            if name != "lr":
                series.add(name)
                _put_summary(texts, metrics, name, summary)
        epochs, total = _epochs(job), job.spec.get("train_epochs")
        texts |= {
            "framework": joblists.framework(job),
            "epochs": f"{words.plain(round(epochs, 1))} / {total}" if epochs is not None else "",
        }
        rows.append(Row(job, link(request, joblists.path_of(job)), joblists.device(job), texts, metrics))
    columns = [
        Column("name", "Name", "name"), Column("framework", "Framework", "minor"), Column("status", "Status"),
        Column("device", "Device", "minor"), *_metric_columns(series), Column("epochs", "Epochs", "num"),
        Column("elapsed", "Elapsed", "num"), Column("submitted", "Submitted", "num"),
    ]  # fmt: skip
    return rows, columns


def _put_summary(texts: dict[str, str], metrics: dict[str, float], name: str, summary: SeriesSummary) -> None:
    for which in ("last", "min", "max"):
        value = metrics[f"{name}:{which}"] = getattr(summary, which)
        texts[f"{name}:{which}"] = words.percent(value) if joblists.is_accuracy(name) else words.figure(value)


def _metric_columns(series: set[str]) -> list[Column]:
    columns = []
    for name in sorted(series, key=lambda name: (not name.endswith("/val"), not joblists.is_accuracy(name), name)):
        title = joblists.series_title(name)
        unit = ", %" if joblists.is_accuracy(name) else ""
        shown = name.endswith("/val") and name.rpartition("/")[0] in ("accuracy", "loss")
        for which in ("last", "min", "max"):
            head = title + unit if which == "last" else f"{title} {which}{unit}"
            columns.append(Column(f"{name}:{which}", head, "num", metric=True, shown=shown and which == "last"))
    return columns


def pretrained_rows(request: Request, jobs: Sequence[Job]) -> tuple[list[Row], list[Column]]:
    """Return the rows and columns of pretrained models."""
    rows = []
    for job in jobs:
        labels = "yes" if job.facts.get("labels") else "no"
        texts = {"framework": joblists.framework(job), "username": job.username, "has_labels": labels}
        rows.append(Row(job, link(request, joblists.path_of(job)), "", texts))
    columns = [
        Column("name", "Name", "name"), Column("framework", "Framework"), Column("username", "Owner"),
        Column("has_labels", "Labels"), Column("status", "Status"), Column("elapsed", "Elapsed", "num"),
        Column("submitted", "Submitted", "num"),
    ]  # fmt: skip
    return rows, columns
