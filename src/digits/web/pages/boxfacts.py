"""The boxes of an object detection dataset in numbers: how many of each class, and how large they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.requests import Request

from digits.web.boxes import has_boxes
from digits.web.pages import datasetfacts, drawing
from digits.web.site import Site

if TYPE_CHECKING:
    from digits.store import Job

_FILLS = {"train": "fill-bar", "val": "fill-pale"}
_FINE_CELL_PX = 16


@dataclass(frozen=True)
class BoxClass:
    """One class: boxes by database, all of them as a share of the largest class, pictures that hold it."""

    label: str
    colour: str
    counts: list[int]
    total: int
    bar: float
    pictures: int
    href: str


@dataclass(frozen=True)
class BoxFacts:
    """What the page shows of boxes."""

    dbs: list[str]
    classes: list[BoxClass]
    total: int
    ignored: int
    most: int
    per_picture: float
    sizes: Markup
    median: str
    advice: str


def box_facts(request: Request, job: Job) -> BoxFacts | None:
    """Return the numbers of a dataset with boxes; None of another, or while it is made."""
    if not has_boxes(job):
        return None
    url, colours, dbs = Site(request).url, datasetfacts.class_colours(job), job.facts["dbs"]
    first = next(iter(dbs))
    by_class = [[db["class_boxes"][place] for db in dbs.values()] for place in range(len(job.facts["labels"]))]
    largest = max(1, *(sum(counts) for counts in by_class))
    classes = [
        BoxClass(
            label, colours[place], by_class[place], sum(by_class[place]), sum(by_class[place]) / largest,
            sum(db["class_counts"][place] for db in dbs.values()),
            url(datasetfacts.explore_path(job), job_id=job.id, db=first, label=place),
        )
        for place, label in enumerate(job.facts["labels"])
    ]  # fmt: skip
    classes.sort(key=lambda each: -each.total)
    total, entries = sum(db["boxes"] for db in dbs.values()), sum(db["entries"] for db in dbs.values())
    edges: list[int] = job.facts["box_size_edges"]
    names = [f"{low}–{high}" if high else f"{low}+" for low, high in zip(edges, [*edges[1:], 0], strict=True)]
    sizes = [sum(counts) for counts in zip(*(db["box_sizes"] for db in dbs.values()), strict=True)]
    stacks = [(_FILLS.get(name, "fill-third"), db["box_sizes"]) for name, db in dbs.items()]
    return BoxFacts(
        list(dbs), classes, total, sum(db["ignored_boxes"] for db in dbs.values()), job.facts["max_boxes"],
        total / max(1, entries), drawing.histogram(names, stacks, width=470, height=220), _median(edges, sizes), _advice(edges, sizes),
    )  # fmt: skip


def _median(edges: list[int], sizes: list[int]) -> str:
    """Return in words what half of the boxes are smaller than; "" where that is not known."""
    seen = 0
    for upper, count in zip(edges[1:], sizes, strict=False):
        seen += count
        if seen * 2 >= sum(sizes):
            return f"At least half of the boxes are smaller than {upper} px."
    return ""


def _advice(edges: list[int], sizes: list[int]) -> str:
    """Return a word on boxes that are smaller than a cell of a detector's grid."""
    small = sum(count for edge, count in zip(edges, sizes, strict=True) if edge < _FINE_CELL_PX)
    share = small / max(1, sum(sizes))
    if share < 0.1:
        return ""
    return f"{math.floor(share * 100)} % of the boxes are smaller than {_FINE_CELL_PX} px: a network with a stride of {_FINE_CELL_PX} sees less than a cell of them. Keep pictures larger."
