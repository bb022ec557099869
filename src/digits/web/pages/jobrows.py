"""The rows and columns of the home page's tables, one function a kind of job, out of what the store lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request

from digits.core.measures import of_class
from digits.core.states import JobState
from digits.web.pages import joblists, words
from digits.web.site import link, store

_SHOWN = ("accuracy", "loss", "mean_iou")

if TYPE_CHECKING:
    from digits.store import ListedJob, SeriesSummary


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
    """A job of the table; ``texts`` by column."""

    job: ListedJob
    href: str
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def holds_gpu(self) -> bool:
        """Whether it keeps a GPU busy now."""
        return self.job.state is JobState.RUNNING and self.job.device.startswith("GPU")


def dataset_rows(request: Request, jobs: Sequence[ListedJob]) -> tuple[list[Row], list[Column]]:
    """Return the rows and columns of datasets, as DIGITS had them and three more."""
    refs = store(request).lists.refs(job.id for job in jobs)
    rows = [
        Row(job, link(request, joblists.path_of(job)), {
            "refs": words.commas(refs.get(job.id, 0)),
            "backend": job.backend,
            "pictures": words.commas(job.pictures) if job.pictures else "",
            "classes": words.commas(job.classes) if job.classes else "",
            "bytes": words.size(job.bytes) if job.bytes else "",
        })
        for job in jobs
    ]  # fmt: skip
    columns = [
        Column("name", "Name", "name"), Column("refs", "Refs", "num"), Column("backend", "Backend", "minor"),
        Column("status", "Status"), Column("classes", "Classes", "num minor"), Column("pictures", "Pictures", "num minor"),
        Column("bytes", "Size", "num minor"), Column("elapsed", "Elapsed", "num"), Column("submitted", "Submitted", "num"),
    ]  # fmt: skip
    return rows, columns


def model_rows(request: Request, jobs: Sequence[ListedJob]) -> tuple[list[Row], list[Column]]:
    """Return the rows and columns of models: last, min and max of every curve are columns that can be chosen."""
    rows, series = [], set()
    for job in jobs:
        texts = {"framework": joblists.framework(job), "device": job.device}
        if job.epochs is not None:
            texts["epochs"] = f"{words.plain(round(job.epochs, 1))} / {job.total_epochs}"
        for name, summary in job.summaries().items():
            if name != "lr":
                series.add(name)
                texts |= _summary_texts(name, summary)
        rows.append(Row(job, link(request, joblists.path_of(job)), texts))
    columns = [
        Column("name", "Name", "name"), Column("framework", "Framework", "minor"), Column("status", "Status"),
        Column("device", "Device", "minor"), *_metric_columns(series), Column("epochs", "Epochs", "num"),
        Column("elapsed", "Elapsed", "num"), Column("submitted", "Submitted", "num"),
    ]  # fmt: skip
    return rows, columns


def _summary_texts(name: str, summary: SeriesSummary) -> dict[str, str]:
    write = words.percent if joblists.is_accuracy(name) else words.figure
    return {f"{name}:{which}": write(getattr(summary, which)) for which in ("last", "min", "max")}


def _of_all(series: str) -> bool:
    return of_class(series) is None


def _metric_columns(series: set[str]) -> list[Column]:
    columns = []
    for name in sorted(
        filter(_of_all, series), key=lambda name: (not name.endswith("/val"), not joblists.is_accuracy(name), name)
    ):
        title = joblists.series_title(name)
        unit = ", %" if joblists.is_accuracy(name) else ""
        shown = name.endswith("/val") and name.rpartition("/")[0] in _SHOWN
        for which in ("last", "min", "max"):
            head = title + unit if which == "last" else f"{title} {which}{unit}"
            columns.append(Column(f"{name}:{which}", head, "num", metric=True, shown=shown and which == "last"))
    return columns


def pretrained_rows(request: Request, jobs: Sequence[ListedJob]) -> tuple[list[Row], list[Column]]:
    """Return the rows and columns of pretrained models."""
    rows = [
        Row(job, link(request, joblists.path_of(job)), {
            "framework": joblists.framework(job), "username": job.username, "has_labels": "yes" if job.has_labels else "no",
        })
        for job in jobs
    ]  # fmt: skip
    columns = [
        Column("name", "Name", "name"), Column("framework", "Framework"), Column("username", "Owner"),
        Column("has_labels", "Labels"), Column("status", "Status"), Column("elapsed", "Elapsed", "num"),
        Column("submitted", "Submitted", "num"),
    ]  # fmt: skip
    return rows, columns
