"""What checks of a form share, and the tasks of a build. It runs in the web process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from digits.core.jobfolder import TaskPlan
from digits.core.settings import Settings
from digits.data.rules import PARSE_TASK
from digits.extensions.datasets.paths import file_problem, folder_problem

Problems = dict[str, list[str]]
"""By field."""


def plan_tasks(dbs: Sequence[str], what: str = "Parse Folder") -> tuple[TaskPlan, ...]:
    """Return the tasks of a job that makes ``dbs``, in order."""
    parse = TaskPlan(name=PARSE_TASK, title=f"{what} ({'/'.join(dbs)})")
    return (parse, *(TaskPlan(name=f"create_{db}_db", title=f"Create {db}_db DB") for db in dbs))


def shared_dbs(pct_val: float, *, has_val: bool) -> tuple[str, ...]:
    """Return the databases of a dataset that keeps a share for validation, or is given pictures for that."""
    if has_val:
        return ("train", "val")
    return tuple(db for db, share in (("train", 100 - pct_val), ("val", pct_val)) if share > 0)


def path_problems(folders: Iterable[tuple[str, str]], files: Iterable[tuple[str, str]], settings: Settings) -> Problems:
    """Return the problems of (field, path) by field; each must be there and readable."""
    found = {name: folder_problem(path, settings) for name, path in folders}
    found |= {name: file_problem(path, settings) for name, path in files}
    return {name: [text] for name, text in found.items() if text}
