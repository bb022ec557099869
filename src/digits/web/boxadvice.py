"""What to try next with a detector: rules over its curves and the boxes of its dataset, each with the figures that led to it."""

from __future__ import annotations

from itertools import accumulate

from digits.web.advicefacts import Advice, Training

_SAME = 3  # validations in a row
_NOTHING = 0.01  # mean average precision below which nothing is found
_CELLS = 2  # a box of fewer cells to a side is hardly told from its neighbours
_FEW = 50  # training boxes of a class
_HIGH_RATE = 0.005


def finds_nothing(training: Training) -> Advice | None:
    """The mean average precision stays at 0."""
    last = training.history.finite("map50/val")[-_SAME:]
    if training.boxes is None or len(last) < _SAME or max(last) >= _NOTHING:
        return None
    text = (
        f"The mAP at IoU 0.50 has stayed at {last[-1]:.2g} for {_SAME} validations: "
        f"hardly one of the {training.boxes.val:,} validation boxes is found."
    )
    if training.published:
        return Advice(
            "finds_nothing", f"{text} The network began with random weights, and weights trained on {training.published} are installed for it.",
            "Begin with published weights", {"standard_pretrained": "true"},
        )  # fmt: skip
    rate = training.rate / 10 if training.rate > _HIGH_RATE else training.rate * 3
    if not rate:
        return None
    return Advice(
        "finds_nothing", f"{text} A rate of {training.rate:g} may be too {'high' if rate < training.rate else 'low'}.",
        f"Train with a rate of {rate:.4g}", {"learning_rate": f"{rate:.4g}"},
    )  # fmt: skip


def small_boxes(training: Training) -> Advice | None:
    """Half of the boxes are smaller than two cells of the network's grid."""
    boxes = training.boxes
    total = sum(boxes.sizes) if boxes else 0
    if boxes is None or not boxes.cell_px or not total:
        return None
    limit = _CELLS * boxes.cell_px
    smaller = next(
        (seen for upper, seen in zip(boxes.edges[1:], accumulate(boxes.sizes), strict=False) if upper >= limit), 0
    )
    if smaller * 2 < total or limit not in boxes.edges:
        return None
    height, width, _ = training.picture
    return Advice(
        "small_boxes", f"{smaller:,} of {total:,} training boxes are smaller than {limit} px, {_CELLS} cells of the network's grid, "
        f"in pictures of {width} × {height}.", "Make the dataset with larger pictures", page="dataset",
    )  # fmt: skip


def few_boxes(training: Training) -> Advice | None:
    """Classes have few boxes to learn from."""
    boxes, labels = training.boxes, training.history.labels
    few = [(count, label) for count, label in zip(boxes.train, labels, strict=False) if count < _FEW] if boxes else []
    if boxes is None or not few:
        return None
    named = ", ".join(f"{label} ({count:,})" for count, label in sorted(few)[:5])
    return Advice(
        "few_boxes", f"{named}: fewer than {_FEW} of {sum(boxes.train):,} training boxes are few to learn a class from.",
        "Make a dataset with more", page="dataset",
    )  # fmt: skip
