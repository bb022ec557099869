"""How evenly classes are filled, and what to do where they are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

EVEN_RATIO = 3.0
"""The largest class may have so many times the pictures of the smallest."""
FEW = 20
"""A class with fewer training pictures is hardly learned."""
_SHOWN = 5


def imbalance(labels: Sequence[str], targets: Mapping[str, NDArray[np.int64]]) -> dict[str, Any]:
    """Return counts of each class and database, the ratio of the largest to the smallest, and advice in words.

    Args:
        labels: names of the classes.
        targets: class ids of the records of each database.
    """
    counts = {db: np.bincount(ids, minlength=len(labels))[: len(labels)] for db, ids in targets.items()}
    train = counts.get("train", next(iter(counts.values())))
    filled = train[train > 0]
    ratio = float(filled.max() / filled.min()) if len(filled) else 1.0
    shares = filled / max(1, filled.sum())
    return {
        "labels": list(labels),
        "counts": {db: each.tolist() for db, each in counts.items()},
        "ratio": round(ratio, 3),
        "effective_classes": round(float(np.exp(-(shares * np.log(shares)).sum())), 2),
        "even": ratio <= EVEN_RATIO and bool((train > 0).all()),
        "advice": _advice(labels, counts, train, ratio),
    }


def _advice(
    labels: Sequence[str],
    counts: Mapping[str, NDArray[np.int64]],
    train: NDArray[np.int64],
    ratio: float,
) -> list[str]:
    advice = []
    if ratio > EVEN_RATIO:
        small, large = int(np.where(train > 0, train, train.max()).argmin()), int(train.argmax())
        said = f"{labels[large]} has {ratio:.1f} times the pictures of {labels[small]} ({train[large]:,} to {train[small]:,})."
        ways = [
            "train with a weighted loss or balanced sampling (class_balance)",
            "collect more of the small classes",
            "set a maximum per class when the dataset is made",
        ]
        advice.append(f"{said} A network may do well by neglecting the small ones: {', or '.join(ways)}.")
    few = [labels[index] for index in np.flatnonzero((train > 0) & (train < FEW)).tolist()]
    if few:
        advice.append(
            f"Fewer than {FEW} training pictures: {_named(few)}. Collect more, or merge them with a class near by."
        )
    for db, each in counts.items():
        missing = [labels[index] for index in np.flatnonzero(each == 0).tolist()]
        if missing:
            effect = "They cannot be learned." if db == "train" else "Nothing is known of how well they are told."
            advice.append(f"No picture in {db}: {_named(missing)}. {effect}")
    return advice


def _named(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    return ", ".join(labels[:_SHOWN]) + more
