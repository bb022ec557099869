"""What is said of a folder source before a job exists. It runs in the web process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from digits.core.settings import Settings
from digits.data.remote import is_remote
from digits.data.walk import walk
from digits.extensions.datasets.classification.scan import class_folders
from digits.extensions.datasets.classification.sources.folder.spec import FolderSource
from digits.extensions.datasets.classification.sources.shares import SPLITS, least_for_training, wanted_dbs
from digits.extensions.datasets.classification.sources.treecheck import tree_problem
from digits.extensions.datasets.paths import folder_problem

WORDS = ("A folder with one sub-folder for each class", "A folder with {dbs} folders")
_PATIENCE_S = 1.0
_SHOWN_CLASSES = 20


def shares(source: FolderSource) -> tuple[float, float]:
    """Return the shares of the training folder for validation and testing; a folder of their own makes that 0."""
    return 0.0 if source.has_val_folder else source.pct_val, 0.0 if source.has_test_folder else source.pct_test


def roots(source: FolderSource) -> dict[str, str]:
    """Return the folders that are read, by database."""
    found = {"train": source.train}
    if source.has_val_folder:
        found["val"] = source.val
    if source.has_test_folder:
        found["test"] = source.test
    return found


def dbs(source: FolderSource) -> tuple[str, ...]:
    """Return the databases that ``source`` asks for."""
    return wanted_dbs(*shares(source), given=tuple(db for db in roots(source) if db != "train"))


def check(source: FolderSource, settings: Settings) -> dict[str, list[str]]:
    """Return the problems by field; it lists folders and reads first bytes, and gives up looking after a second."""
    return _check(source, settings, 2)


def check_further(source: FolderSource, settings: Settings) -> dict[str, list[str]]:
    """Return the problems of a folder beside other records, where one class is enough."""
    return _check(source, settings, 1)


def _check(source: FolderSource, settings: Settings, least_classes: int) -> dict[str, list[str]]:
    problems = {db: _root_problem(root, settings) for db, root in roots(source).items()}
    if not problems["train"] and not is_remote(source.train):
        least = least_for_training(source, *shares(source))
        problems["train"] = _classes_problem(Path(source.train).expanduser(), least, least_classes)
    return {name: [problem] for name, problem in problems.items() if problem}


def _root_problem(root: str, settings: Settings) -> str:
    return tree_problem(root, settings) if is_remote(root) else folder_problem(root, settings)


def _classes_problem(root: Path, least: int, least_classes: int) -> str:
    """Return why ``root`` has not ``least_classes`` classes of at least ``least`` pictures; empty where it has, or where it takes long to tell."""
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
            if sum(count >= least for _, count in counts) >= least_classes or time.monotonic() > deadline:
                return ""
    except OSError as error:
        return f"{root} cannot be listed: {error.strerror or error}."
    if not counts:
        return f"{root} has no sub-folder: a dataset needs one sub-folder for each class, at least two."
    listed = ", ".join(f"{label}: {count}{'+' * (count >= least)}" for label, count in counts[:_SHOWN_CLASSES])
    more = f" and {len(counts) - _SHOWN_CLASSES} more" if len(counts) > _SHOWN_CLASSES else ""
    return f"A dataset needs {'two classes' if least_classes == 2 else 'a class'} of at least {least} pictures{' each' * (least_classes == 2)}; {root} has {listed}{more}."


def _pictures(root: bytes, folder: bytes) -> Iterator[bool]:
    return (isinstance(found, bytes) for found in walk(root, folder))


def recognise(path: Path) -> dict[str, str | bool] | None:
    """Return the fields of the folder at ``path``; with train, val and test folders in it and nothing else, they are the databases."""
    if not path.is_dir():
        return None
    names = [folder.name for folder in class_folders(os.fsencode(path))]
    splits = {SPLITS[name.lower()]: os.fsdecode(name) for name in names if name.lower() in SPLITS}
    if len(splits) < len(names) or "train" not in splits:
        return {"train": str(path)}
    fields: dict[str, str | bool] = {"train": str(path / splits.pop("train"))}
    for db, name in splits.items():
        fields |= {f"has_{db}_folder": True, db: str(path / name)}
    return fields
