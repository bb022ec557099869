"""What is said of a spec before a job exists, and which tasks the job will have. It runs in the web process."""

from __future__ import annotations

from digits.core.jobfolder import TaskPlan
from digits.core.settings import Settings
from digits.extensions.datasets.building.checking import plan_tasks
from digits.extensions.datasets.detection.classes import class_map
from digits.extensions.datasets.detection.spec import DetectionSpec
from digits.extensions.datasets.paths import file_problem, folder_problem


def dbs_of(spec: DetectionSpec) -> tuple[str, ...]:
    """Return the databases that ``spec`` asks for."""
    return ("train", "val") if "val" in spec.places or spec.folder_pct_val else ("train",)


def tasks(spec: DetectionSpec) -> tuple[TaskPlan, ...]:
    """Return the tasks of the job that builds ``spec``, in order."""
    return plan_tasks(dbs_of(spec))


def check(spec: DetectionSpec, settings: Settings) -> dict[str, list[str]]:
    """Return the problems by field; all of them, not the first alone. Empty where the job can be made."""
    found: dict[str, str] = {"train_image_folder": folder_problem(spec.train_image_folder, settings)}
    for name in ("train_label_folder", "val_image_folder", "val_label_folder"):
        if getattr(spec, name).strip():
            is_file = spec.is_coco and name.endswith("label_folder")
            found[name] = (file_problem if is_file else folder_problem)(getattr(spec, name), settings)
    for name in ("train_list_file", "val_list_file"):
        if getattr(spec, name).strip():
            found[name] = file_problem(getattr(spec, name), settings)
    for db, name in (("train", "annotation_path"), ("val", "val_annotation_path")):
        if path := getattr(spec, name).strip():
            place = spec.places.get(db)
            is_file = spec.is_coco or (place is not None and place.names_file == path)
            found[name] = (file_problem if is_file else folder_problem)(path, settings)
    try:
        class_map(spec.custom_classes, spec.class_mapping, None if spec.annotation_format == "kitti" else ())
    except ValueError as error:
        found["class_mapping"] = str(error)
    return {name: [text] for name, text in found.items() if text}
