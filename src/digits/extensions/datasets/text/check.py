"""What is said of a spec before a job exists, and which tasks the job will have. It runs in the web process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digits.core.jobfolder import TaskPlan
from digits.core.settings import Settings
from digits.extensions.datasets.building.checking import Problems, path_problems, plan_tasks, shared_dbs
from digits.extensions.datasets.text.spec import TextSpec


def tasks(spec: TextSpec) -> tuple[TaskPlan, ...]:
    """Return the tasks of the job that builds ``spec``, in order."""
    return plan_tasks(shared_dbs(spec.folder_pct_val, has_val=bool(spec.val_data_file)), "Read table")


def check(spec: TextSpec, settings: Settings) -> Problems:
    """Return the problems by field; all of them, not the first alone. Empty where the job can be made."""
    names = ["train_data_file", *(name for name in ("val_data_file", "class_labels_file") if getattr(spec, name))]
    return path_problems((), [(name, getattr(spec, name)) for name in names], settings)


def recognise(path: Path) -> dict[str, Any]:
    """Return ``format``, ``fields`` (the form's, flat) and ``words`` of a table, or of a folder with one for training, as train.csv."""
    place = path.expanduser()
    if not place.is_dir():
        return {"format": "table", "fields": {"train_data_file": [str(place)]}, "words": "Texts with their classes"}
    names = {"train_data_file": ("train.csv",), "val_data_file": ("val.csv", "valid.csv", "test.csv"),
             "class_labels_file": ("labels.txt", "classes.txt")}  # fmt: skip
    found = {
        field: [str(place / name) for name in known if (place / name).is_file()][:1] for field, known in names.items()
    }
    return {
        "format": "table",
        "fields": {field: paths for field, paths in found.items() if paths},
        "words": "Texts with their classes",
    }
