"""What is said of a spec before a job exists, and which tasks the job will have. It runs in the web process."""

from __future__ import annotations

from digits.core.errors import DataError
from digits.core.jobfolder import TaskPlan
from digits.core.settings import Settings
from digits.extensions.datasets.building.checking import Problems, plan_tasks, shared_dbs
from digits.extensions.datasets.paths import file_problem, folder_problem
from digits.extensions.datasets.segmentation.colours import read_colours, read_names
from digits.extensions.datasets.segmentation.spec import SegmentationSpec


def tasks(spec: SegmentationSpec) -> tuple[TaskPlan, ...]:
    """Return the tasks of the job that builds ``spec``, in order."""
    return plan_tasks(shared_dbs(spec.folder_pct_val, has_val=spec.has_val_folder))


def check(spec: SegmentationSpec, settings: Settings) -> Problems:
    """Return the problems by field; all of them, not the first alone. Empty where the job can be made."""
    found: dict[str, str] = {}
    folders = ["feature_folder", "label_folder"]
    if spec.has_val_folder:
        folders += ["validation_feature_folder", "validation_label_folder"]
    for name in folders:
        found[name] = folder_problem(getattr(spec, name), settings)
    if spec.class_labels_file.strip():
        found["class_labels_file"] = file_problem(spec.class_labels_file, settings) or _unreadable(
            read_names, spec.class_labels_file
        )
    if spec.colormap_method == "textfile":
        found["colormap_text_file"] = file_problem(spec.colormap_text_file, settings) or _unreadable(
            read_colours, spec.colormap_text_file
        )
    return {name: [text] for name, text in found.items() if text}


def _unreadable(read: object, path: str) -> str:
    assert callable(read)
    try:
        read(path)
    except DataError as error:
        return str(error)
    return ""
