"""What is said of a spec before a job exists, and which tasks the job will have.

This runs in the web process: it lists folders and reads first bytes, decodes nothing, and gives up looking after a second.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from digits.core.jobfolder import TaskPlan
from digits.core.platform import user_name
from digits.core.settings import Settings
from digits.extensions.datasets.classification.scan import class_folders, walk
from digits.extensions.datasets.classification.spec import ClassificationSpec, FolderSource
from digits.extensions.datasets.classification.split import num_sets

_PATIENCE_S = 1.0
_SHOWN_CLASSES = 20


def tasks(spec: ClassificationSpec) -> tuple[TaskPlan, ...]:
    """Return the tasks of the job that builds ``spec``, in order."""
    dbs = wanted_dbs(spec.source)
    plans = [TaskPlan(name="parse_folder", title=f"Parse Folder ({'/'.join(dbs)})")]
    plans += [TaskPlan(name=f"create_{db}_db", title=f"Create DB ({db})") for db in dbs]
    return tuple(plans)


def wanted_dbs(source: FolderSource) -> tuple[str, ...]:
    """Return the databases that ``source`` asks for: of "train", "val" and "test"."""
    pct_val, pct_test = shares(source)
    wanted = {
        "train": pct_val + pct_test < 100,
        "val": source.has_val_folder or pct_val > 0,
        "test": source.has_test_folder or pct_test > 0,
    }
    return tuple(db for db, is_wanted in wanted.items() if is_wanted)


def shares(source: FolderSource) -> tuple[float, float]:
    """Return the shares of the training folder for validation and testing; a folder of their own makes that 0."""
    return 0.0 if source.has_val_folder else source.pct_val, 0.0 if source.has_test_folder else source.pct_test


def check(spec: ClassificationSpec, settings: Settings) -> dict[str, list[str]]:
    """Return the problems by field; all of them, not the first alone. Empty where the job can be made."""
    source = spec.source
    problems = {"train": folder_problem(source.train, settings)}
    if not problems["train"]:
        least = max(source.train_min_per_class or 1, num_sets(*shares(source)))
        problems["train"] = _classes_problem(Path(source.train).expanduser(), least)
    if source.has_val_folder:
        problems["val"] = folder_problem(source.val, settings)
    if source.has_test_folder:
        problems["test"] = folder_problem(source.test, settings)
    return {f"source.{name}": [problem] for name, problem in problems.items() if problem}


def folder_problem(text: str, settings: Settings) -> str:
    """Return why the folder at ``text`` cannot be read, in words; empty where it can."""
    if not text.strip():
        return "Name a folder on the server."
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        return f"{text} names a user that this machine does not know."
    if not path.is_absolute():
        return f"{text} is not absolute: begin it with / or ~."
    if "\0" in text:
        return "A path has no NUL character."
    roots = [Path(root).resolve() for root in settings.data_roots]
    if roots and not any(path.resolve().is_relative_to(root) for root in roots):
        return f"{path} lies outside the folders that may be used: {', '.join(map(str, roots))}."
    for part in (*reversed(path.parents), path):
        problem = _part_problem(part, is_last=part == path)
        if problem:
            return problem
    return ""


def _part_problem(part: Path, *, is_last: bool) -> str:
    try:
        if not part.is_dir():
            return f"{part} is not a folder." if part.exists() else f"{part} does not exist."
        readable = os.access(part, os.X_OK | (os.R_OK if is_last else 0))
    except OSError as error:
        return f"{part} cannot be read: {error.strerror or error}."
    if readable:
        return ""
    return f"User {user_name()!r}, who runs the server, has no right to {'list' if is_last else 'enter'} {part}."


def _classes_problem(root: Path, least: int) -> str:
    """Return why ``root`` has not two classes of at least ``least`` pictures; empty where it has, or where it takes long to tell."""
    deadline = time.monotonic() + _PATIENCE_S
    path = os.fsencode(root)
    counts: list[tuple[str, int]] = []
    try:
        for folder in class_folders(path):
            count = 0
            for is_picture in _pictures(path, folder.path):
                count += is_picture
                if count >= least or time.monotonic() > deadline:
                    break
            counts.append((folder.label, count))
            if sum(count >= least for _, count in counts) >= 2 or time.monotonic() > deadline:
                return ""
    except OSError as error:
        return f"{root} cannot be listed: {error.strerror or error}."
    if not counts:
        return f"{root} has no sub-folder: a dataset needs one sub-folder for each class, at least two."
    listed = ", ".join(f"{label}: {count}{'+' * (count >= least)}" for label, count in counts[:_SHOWN_CLASSES])
    more = f" and {len(counts) - _SHOWN_CLASSES} more" if len(counts) > _SHOWN_CLASSES else ""
    return f"A dataset needs two classes of at least {least} pictures each; {root} has {listed}{more}."


def _pictures(root: bytes, folder: bytes) -> Iterator[bool]:
    return (isinstance(found, bytes) for found in walk(root, folder))
