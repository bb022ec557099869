"""What is said of a spec before a job exists, and which tasks the job will have. It runs in the web process."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from digits.core.errors import DataError
from digits.core.jobfolder import TaskPlan
from digits.core.settings import Settings
from digits.data.rules import DBS
from digits.data.tables import Row, Table
from digits.extensions.datasets.building.checking import Problems, path_problems, plan_tasks
from digits.extensions.datasets.building.tables import column, listed_names, number_columns, open_file
from digits.extensions.datasets.regression.spec import RegressionSpec


def dbs_of(spec: RegressionSpec) -> tuple[str, ...]:
    """Return the databases that ``spec`` may give; with a split column those that it may name."""
    if spec.split_column:
        return DBS
    shares = {
        "train": 100 - (0 if spec.val_file else spec.folder_pct_val) - (0 if spec.test_file else spec.folder_pct_test),
        "val": 1 if spec.val_file else spec.folder_pct_val,
        "test": 1 if spec.test_file else spec.folder_pct_test,
    }
    return tuple(db for db in DBS if shares[db] > 0)


def tasks(spec: RegressionSpec) -> tuple[TaskPlan, ...]:
    """Return the tasks of the job that builds ``spec``, in order."""
    return plan_tasks(dbs_of(spec), "Read table")


def check(spec: RegressionSpec, settings: Settings) -> Problems:
    """Return the problems by field; all of them, not the first alone. Empty where the job can be made."""
    files = [("train_file", spec.train_file)]
    files += [(name, getattr(spec, name)) for name in ("val_file", "test_file") if getattr(spec, name)]
    folders = [("image_folder", spec.image_folder)] if spec.image_folder.strip() else []
    found = path_problems(folders, files, settings)
    if "train_file" in found:
        return found
    try:
        table = open_file(spec.train_file)
    except DataError as error:
        return found | {"train_file": [str(error)]}
    found |= _columns(spec, "", spec.train_file, table)
    for name, path in files[1:]:
        if name in found:
            continue
        try:
            if listed_names(path, table) is None:
                found |= _columns(spec, name, path, open_file(path))
        except DataError as error:
            found[name] = [str(error)]
    return found


def _columns(spec: RegressionSpec, name: str, path: str, table: Table) -> Problems:
    """Return which columns a table lacks, said of the field ``name``, or of those that ask for them."""
    found: Problems = {}
    own = [spec.path_column.strip() or next(iter(table.columns.names), ""), spec.split_column.strip()]
    for field, text in (("path_column", spec.path_column), ("split_column", spec.split_column)):
        try:
            if field == "path_column" or text.strip():
                column(table, text, path)
        except DataError as error:
            found[name or field] = [str(error)]
    try:
        number_columns(table, spec.label_columns, own, path)
    except DataError as error:
        found[name or "label_columns"] = [str(error)]
    return found


def recognise(path: Path) -> dict[str, Any]:
    """Return ``format``, ``fields`` (the form's, flat) and ``words`` of a table, or of a folder that has just one.

    Raises:
        DataError: it is none, or cannot be read.
    """
    place = path.expanduser()
    try:
        tables = sorted(place.glob("*.csv")) if place.is_dir() else [place]
    except OSError as error:
        raise DataError(f"It cannot be read: {error.strerror or error}.", where=str(path)) from error
    if len(tables) != 1:
        raise DataError(f"The folder has {len(tables)} tables (.csv).", where=str(path), hint="Name the one.")
    table = open_file(str(tables[0]))
    first = next(iter(table.columns.names), "")
    numbers = number_columns(table, "", [first], str(tables[0]))
    fields = {"train_file": [str(tables[0])]}
    name = next((str(values[0]) for values in _first_rows(table, first)), "")
    if name and not (tables[0].parent / name).is_file():
        folders = sorted(each for each in tables[0].parent.iterdir() if each.is_dir())
        if near := next((each for each in folders if (each / name).is_file()), None):
            fields["image_folder"] = [str(near)]
    return {
        "format": "table",
        "fields": fields,
        "words": f"A table of pictures with {', '.join(numbers)}",
    }


def _first_rows(table: Table, column_name: str) -> list[tuple[Any, ...]]:
    return [row.values for row in islice(table.rows([column_name]), 1) if isinstance(row, Row)]
