"""What is said of a spec before a job exists, and which tasks the job will have. It runs in the web process."""

from __future__ import annotations

from digits.core.jobfolder import TaskPlan
from digits.core.settings import Settings
from digits.extensions.datasets.building.checking import Problems, path_problems, plan_tasks, shared_dbs
from digits.extensions.datasets.processing.spec import ProcessingSpec


def tasks(spec: ProcessingSpec) -> tuple[TaskPlan, ...]:
    """Return the tasks of the job that builds ``spec``, in order."""
    return plan_tasks(shared_dbs(spec.folder_pct_val, has_val=spec.has_val_folder))


def check(spec: ProcessingSpec, settings: Settings) -> Problems:
    """Return the problems by field; all of them, not the first alone. Empty where the job can be made."""
    names = ["feature_folder", "label_folder"]
    if spec.has_val_folder:
        names += ["validation_feature_folder", "validation_label_folder"]
    found: Problems = {}
    if spec.size.width and spec.size.mode in ("fill", "half_crop"):
        found["size.mode"] = ["Padding is noise, which no network can learn: take squash or crop."]
    return found | path_problems([(name, getattr(spec, name)) for name in names], (), settings)
