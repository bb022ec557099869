"""How the page of an evaluation speaks of each kind of answer: what is counted, in which orders pictures come, which table has the rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digits.scoring.kept import NO_CLASS
from digits.web.pages import datasetfacts, words

if TYPE_CHECKING:
    from digits.store import Job
    from digits.web.evaluations import Found


@dataclass(frozen=True)
class Told:
    """The words for one kind of answer."""

    counted: str
    """What the confusion counts: "picture", or "pixel"."""
    orders: Mapping[str, str]
    """Name in the address -> title of an order of the pictures."""
    worst: str
    """What the first order is called above the pictures."""
    table: str
    """The template of the rates; "" where answers have no classes."""
    foot: str
    """What stands below the pictures."""


CLASSES = Told(
    "picture", {"wrong": "Wrong, most confident", "unsure": "Right, least confident", "all": "All"},
    "Most confident mistakes", "evaluations/_rates_classes.html", "The label, what the model said, and how sure it was.",
)  # fmt: skip
NUMBERS = Told(
    "picture", {"wrong": "Farthest off"}, "Farthest off", "evaluations/_rates_numbers.html",
    "The label, what the model said, and how sure it was.",
)  # fmt: skip
PICTURES = Told(
    "picture", {"wrong": "Farthest off"}, "Farthest off", "",
    "By how much a pixel is wrong on average, in percent of white.",
)  # fmt: skip
MASKS = Told(
    "pixel", {"wrong": "Most wrong pixels", "all": "All"}, "Most wrong pixels", "evaluations/_rates_masks.html",
    "The share of its pixels that is wrong, and the mistake that most of them are. A picture opens with its label and the answer over it.",
)  # fmt: skip


BOXES = Told(
    "box", {"wrong": "Most missed and wrong", "all": "All"}, "Most missed and wrong boxes", "evaluations/_rates_boxes.html",
    "The true boxes, and the share of true and found ones without a partner. A picture opens with the boxes that were found over it.",
)  # fmt: skip


def told_of(found: Found | None) -> Told:
    """Return the words for what an evaluation found."""
    if found and "psnr" in found.json["metrics"]:
        return PICTURES
    rows = found.json["per_class"] if found else []
    if rows and "iou" in rows[0]:
        return MASKS
    if rows and "ap50" in rows[0]:
        return BOXES
    return NUMBERS if rows and "f1" not in rows[0] else CLASSES


def remark(told: Told, kept: Any, labels: list[str]) -> str:
    """Return the line below a picture, of the row that is kept of it (``digits.scoring.kept``)."""
    truth, said, score = int(kept["truth"]), int(kept["said"]), float(kept["score"])
    sure = f"{words.percent(score)} %"
    if told is PICTURES:
        return f"{sure} off"
    if told is BOXES:
        return f"{sure} wrong, most {labels[truth]}" if kept["wrong"] and truth != NO_CLASS else "all found"
    if told is MASKS:
        missed = f", most {labels[truth]} called {labels[said]}" if NO_CLASS not in (truth, said) else ""
        return f"{sure} wrong{missed}"
    if truth == NO_CLASS and said == NO_CLASS:
        return f"off by {words.figure(score)}" if kept["wrong"] else f"all right, least sure {sure}"
    if truth == NO_CLASS:
        return f"found {labels[said]}, {sure}"
    return f"missed {labels[truth]}, {sure}" if said == NO_CLASS else sure


@dataclass(frozen=True)
class MaskLine:
    """A class of masks in the table, its rates in percent; ``bar`` is its IoU, 0 to 1."""

    label: str
    pixels: int
    iou: str
    accuracy: str
    bar: float
    colour: str


def mask_lines(found: Found, dataset: Job | None) -> list[MaskLine]:
    """Return the classes, the worst IoU first; those that have no pixels come last."""
    known = dict(zip(dataset.facts["labels"], datasetfacts.class_colours(dataset), strict=False)) if dataset else {}
    rows = sorted(found.json["per_class"], key=lambda row: (row["iou"] is None, row["iou"] or 0.0, row["label"]))
    return [
        MaskLine(
            row["label"], row["pixels"], words.percent(row["iou"]), words.percent(row["accuracy"]), row["iou"] or 0.0,
            known.get(row["label"], ""),
        )
        for row in rows
    ]  # fmt: skip


@dataclass(frozen=True)
class BoxLine:
    """A class of boxes in the table, its average precisions in percent; ``bar`` is that at IoU 0.50, 0 to 1."""

    label: str
    boxes: int
    ap50: str
    ap50_95: str
    bar: float
    colour: str


def box_lines(found: Found, dataset: Job | None) -> list[BoxLine]:
    """Return the classes, the worst first; those that have no boxes come last."""
    known = dict(zip(dataset.facts["labels"], datasetfacts.class_colours(dataset), strict=False)) if dataset else {}
    rows = sorted(found.json["per_class"], key=lambda row: (row["ap50"] is None, row["ap50"] or 0.0, row["label"]))
    return [
        BoxLine(
            row["label"], row["count"], words.percent(row["ap50"]), words.percent(row["ap50_95"]), row["ap50"] or 0.0,
            known.get(row["label"], ""),
        )
        for row in rows
    ]  # fmt: skip
