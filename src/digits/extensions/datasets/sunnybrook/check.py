"""What is said of a spec before a job exists, and which tasks the job will have. It runs in the web process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digits.core.errors import DataError
from digits.core.jobfolder import TaskPlan
from digits.core.settings import Settings
from digits.data.dicom import INSTALL, has_reader
from digits.extensions.datasets.building.checking import Problems, path_problems, plan_tasks, shared_dbs
from digits.extensions.datasets.sunnybrook.spec import SunnybrookSpec


def tasks(spec: SunnybrookSpec) -> tuple[TaskPlan, ...]:
    """Return the tasks of the job that builds ``spec``, in order."""
    return plan_tasks(shared_dbs(spec.folder_pct_val, has_val=False))


def check(spec: SunnybrookSpec, settings: Settings) -> Problems:
    """Return the problems by field; all of them, not the first alone. Empty where the job can be made."""
    folders = [("image_folder", spec.image_folder), ("contour_folder", spec.contour_folder)]
    found = path_problems(folders, (), settings)
    if not has_reader():
        found.setdefault("image_folder", []).append(f"DICOM needs a library that is not installed: {INSTALL}")
    return found


def recognise(path: Path) -> dict[str, Any]:
    """Return ``format``, ``fields`` (the form's, flat) and ``words`` of a folder with a folder of contours in it.

    Raises:
        DataError: it has none, or cannot be read.
    """
    root = path.expanduser()
    try:
        folders = sorted(each for each in root.iterdir() if each.is_dir())
    except OSError as error:
        raise DataError(f"It cannot be read: {error.strerror or error}.", where=str(path)) from error
    contours = next((each for each in folders if "contour" in each.name.lower()), None)
    images = next((each for each in folders if each != contours), None)
    if contours is None or images is None:
        raise DataError(
            "No folder of contours beside one of pictures is here.", where=str(path),
            hint="One is called contours, or name both.",
        )  # fmt: skip
    fields = {"image_folder": [str(images)], "contour_folder": [str(contours)]}
    return {"format": "folder", "fields": fields, "words": "Slices with contours"}
