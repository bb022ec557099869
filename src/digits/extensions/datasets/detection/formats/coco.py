"""COCO: one JSON file of all pictures, with ``images``, ``categories`` and ``annotations`` (``bbox``: left, top, width, height)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from digits.core.errors import DataError
from digits.extensions.datasets.detection.boxes import Box, Scene

MAX_BYTES = 1_000_000_000


@dataclass
class Listed:
    """What a file of COCO says."""

    names: list[str]
    """Of the classes, in the order of their ids."""
    pictures: dict[str, list[Box]] = field(default_factory=dict)
    """Boxes by the picture's file name, as it is written there."""
    problems: list[tuple[str, DataError]] = field(default_factory=list)
    """Pictures with an annotation that cannot be used; they have no entry in ``pictures``."""


def parse(text: str) -> Listed:
    """Return the boxes by picture; crowds are to be ignored.

    Raises:
        DataError: it is no such JSON.
    """
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        raise DataError(
            f"This is no JSON: {getattr(error, 'msg', 'it is nested too deeply')}.", where=f"line {line}" if line else "",
            hint="Is the file whole?", rule="BOX_FORMAT",
        ) from error  # fmt: skip
    images, categories, annotations = (_rows(whole, name) for name in ("images", "categories", "annotations"))
    names = {_id(each, "categories"): _text(each, "name", "categories") for each in categories}
    files = {_id(each, "images"): _text(each, "file_name", "images") for each in images}
    found = Listed([names[each] for each in sorted(names)], {file: [] for file in files.values()})
    for at, each in enumerate(annotations):
        file = files.get(each.get("image_id", -1))
        if file is None:
            raise DataError(
                f"annotations[{at}] has the image_id {each.get('image_id')!r}, which no image has.", rule="BOX_FORMAT"
            )
        try:
            box = _box(each, at, names)
        except DataError as error:
            found.problems.append((file, error))
            continue
        found.pictures[file].append(box)
    for file, _ in found.problems:
        found.pictures.pop(file, None)
    return found


def _rows(whole: Any, name: str) -> Sequence[Mapping[str, Any]]:
    rows = whole.get(name) if isinstance(whole, dict) else None
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise DataError(
            f"It has no list {name!r}.",
            hint="COCO's detections have images, annotations and categories.",
            rule="BOX_FORMAT",
        )
    return rows


def _id(row: Mapping[str, Any], of: str) -> int:
    found = row.get("id")
    if not isinstance(found, int):
        raise DataError(f"A row of {of!r} has no id that is a number.", rule="BOX_FORMAT")
    return found


def _text(row: Mapping[str, Any], name: str, of: str) -> str:
    found = row.get(name)
    if not isinstance(found, str) or not found:
        raise DataError(f"{of} id {row['id']} has no {name!r}.", rule="BOX_FORMAT")
    return found


def _box(row: Mapping[str, Any], at: int, names: Mapping[int, str]) -> Box:
    name, edges = names.get(row.get("category_id", None)), row.get("bbox")
    if name is None:
        raise DataError(
            f"annotations[{at}] has the category_id {row.get('category_id')!r}, which no category has.",
            rule="BOX_FORMAT",
        )
    is_box = isinstance(edges, list) and len(edges) == 4
    if not is_box or not all(isinstance(each, int | float) and abs(each) < 1e9 for each in edges or ()):
        raise DataError(
            f"annotations[{at}] has no bbox of left, top, width, height: {edges!r}."[:200], rule="BOX_FORMAT"
        )
    left, top, width, height = map(float, edges or ())
    if width < 0 or height < 0:
        raise DataError(
            f"annotations[{at}] has a bbox of negative size: {width:g} by {height:g}.",
            hint="COCO's bbox is left, top, width, height.", rule="BOX_ORDER",
        )  # fmt: skip
    return Box(name, left, top, left + width, top + height, bool(row.get("iscrowd")), 0, Scene())
