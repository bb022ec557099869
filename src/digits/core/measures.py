"""Which of several validations was the best: what a measure's name says of it, for the training and for the pages alike.

A measure is called as its curve: "accuracy/val", "loss/val".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

_HIGHER = re.compile(r"accuracy|top[-_]?\d|precision|recall|f1|iou|\bmap\d*|auc|psnr|ssim", re.IGNORECASE)
_LOSS = re.compile(r"loss", re.IGNORECASE)

IOU, RECALL, AP = "iou", "recall", "ap50"
"""Measures of each class by itself are called after them: "iou/<label>/val", "recall/<label>/val"; a label may have slashes."""


def of_class(measure: str) -> str | None:
    """Return the label of the class that a measure is of; None for a measure of all together."""
    kind, _, rest = measure.partition("/")
    label, _, split = rest.rpartition("/")
    return label if kind in (IOU, RECALL, AP) and label and split == "val" else None


def is_higher_better(measure: str) -> bool:
    """Return whether more of it is better: of accuracies and their like; of losses and errors less is."""
    if of_class(measure) is not None:
        return True
    output = measure.rpartition("/")[0]
    return bool(_HIGHER.search(output)) and not _LOSS.search(output)


def chosen(wanted: str, known: Iterable[str]) -> str | None:
    """Return the measure that is meant: ``wanted``, or the validation loss where that is blank; None where it was not measured.

    Of several losses it is the one with the shortest name, then the last: heads that only help to train come before the main one.
    """
    names = set(known)
    if wanted:
        return wanted if wanted in names else None
    losses = [name for name in names if name.endswith("/val") and _LOSS.search(name) and of_class(name) is None]
    return max(losses, key=lambda name: (-len(name), name), default=None)


def best(values: Sequence[float | None], measure: str) -> int | None:
    """Return the place of the best value, the first of equal ones; what is no number is passed over."""
    sign = 1.0 if is_higher_better(measure) else -1.0
    found = [(sign * value, -place) for place, value in enumerate(values) if value is not None and math.isfinite(value)]
    return -max(found)[1] if found else None


def best_of(figures: Sequence[Mapping[str, float | None]], wanted: str = "") -> int | None:
    """Return the place of the best of several validations, each with its figures by measure; None where nothing tells."""
    measure = chosen(wanted, {name for each in figures for name in each})
    return None if measure is None else best([each.get(measure) for each in figures], measure)
