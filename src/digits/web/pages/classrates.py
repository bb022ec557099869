"""How well a model tells each class, validation by validation: the table beside its curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from digits.core.measures import of_class
from digits.core.metrics import series_names
from digits.web.pages import datasetfacts, words

if TYPE_CHECKING:
    from digits.store import Job

TITLES = {"iou": "IoU", "recall": "Recall", "ap50": "Average precision (IoU 0.50)"}
"""By the beginning of the names of such curves."""
_POINTS = 2000


@dataclass(frozen=True)
class ClassRate:
    """A class: what it reached last and at best, its share of the validation pixels, all in percent; ``bar`` is ``last``, 0 to 1."""

    label: str
    last: str
    best: str
    bar: float
    share: str
    colour: str


@dataclass(frozen=True)
class ClassRates:
    """The classes of the last validation, the most frequent first."""

    title: str
    epoch: str
    rows: list[ClassRate]
    has_shares: bool


def class_rates(job: Job, dataset: Job | None) -> ClassRates | None:
    """Return the rates of the classes of a training; None where it measures none."""
    from digits.store import metrics

    names = {name: label for name in series_names(job.folder.metrics) if (label := of_class(name)) is not None}
    curves = metrics.read(job.folder, list(names), points_=_POINTS) if names else {}
    curves = {name: buckets for name, buckets in curves.items() if buckets["last"]}
    if not curves:
        return None
    labels, colours, shares = _classes(dataset)
    rows = []
    for name, buckets in curves.items():
        label, last = names[name], buckets["last"][-1]
        best = max((value for value in buckets["max"] if value is not None), default=None)
        place = labels.index(label) if label in labels else -1
        share = shares[place] if shares and place >= 0 else None
        rows.append(
            (share or 0.0, place, ClassRate(
                label, words.percent(last), words.percent(best), last or 0.0, words.percent(share) if share is not None else "",
                colours[place] if colours and place >= 0 else "",
            ))
        )  # fmt: skip
    rows.sort(key=lambda row: (-row[0], row[1]))
    kind = next(iter(curves)).partition("/")[0]
    epoch = max(buckets["epoch"][-1] for buckets in curves.values())
    return ClassRates(TITLES.get(kind, kind), words.epoch(epoch), [row for *_, row in rows], bool(shares))


def _classes(dataset: Job | None) -> tuple[list[str], list[str], list[float]]:
    """Return the names of a dataset's classes, their colours and their shares of the validation pixels; what is not known is empty."""
    if dataset is None:
        return [], [], []
    pixels = datasetfacts.class_pixels(dataset, "val")
    total = sum(pixels)
    shares = [count / total for count in pixels] if total else []
    return list(dataset.facts.get("labels", ())), datasetfacts.class_colours(dataset), shares
