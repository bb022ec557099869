"""The rows and columns of the home page's tables, one function a kind of job."""

from __future__ import annotations

from dataclasses import dataclass
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
    """A job of the table; ``texts`` and ``values`` by column: what is shown, and what is sorted by."""

    job: Job
    href: str
    device: str
    texts: dict[str, str]
    values: dict[str, Any]


def _common(job: Job) -> tuple[dict[str, str], dict[str, Any]]:
    return {}, {
        "name": job.name.lower(),
        "status": list(JobState).index(job.state),
        "elapsed": job.elapsed_s or None,
        "submitted": job.created,
    }


def dataset_rows(request: Request, jobs: list[Job]) -> tuple[list[Row], list[Column]]:
    """Return the rows and columns of datasets, as DIGITS had them and three more."""
    refs = store(request).refs(job.id for job in jobs)
    rows = []
    for job in jobs:
        texts, values = _common(job)
        entries = sum(db.get("entries", 0) for db in job.facts.get("dbs", {}).values()) or None
        labels = len(job.facts.get("labels", ())) or None
        values |= {"refs": refs[job.id], "pictures": entries, "classes": labels, "bytes": job.facts.get("bytes")}
        texts |= {
            "refs": words.commas(refs[job.id]),
            "backend": str(job.facts.get("backend") or job.spec.get("backend", "")),
            "pictures": words.commas(entries) if entries else "",
            "classes": words.commas(labels) if labels else "",
            "bytes": words.size(job.facts["bytes"]) if job.facts.get("bytes") else "",
        }
        values["backend"] = texts["backend"]
        rows.append(Row(job, link(request, joblists.path_of(job)), joblists.device(job), texts, values))
    columns = [
        Column("name", "Name", "name"), Column("refs", "Refs", "num"), Column("backend", "Backend", "minor"),
        Column("status", "Status"), Column("classes", "Classes", "num minor"), Column("pictures", "Pictures", "num minor"),
        Column("bytes", "Size", "num minor"), Column("elapsed", "Elapsed", "num"), Column("submitted", "Submitted", "num"),
    ]  # fmt: skip
    return rows, columns


def model_rows(request: Request, jobs: list[Job]) -> tuple[list[Row], list[Column]]:
    """Return the rows and columns of models: last, min and max of every curve are columns that can be chosen."""
    rows, series = [], set()
    for job in jobs:
        summaries = store(request).summaries(job)
        texts, values = _common(job)
        for name, summary in summaries.items():
            if name != "lr":
                series.add(name)
                _put_summary(texts, values, name, summary)
        total = job.spec.get("train_epochs")
        done = total if job.state is JobState.DONE else job.progress * total if total else None
        texts |= {
            "framework": joblists.framework(job),
            "epochs": f"{words.plain(round(done or 0, 1))} / {total}" if total else "",
        }
        values |= {"framework": texts["framework"], "epochs": done, "device": joblists.device(job)}
        rows.append(Row(job, link(request, joblists.path_of(job)), joblists.device(job), texts, values))
    columns = [
        Column("name", "Name", "name"), Column("framework", "Framework", "minor"), Column("status", "Status"),
        Column("device", "Device", "minor"), *_metric_columns(series), Column("epochs", "Epochs", "num"),
        Column("elapsed", "Elapsed", "num"), Column("submitted", "Submitted", "num"),
    ]  # fmt: skip
    return rows, columns


def _put_summary(texts: dict[str, str], values: dict[str, Any], name: str, summary: SeriesSummary) -> None:
    for which in ("last", "min", "max"):
        value = getattr(summary, which)
        values[f"{name}:{which}"] = value
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


def pretrained_rows(request: Request, jobs: list[Job]) -> tuple[list[Row], list[Column]]:
    """Return the rows and columns of pretrained models."""
    rows = []
    for job in jobs:
        texts, values = _common(job)
        texts |= {
            "framework": joblists.framework(job),
            "username": job.username,
            "has_labels": "yes" if job.facts.get("labels") else "no",
        }
        values |= texts
        rows.append(Row(job, link(request, joblists.path_of(job)), "", texts, values))
    columns = [
        Column("name", "Name", "name"), Column("framework", "Framework"), Column("username", "Owner"),
        Column("has_labels", "Labels"), Column("status", "Status"), Column("elapsed", "Elapsed", "num"),
        Column("submitted", "Submitted", "num"),
    ]  # fmt: skip
    return rows, columns
