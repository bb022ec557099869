"""What is said of a spec before a job exists, and which tasks the job will have. It runs in the web process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digits.core.errors import DataError
from digits.core.jobfolder import TaskPlan
from digits.core.settings import Settings
from digits.extensions.datasets.building.checking import Problems, path_problems, plan_tasks, shared_dbs
from digits.extensions.datasets.building.tables import open_file
from digits.extensions.datasets.pairs.spec import PairsSpec

NUM_COLUMNS = 3


def tasks(spec: PairsSpec) -> tuple[TaskPlan, ...]:
    """Return the tasks of the job that builds ``spec``, in order."""
    dbs = shared_dbs(spec.folder_pct_val, has_val=bool(spec.val_pairs_file))
    return plan_tasks(dbs, "Read table" if spec.pairs_file else "Parse Folder")


def check(spec: PairsSpec, settings: Settings) -> Problems:
    """Return the problems by field; all of them, not the first alone. Empty where the job can be made."""
    folders = [("image_folder", spec.image_folder)] if not spec.pairs_file else []
    files = [(name, getattr(spec, name)) for name in ("pairs_file", "val_pairs_file") if getattr(spec, name)]
    found = path_problems(folders, files, settings)
    for name, path in files:
        if name in found:
            continue
        try:
            columns = open_file(path).columns.names
        except DataError as error:
            found[name] = [str(error)]
        else:
            if len(columns) < NUM_COLUMNS:
                found[name] = [f"The table has {len(columns)} columns; two paths, and 1 or 0, are needed."]
    return found


def recognise(path: Path) -> dict[str, Any]:
    """Return ``format``, ``fields`` (the form's, flat) and ``words`` of a folder of classes, or of a table.

    Raises:
        DataError: it is neither.
    """
    place = path.expanduser()
    if place.is_dir():
        return {"format": "folder", "fields": {"image_folder": [str(place)]}, "words": "A folder of classes"}
    open_file(str(place))
    return {"format": "table", "fields": {"pairs_file": [str(place)]}, "words": "A table of pairs"}
