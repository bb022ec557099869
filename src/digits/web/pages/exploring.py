"""A page of pictures: its cells, its classes with a sample each, its links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from digits.web import recordparts
from digits.web.boxes import Boxed, StoredBox, stored_boxes
from digits.web.browse import Browse, Item, open_index
from digits.web.pages import datasetfacts
from digits.web.pages.paging import page_links
from digits.web.reading import argument
from digits.web.site import Site

if TYPE_CHECKING:
    from digits.store import Job

SIZES = (10, 25, 50, 100)
SMALL_PX = 100
"""Smaller pictures are enlarged by whole pixels."""
SAMPLED_RECORDS = 500_000
"""In larger databases no sample picture is looked for, to keep the page quick."""
LISTED_CLASSES = 100
"""Of more classes, those with the most pictures are listed, and the others are found by name."""
LARGE_CELL_PX = 168
VIEWS = {"mask": ("overlay", "picture", "label"), "boxes": ("boxes", "picture"), "image": ("both", "picture", "label")}
"""What is shown of a record, by the kind of its answers; the first one unless another is asked for."""
CELLS_PX = (56, 84, 96, 112, 128, 168, 224)


@dataclass(frozen=True)
class ClassRow:
    """A class of the filter: its count, its share of the largest class, and a picture of it."""

    label: str
    count: int
    share: float
    picture: str
    href: str
    chosen: bool
    colour: str = ""
    """What the class is drawn in, "#804080", where records have masks."""


def view(request: Request, job: Job, page: Browse) -> dict[str, Any]:
    """Return what datasets/explore.html shows."""
    site = Site(request)
    label, search = argument(request, "label").strip(), argument(request, "search")
    path = datasetfacts.explore_path(job)
    views = VIEWS.get(job.facts.get("target_kind", ""), ())
    indices = [item.index for item in page.items]
    texts = recordparts.texts(job, page.db, indices)
    asked = argument(request, "show")
    shown = asked if asked in views[1:] else ""
    current = shown or (views[0] if views else "")

    def address(**change: object) -> str:
        given = {
            "job_id": job.id,
            "db": page.db,
            "page": page.page,
            "size": page.size,
            "label": label,
            "search": search,
            "show": shown,
        } | change
        return site.url(
            path,
            **{
                name: value for name, value in given.items() if value not in ("", None) and (name, value) != ("page", 0)
            },
        )

    image = job.facts["image"]
    dbs = [(name, f"{name} {each['entries']:,}", address(db=name, page=0)) for name, each in job.facts["dbs"].items()]
    first = page.page * page.size
    return {
        "views": [(each, address(show=each), each == current) for each in views],
        "view": current,
        "boxed": boxed(job, page.db, indices, label) if current == "boxes" else [],
        "page": page,
        "path": site.url(path),
        "label": label,
        "search": search,
        "dbs": dbs,
        "sizes": [(size, address(size=size, page=first // size)) for size in SIZES],
        "links": page_links(page.page, page.num_pages, lambda number: address(page=number)),
        "classes": _classes(site, job, page, label, address),
        "num_classes": len(page.labels) if page.counts else 0,
        "classes_url": classes_url(site, job, page.db),
        "class_href": address(page=0, label="") + "&label=",
        "labels": [_label(job, item) for item in page.items],
        "has_labels": bool(page.labels),
        "texts": texts,
        "beside": "?beside=true" if recordparts.has_second(job.facts) and (shown or "both") == "both" else "",
        "may_relabel": bool(site.user) and datasetfacts.may_derive(job),
        "all_classes": address(label="", page=0) if label else "",
        "first": first,
        "image": image,
        "cell_px": LARGE_CELL_PX
        if views or texts or recordparts.has_second(job.facts)
        else cell_px(max(image["width"], image["height"])),
        "small": max(image["width"], image["height"]) < SMALL_PX,
        "range": _range(first, len(page.items), page.total),
    }


def boxed(
    job: Job, db: str, records: Sequence[int], label: str = ""
) -> list[tuple[Boxed, list[tuple[StoredBox, str, str]]]]:
    """Return what is in stored pictures: each with its boxes, their colours and "ignored", "faint" (of another class) or ""; none of a dataset without boxes."""
    colours = datasetfacts.class_colours(job)

    def look(box: StoredBox) -> str:
        return "ignored" if box.ignored else "faint" if label and label != str(box.class_id) else ""

    found = stored_boxes(job, db, records)
    return [
        (each, [(box, "" if box.ignored else colours[box.class_id], look(box)) for box in each.boxes]) for each in found
    ]


def _label(job: Job, item: Item) -> str:
    """Return a record's label in full: numbers with their names."""
    if job.facts.get("target_kind") != "vector":
        return item.label
    return ", ".join(
        f"{name} {value}" for name, value in zip(job.facts["labels"], item.label.split(", "), strict=False)
    )


def classes_url(site: Site, job: Job, db: str) -> str:
    """Return where scripts find all classes of a database with their counts."""
    return site.url(f"{datasetfacts.explore_path(job)}.json", job_id=job.id, db=db, size=1)


def _range(first: int, count: int, total: int) -> str:
    return f"{first:,} to {first + count - 1:,} of {total:,}" if count else f"none of {total:,}"


def cell_px(side: int) -> int:
    """Return the side of a cell: a whole multiple of a small picture's, near 96 px."""
    if side >= SMALL_PX:
        return 112
    fitting = [cell for cell in CELLS_PX if cell % side == 0 and cell >= 84]
    return fitting[0] if fitting else 112


def _classes(site: Site, job: Job, page: Browse, label: str, address: Any) -> list[ClassRow]:
    samples: dict[int, int] = {}
    if sum(page.counts) <= SAMPLED_RECORDS and "alphabet" not in job.facts:
        samples = open_index(job, page.db).samples()
    most = max(page.counts, default=0) or 1
    colours = datasetfacts.class_colours(job)
    shown: list[int] = list(range(len(page.counts)))
    if len(shown) > LISTED_CLASSES:
        chosen = int(label) if label else -1
        shown = sorted(shown, key=lambda index: (index != chosen, -page.counts[index]))[:LISTED_CLASSES]
    return [
        ClassRow(
            page.labels[index], page.counts[index], page.counts[index] / most,
            site.url(f"/datasets/{job.id}/picture/{page.db}/{samples[index]}") if index in samples else "",
            address(label=index, page=0), label == str(index), colours[index] if colours else "",
        )
        for index in shown
    ]  # fmt: skip
