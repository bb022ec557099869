"""The page of a dataset's health: what was found, the worst first, with the pictures and what to do about each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from digits.web import healthchecks
from digits.web.auth import may_change
from digits.web.pages import datasetfacts
from digits.web.pages.exploring import SMALL_PX, cell_px, classes_url
from digits.web.pages.live import live_page
from digits.web.pages.paging import PageLink, page_links
from digits.web.reading import argument, path_job, whole_number
from digits.web.site import Site, link, store

if TYPE_CHECKING:
    from digits.store import Job

FEW_GROUPS, GROUPS = 10, 50
FEW_PICTURES, PICTURES = 12, 96
SHOWN_MEMBERS = 12
EXPLORE_SIZE = 25


@dataclass(frozen=True)
class Finding:
    """A kind of finding in words."""

    name: str
    title: str
    meaning: str
    action: str
    groups: bool = True


FINDINGS = (
    Finding(
        "leaks", "Leaks between train, val and test",
        "The same picture lies in more than one database, so validation and testing ask what was learned by heart: accuracy looks better than it is.",
        "Keep each picture in one database alone: take it out of train, or keep such pictures in one folder.",
    ),
    Finding(
        "conflicts", "Conflicting labels",
        "The same picture stands under different labels. One of them is wrong, or the classes overlap.",
        "Decide which label is right and take the other picture out.",
    ),
    Finding(
        "suspects", "Labels that the model doubts",
        "The model finds another class clearly more probable than the label, measured by how sure it usually is of each class.",
        "Look at each: correct what is wrong; a hard but right picture stays.",
        groups=False,
    ),
    Finding(
        "exact_duplicates", "Exact duplicates",
        "Pictures with the very same pixels, or made of files with the same bytes.",
        "Keep one of each: copies count double in training and say nothing new.",
    ),
    Finding(
        "near_duplicates", "Near duplicates",
        "The same picture cut at its edges, compressed again or resized, or another shot of the same moment.",
        "Keep the best of each, unless they were meant as augmentation of train alone.",
    ),
    Finding(
        "outliers", "Outliers",
        "Pictures that stand apart: broken, of a single colour, far darker or brighter than the rest, tiny, or of extreme shape.",
        "Take out what shows nothing; what is tiny or long was enlarged or deformed to fit.",
        groups=False,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Section:
    """A finding with what is shown of it; ``total`` are in the files, ``listed`` can be paged through."""

    finding: Finding
    total: int
    listed: int
    shown: list[Any]
    more: str
    csv: str
    links: list[PageLink] = field(default_factory=list)
    range: str = ""


def show(request: Request) -> Response:
    """``GET /datasets/<id>/health?show=&page=``: all findings in short, or one of them page by page."""
    job = path_job(request, "dataset")
    checks = healthchecks.checks(store(request), job.id)
    newest, done = (checks[0] if checks else None), healthchecks.newest_done(checks)
    found = healthchecks.findings(done)
    facts = datasetfacts.known_facts(job)
    side = max(facts.image.get("width", 0), facts.image.get("height", 0)) or 1
    only = argument(request, "show")
    return live_page(
        request,
        "datasets/health.html",
        job=job,
        check=newest,
        tasks=store(request).tasks(newest.id) if newest else [],
        done=done,
        found=found,
        sections=_sections(request, job, done, found, only) if found and done else [],
        only=next((each for each in FINDINGS if each.name == only), None),
        chart=datasetfacts.class_chart(request, job, facts) if found else None,
        balance=_balance(found["imbalance"]) if found else None,
        models=_models(request, job),
        small=side < SMALL_PX,
        cell_px=cell_px(side),
        shown_members=SHOWN_MEMBERS,
        explore=lambda item: _explore(request, job, item),
        new_model=_new_model(job),
        may_start=bool(Site(request).user),
        may_relabel=bool(Site(request).user and facts.dbs) and healthchecks.can_check(job),
        can_check=healthchecks.can_check(job),
        classes_url=classes_url(Site(request), job, next(iter(facts.dbs), "train")),
        may_abort=newest is not None and may_change(Site(request).user, newest),
        live=bool(newest and newest.is_running) or job.is_running,
    )


def panel(request: Request, job: Job) -> dict[str, Any]:
    """Return what the dataset's own page shows of its health."""
    checks = healthchecks.checks(store(request), job.id)
    done = healthchecks.newest_done(checks)
    counts = done.facts.get("counts", {}) if done else {}
    return {
        "can_check": healthchecks.can_check(job),
        "health_check": checks[0] if checks else None,
        "health_done": done,
        "health_counts": [
            (each.title, counts[each.name], each.name)
            for each in FINDINGS
            if each.name in counts and (each.name != "suspects" or (done and done.facts.get("model")))
        ],
        "health_path": link(request, f"/datasets/{job.id}/health"),
    }


def _sections(request: Request, job: Job, done: Job, found: dict[str, Any], only: str) -> list[Section]:
    site = Site(request)
    path = f"/datasets/{job.id}/health"
    sections = []
    for each in FINDINGS:
        if only and each.name != only:
            continue
        listed: list[Any] = found.get(each.name, [])
        few, many = (FEW_GROUPS, GROUPS) if each.groups else (FEW_PICTURES, PICTURES)
        num_pages = max(1, -(-len(listed) // many))
        page = min(whole_number(request, "page", 0), num_pages - 1) if only else 0
        start, size = (page * many, many) if only else (0, few)
        shown = listed[start : start + size]
        links = page_links(page, num_pages, lambda n: site.url(path, show=only, page=n)) if only else []
        sections.append(
            Section(
                each, found["counts"].get(each.name, len(listed)), len(listed), shown,
                more="" if only or len(listed) <= few else site.url(path, show=each.name),
                csv=site.url(f"/files/{done.id}/{each.name}.csv"), links=links,
                range=f"{start + 1:,} to {start + len(shown):,} of {len(listed):,}" if only and shown else "",
            )
        )  # fmt: skip
    return sections


def _balance(imbalance: dict[str, Any]) -> dict[str, Any] | None:
    """Return the largest and the smallest class of train that has pictures, or of the first database there is."""
    counts: dict[str, list[int]] = imbalance.get("counts") or {}
    if not counts:
        return None
    db = "train" if "train" in counts else next(iter(counts))
    filled = sorted((count, index) for index, count in enumerate(counts[db]) if count)
    labels = imbalance["labels"]
    (least, smallest), (most, largest) = (filled[0], filled[-1]) if filled else ((0, 0), (0, 0))
    return {
        "db": db, "num_classes": len(labels), "least": least, "smallest": labels[smallest], "most": most, "largest": labels[largest],
    }  # fmt: skip


def _models(request: Request, job: Job) -> list[Job]:
    """Return the models of the dataset that may have weights, newest first."""
    return [each for each in store(request).jobs(kind="model", depends_on=job.id, limit=50) if each.started is not None]


def _new_model(job: Job) -> str:
    """Return the path of the form of a model that is trained on the dataset; "" where there is none."""
    return datasetfacts.new_model_path(job) if job.facts else ""


def _explore(request: Request, job: Job, item: dict[str, Any]) -> str:
    """Return the address of the page of explore that has a record."""
    where = {"job_id": job.id, "db": item["db"], "page": item["index"] // EXPLORE_SIZE, "size": EXPLORE_SIZE}
    return Site(request).url(datasetfacts.explore_path(job), **where)
