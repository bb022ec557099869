"""What is said of a spec before a job exists, and which tasks the job will have. It runs in the web process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digits.core.errors import DataError
from digits.core.jobfolder import TaskPlan
from digits.core.settings import Settings
from digits.extensions.datasets.building.checking import Problems, path_problems
from digits.extensions.datasets.generic.spec import PrebuiltSpec

ANALYZE = "analyze_{}_db"
_TITLES = {"train": "Training", "val": "Validation"}


def dbs_of(spec: PrebuiltSpec) -> dict[str, tuple[str, str]]:
    """Return the folders of pictures and labels ("" without) by database."""
    found = {"train": (spec.prebuilt_train_images, spec.prebuilt_train_labels)}
    if spec.prebuilt_val_images:
        found["val"] = spec.prebuilt_val_images, spec.prebuilt_val_labels
    return found


def tasks(spec: PrebuiltSpec) -> tuple[TaskPlan, ...]:
    """Return the tasks of the job that builds ``spec``, in order."""
    dbs = dbs_of(spec)
    analyze = (TaskPlan(name=ANALYZE.format(db), title=f"Analyze DB ({_TITLES[db]} Images)") for db in dbs)
    return (*analyze, *(TaskPlan(name=f"create_{db}_db", title=f"Create {db}_db DB") for db in dbs))


def check(spec: PrebuiltSpec, settings: Settings) -> Problems:
    """Return the problems by field; all of them, not the first alone. Empty where the job can be made."""
    given = {name: getattr(spec, name) for name in type(spec).model_fields if name.startswith("prebuilt_")}
    folders = [(name, path) for name, path in given.items() if name.endswith(("_images", "_labels")) and path]
    files = [("prebuilt_mean_file", spec.prebuilt_mean_file)] if spec.prebuilt_mean_file else []
    found = path_problems(folders, files, settings)
    for name, path in folders:
        if name not in found and not (Path(path).expanduser() / "data.mdb").is_file():
            found[name] = [f"{path} is no LMDB: it holds no data.mdb."]
    return found


def recognise(path: Path) -> dict[str, Any]:
    """Return ``format``, ``fields`` (the form's, flat) and ``words`` of a folder with LMDBs called as DIGITS' or Caffe's examples call them.

    Raises:
        DataError: there is none.
    """
    root = path.expanduser()
    names = {
        "prebuilt_train_images": ("train_db/features", "train_images", "train_lmdb", "train_db", "train", "."),
        "prebuilt_train_labels": ("train_db/labels", "train_labels", "train_label_lmdb"),
        "prebuilt_val_images": ("val_db/features", "val_images", "val_lmdb", "test_lmdb", "val_db", "val"),
        "prebuilt_val_labels": ("val_db/labels", "val_labels", "val_label_lmdb"),
    }
    found = {
        field: [str((root / name).resolve()) for name in known if (root / name / "data.mdb").is_file()][:1]
        for field, known in names.items()
    }
    if not found["prebuilt_train_images"]:
        raise DataError("There is no LMDB here.", where=str(path), hint="An LMDB is a folder that holds data.mdb.")
    fields = {field: paths for field, paths in found.items() if paths}
    return {"format": "lmdb", "fields": fields, "words": f"LMDBs: {', '.join(fields)}"}
