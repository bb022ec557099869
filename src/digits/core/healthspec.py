"""What a check of a dataset's health is asked for."""

from __future__ import annotations

from digits.core.jobfolder import TaskPlan
from digits.core.spec import Spec, field

TITLE = "Dataset Health"
FINDINGS_FILE = "findings.json"
LISTS = ("leaks", "conflicts", "exact_duplicates", "near_duplicates", "suspects", "outliers")
"""What is found, in the order in which it matters."""
SCAN, COMPARE, PREDICT = "scan_pictures", "compare_pictures", "predict_labels"


class HealthSpec(Spec):
    """A check of a dataset; with a model, labels that it doubts are found too."""

    model: str = field(
        "",
        title="Model",
        flat="model",
        description="Id of a model trained on this dataset, whose predictions are held against the labels.",
        max_length=64,
    )
    epoch: float | None = field(
        None,
        title="Epoch",
        flat="snapshot_epoch",
        description="Epoch of the model's snapshot, or best; the newest where it is not given.",
        ge=0,
    )


def tasks(spec: HealthSpec) -> tuple[TaskPlan, ...]:
    """Return the parts of the job, each with a progress of its own."""
    plans = [
        TaskPlan(name=SCAN, title="Look at every picture"),
        TaskPlan(name=COMPARE, title="Compare pictures"),
    ]
    if spec.model:
        plans.append(TaskPlan(name=PREDICT, title="Predict labels"))
    return tuple(plans)
