"""What an evaluation of a model is asked for, and the files that it leaves."""

from __future__ import annotations

from typing import Any, Literal

from digits.core.jobfolder import TaskPlan
from digits.core.spec import Spec, field

TITLE = "Evaluation"
TASK = "evaluate"
METRICS_FILE = "metrics.json"
FILES = (METRICS_FILE, "per_class.csv", "confusion.csv", "predictions.csv")
DBS = ("test", "val", "train")
"""In the order in which one is chosen where none is named."""


class EvaluationSpec(Spec):
    """A whole database, answered by one snapshot of a model."""

    dataset: str = field(
        "",
        title="Dataset",
        flat="dataset_id",
        description="Id of the dataset; the model's own where it is not given.",
        max_length=64,
    )
    db: Literal["", "train", "val", "test"] = field(
        "",
        title="Database",
        flat="db",
        description="train, val or test; where it is not given test if the dataset has one, else val.",
        choices={"": "test, else val", "train": "train", "val": "val", "test": "test"},
    )
    epoch: float | None = field(
        None,
        title="Epoch",
        flat="snapshot_epoch",
        description="Epoch of the model's snapshot, or best; the newest where it is not given.",
        ge=0,
    )


def tasks(count: int) -> tuple[TaskPlan, ...]:
    """Return the one part of the job, of ``count`` pictures."""
    return (TaskPlan(name=TASK, title=f"Evaluate {count:,} pictures"),)


def unfit(model: dict[str, Any], labels: list[str], dataset: dict[str, Any]) -> str:
    """Return why a dataset cannot be answered by a model, in words; "" where it can.

    ``model`` is its ``model.json`` with its ``labels``, ``dataset`` is ``dataset.json``. The dataset may have fewer classes, in any order.
    """
    image = dataset["image"]
    asked = (image["width"], image["height"], image["channels"])
    made_for = (model["width"], model["height"], model["channels"])
    if asked != made_for:
        text = "The model was made for pictures of {} × {} with {}; the dataset has {} × {} with {}."
        return text.format(*made_for[:2], _channels(made_for[2]), *asked[:2], _channels(asked[2]))
    if (kind := dataset.get("target_kind", "class")) != model["target_kind"]:
        return f"The model answers with {_KINDS.get(model['target_kind'], model['target_kind'])}; the dataset has {_KINDS.get(kind, kind)}."
    known = set(labels)
    unknown = [label for label in dataset["labels"] if label not in known]
    if unknown:
        others = f" and {len(unknown) - 1:,} others" if len(unknown) > 1 else ""
        return f"The model knows no class {unknown[0]!r}{others} of the dataset."
    return ""


_KINDS = {
    "class": "one class a picture", "classes": "any number of classes a picture", "vector": "numbers",
    "mask": "a class for each pixel", "image": "pictures", "boxes": "boxes",
}  # fmt: skip


def _channels(count: int) -> str:
    return "1 channel" if count == 1 else f"{count} channels"
