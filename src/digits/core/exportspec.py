"""What the export of a dataset is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import field_validator

from digits.core.jobfolder import TaskPlan
from digits.core.spec import Spec, field

TITLE = "Dataset Export"
TASK = "export_records"
FORMATS = ("imagefolder", "webdataset", "lmdb")
DETECTION_FORMATS = ("coco", "voc", "yolo")
TITLES = {
    "imagefolder": "Image folders", "webdataset": "WebDataset", "lmdb": "LMDB", "coco": "COCO", "voc": "Pascal VOC", "yolo": "YOLO",
}  # fmt: skip
MARK = "digits-export.json"
"""Stands in a folder that an export made: only such a one is ever replaced."""


class ExportSpec(Spec):
    """A dataset as files that other programs read."""

    format: Literal["imagefolder", "webdataset", "lmdb", "coco", "voc", "yolo"] = field(
        title="Format", flat="format", choices=TITLES,
        description="imagefolder: a folder for each database and class; webdataset: tar files of 1,000 pictures; lmdb: the databases as Caffe "
        "reads them. Of boxes: coco, voc, yolo (which is written without the ignored ones).",
    )  # fmt: skip
    path: str = field(
        title="Folder",
        flat="path",
        widget="path",
        description="A folder on the server that is empty or not there yet.",
        min_length=1,
        max_length=4096,
    )
    overwrite: bool = field(
        False,
        title="Replace an earlier export",
        flat="overwrite",
        description="The folder may hold an earlier export, which is replaced; anything else is never touched.",
    )

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if not Path(path).expanduser().is_absolute():
            raise ValueError("Give the whole path, from / on.")
        return str(Path(path).expanduser())


def formats_of(target_kind: str) -> tuple[str, ...]:
    """Return the formats that a dataset with answers of that kind can be written in."""
    return DETECTION_FORMATS if target_kind == "boxes" else FORMATS


def format_problem(name: str, target_kind: str) -> str:
    """Return why a dataset with answers of that kind cannot be written in a format, "" where it can."""
    if name in formats_of(target_kind):
        return ""
    own = "boxes" if target_kind == "boxes" else "one class a picture" if target_kind == "class" else "other answers"
    what = f"holds {'boxes' if name in DETECTION_FORMATS else 'classes'}, and this dataset has {own}"
    return f"{name} {what}: take {', '.join(formats_of(target_kind))}."


def tasks() -> tuple[TaskPlan, ...]:
    """Return the parts of the job."""
    return (TaskPlan(name=TASK, title="Write pictures"),)


def folder_problem(path: Path, *, overwrite: bool) -> str:
    """Return why nothing may be written to ``path``, "" where it may: it is not there, or empty, or to be replaced."""
    try:
        if not path.exists():
            return "" if path.parent.is_dir() else f"{path.parent} is no folder."
        if not path.is_dir() or path.is_symlink():
            return f"{path} is no folder."
        if not any(path.iterdir()):
            return ""
    except OSError as error:
        return f"{path} cannot be looked at: {error.strerror or error}."
    if not (path / MARK).is_file():
        return f"{path} is not empty. Name a new folder."
    return "" if overwrite else f"{path} holds an earlier export. Choose to replace it, or name a new folder."
