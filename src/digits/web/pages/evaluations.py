"""The page of an evaluation: its numbers, the matrix, the pictures behind every cell, and how far the confidence can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import NotFoundError
from digits.core.evaluationspec import FILES
from digits.core.states import JobState
from digits.scoring.kept import NO_CLASS, read_kept
from digits.web import evaluations
from digits.web.auth import may_change
from digits.web.browse import open_index
from digits.web.jobjson import plain_epoch
from digits.web.pages import datasetfacts, exploring, jobpage, words
from digits.web.pages.evaluatedkinds import BOXES, CLASSES, MASKS, NUMBERS, Told, box_lines, mask_lines, remark, told_of
from digits.web.pages.exploring import SMALL_PX, cell_px, classes_url
from digits.web.pages.live import live_page
from digits.web.pages.paging import PageLink, page_links
from digits.web.reading import argument, path_job, whole_number
from digits.web.site import Site, store

if TYPE_CHECKING:
    from digits.data.index import Index
    from digits.store import Job

FEW, MANY = 30, 96
EXPLORE_SIZE = 25
METRICS = {
    "accuracy": ("accuracy, top 1", True),
    "top5": ("accuracy, top 5", True),
    "mean_f1": ("F1, mean of the classes", True),
    "mean_iou": ("mean IoU", True),
    "pixel_accuracy": ("pixel accuracy", True),
    "map50": ("mAP at IoU 0.50", True),
    "map50_95": ("mAP at IoU 0.50 to 0.95", True),
    "mean_accuracy": ("recall, mean of the classes", True),
    "label_accuracy": ("right among all labels", True),
    "log_loss": ("loss", False),
    "expected_calibration_error": ("calibration error", True),
    "mae": ("mean absolute error", False),
    "rmse": ("root mean square error", False),
    "of_mean": ("of the error of the mean alone", True),
    "psnr": ("signal to noise, dB", False),
}
"""Metric -> (what people call it, whether it is a share)."""
FIRST = ("accuracy", "mean_f1", "mean_iou", "map50", "mae")


@dataclass(frozen=True)
class Shown:
    """A record as ``datasets/_picture_cell.html`` takes it, with a line on the answer below."""

    db: str
    index: int
    key: str
    path: str
    label: str
    label_id: int
    remark: str
    said: str
    """The class that it was taken for; "" where it was recognised."""
    suggested: str
    suggested_id: int


@dataclass(frozen=True)
class Pictures:
    """Some of the pictures, and how many there are."""

    title: str
    items: list[Shown]
    total: int
    range: str
    orders: list[tuple[str, str, bool]]
    links: list[PageLink]


@dataclass(frozen=True)
class Line:
    """An evaluation in the list of its model: the name of its dataset, its first metric and what that is."""

    job: Job
    dataset: str
    value: str
    words: str


@dataclass(frozen=True)
class Other:
    """Another evaluation of the same pictures; ``difference`` is its first metric less ours."""

    job: Job
    value: str
    difference: str


def show(request: Request) -> Response:
    """``GET /evaluations/<id>?show=&true=&predicted=&of=&page=``: all in short, or some of its pictures page by page."""
    job = path_job(request, "evaluation")
    found = evaluations.found(job)
    dataset, model = _job(request, job.spec["dataset"]), _job(request, job.parent)
    only = any(argument(request, name) for name in ("show", "true", "predicted"))
    facts = datasetfacts.known_facts(dataset) if dataset else None
    side = max(facts.image.get("width", 0), facts.image.get("height", 0)) if facts else 0
    can_show = found is not None and dataset is not None and dataset.state is JobState.DONE
    told = told_of(found)
    return live_page(
        request,
        "evaluations/show.html",
        job=job,
        model=model,
        dataset=dataset,
        tasks=store(request).tasks(job.id),
        found=found,
        figures=_figures(found.json) if found else [],
        seconds=job.elapsed_s,
        centre=_class_id(request, "of", found),
        only=only,
        pictures=_pictures(request, job, dataset, found, only) if can_show and found and dataset else None,
        told=told,
        mask_lines=mask_lines(found, dataset) if found and told is MASKS else [],
        box_lines=box_lines(found, dataset) if found and told is BOXES else [],
        boxed=exploring.boxed,
        cells_path=f"/evaluations/{job.id}" if can_show and told is CLASSES else None,
        pairs_path=f"/evaluations/{job.id}" if can_show and told in (CLASSES, MASKS) else None,
        explore=lambda item: _opened(request, job, told, dataset, item) if dataset else "",
        small=side < SMALL_PX,
        cell_px=exploring.LARGE_CELL_PX if told in (BOXES, MASKS) else cell_px(side or 1),
        others=_others(request, job) if found else [],
        files=jobpage.file_links(request, job, FILES),
        may_relabel=bool(
            Site(request).user and can_show and dataset and dataset.facts.get("target_kind", "class") == "class"
        ),
        classes_url=classes_url(Site(request), dataset, job.spec["db"]) if can_show and dataset else "",
        may_change=may_change(Site(request).user, job),
        live=job.is_running,
    )


def _job(request: Request, job_id: str) -> Job | None:
    try:
        return store(request).job(job_id)
    except NotFoundError:
        return None


def _figures(numbers: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return (number, unit, what it is) of each metric."""
    return [(*metric(name, value), METRICS.get(name, (name, False))[0]) for name, value in numbers["metrics"].items()]


def metric(name: str, value: float | None) -> tuple[str, str]:
    """Return a metric in words and its unit: ("99.07", "%")."""
    is_share = METRICS.get(name, ("", False))[1]
    return (words.percent(value), "%") if is_share else (words.figure(value), "")


def first_metric(metrics: dict[str, Any]) -> str:
    """Return the name of the metric that a line about an evaluation tells."""
    return next((name for name in FIRST if metrics.get(name) is not None), "")


def panel(request: Request, model: Job) -> dict[str, Any]:
    """Return what the model's own page shows: its evaluations, and the datasets that it could answer."""
    kept = store(request)
    jobs = evaluations.of_model(kept, model.id)
    names = kept.lists.names({job.spec["dataset"] for job in jobs})
    lines = []
    for job in jobs:
        metrics = job.facts.get("metrics", {})
        name = first_metric(metrics)
        value = " ".join(metric(name, metrics[name])).strip() if name else ""
        lines.append(
            Line(job, names.get(job.spec["dataset"], "a dataset that is gone"), value, METRICS[name][0] if name else "")
        )
    return {"evaluations": lines, "fitting": evaluations.fitting(kept, model)}


def _class_id(request: Request, name: str, found: evaluations.Found | None) -> int | None:
    """Return the class id that the address names; None where there is no such class."""
    if not argument(request, name) or found is None:
        return None
    wanted = whole_number(request, name, 0)
    return wanted if wanted < len(found.labels) else None


def _pictures(request: Request, job: Job, dataset: Job, found: evaluations.Found, only: bool) -> Pictures | None:
    try:
        kept, index = read_kept(job.folder.path), open_index(dataset, job.spec["db"])
    except OSError:
        return None
    told = told_of(found)
    orders = told.orders
    order = argument(request, "show")
    true, predicted = _class_id(request, "true", found), _class_id(request, "predicted", found)
    of_cell = true is not None or predicted is not None
    if order not in orders:
        order = "all" if of_cell else "wrong"
    rows = chosen_rows(kept, order, true, predicted)
    size = MANY if only else FEW
    num_pages = max(1, -(-len(rows) // size))
    page = min(whole_number(request, "page", 0), num_pages - 1) if only else 0
    some = rows[page * size : (page + 1) * size]
    cell = {name: each for name, each in (("true", true), ("predicted", predicted)) if each is not None}
    path, site = f"/evaluations/{job.id}", Site(request)
    title = told.worst if order == "wrong" or len(orders) == 1 else "Pictures"
    return Pictures(
        _title(found.labels, true, predicted) if of_cell and told is not NUMBERS else title,
        [_shown(kept[row], row, job.spec["db"], dataset, index, found, told) for row in some.tolist()],
        len(rows),
        f"{page * size + 1:,} to {page * size + len(some):,} of {len(rows):,}" if len(some) else "none",
        [(text, site.url(path, show=name, **cell), name == order) for name, text in orders.items()]
        if len(orders) > 1 and len(cell) < 2 else [],
        page_links(page, num_pages, lambda n: site.url(path, show=order, page=n, **cell)) if only else [],
    )  # fmt: skip


def chosen_rows(
    kept: NDArray[Any], order: str, true: int | None = None, predicted: int | None = None
) -> NDArray[np.int64]:
    """Return the rows of a cell of the matrix, or of all records that could be read, in an order of ``evaluatedkinds``."""
    chosen = np.array(kept["read"])
    if true is not None:
        chosen &= kept["truth"] == true
    if predicted is not None:
        chosen &= kept["said"] == predicted
    if order != "all":
        chosen &= kept["wrong"] == (order == "wrong")
    rows = np.flatnonzero(chosen)
    if order == "all" and true is None and predicted is None:
        return rows
    scores = kept["score"][rows]
    return rows[np.argsort(scores if order == "unsure" else -scores, kind="stable")]


def _title(labels: list[str], true: int | None, predicted: int | None) -> str:
    if true is None:
        return f"Taken for {labels[predicted or 0]}"
    if predicted is None:
        return f"Pictures of {labels[true]}"
    return f"{labels[true]} recognised" if true == predicted else f"{labels[true]} taken for {labels[predicted]}"


def _shown(kept: Any, row: int, db: str, dataset: Job, index: Index, found: evaluations.Found, told: Told) -> Shown:
    own: list[str] = dataset.facts["labels"]
    labels = found.model_labels
    truth, said = int(kept["truth"]), int(kept["said"])
    said_label = labels[said] if said != NO_CLASS and told not in (MASKS, BOXES) else ""
    answer = index.answer(row)
    path = index.paths[row].decode("utf-8", "replace")
    label, label_id = (own[answer], answer) if isinstance(answer, int) else (db, NO_CLASS)
    if told in (MASKS, BOXES):
        label = PurePath(path).stem
    taken_for = said_label if NO_CLASS not in (truth, said) and said != truth else ""
    return Shown(
        db, row, index.key(row).decode(), path, label, label_id, remark(told, kept, labels), taken_for,
        said_label, own.index(said_label) if said_label in own else NO_CLASS,
    )  # fmt: skip


def _opened(request: Request, job: Job, told: Told, dataset: Job, item: Shown) -> str:
    """Return the address where a record is seen: of masks and boxes with the answer over it, else the page of explore that has it."""
    if told in (MASKS, BOXES):
        asked = {"job_id": job.parent, "snapshot_epoch": plain_epoch(job.spec["epoch"]), "dataset_id": dataset.id}
        return Site(request).url("/models/images/generic/infer_one", **asked, db=item.db, record=item.index)
    where = {"job_id": dataset.id, "db": item.db, "page": item.index // EXPLORE_SIZE, "size": EXPLORE_SIZE}
    return Site(request).url(datasetfacts.explore_path(dataset), **where)


def _others(request: Request, job: Job) -> list[Other]:
    """Return other evaluations of the same database, the best first, at most 10."""
    kept = store(request).jobs(kind="evaluation", depends_on=job.spec["dataset"], limit=100)
    name = first_metric(job.facts.get("metrics", {}))
    ours = job.facts.get("metrics", {}).get(name)
    if ours is None:
        return []
    same = [
        each for each in kept if each.id != job.id and each.state is JobState.DONE and each.spec["db"] == job.spec["db"]
    ]
    rows = [(each.facts.get("metrics", {}).get(name), each) for each in same]
    known = sorted(((value, each) for value, each in rows if value is not None), key=lambda row: -row[0])
    scale = 100 if METRICS[name][1] else 1
    return [
        Other(each, " ".join(metric(name, value)).strip(), f"{scale * (value - ours):+.2f}".replace("-", "−"))
        for value, each in known[:10]
    ]
