"""Pictures with the files of annotations that belong to them, and the boxes in these."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from digits.core.errors import DataError
from digits.data.probe import picture_size
from digits.data.refused import RefusedWriter
from digits.data.walk import walk
from digits.extensions.datasets.detection.boxes import Box
from digits.extensions.datasets.detection.formats import (
    SUFFIXES,
    Annotated,
    LineError,
    coco,
    kitti,
    read_text,
    voc,
    yolo,
)
from digits.extensions.datasets.detection.spec import Place

_ANNOTATIONS = (b".txt", b".xml", b".json", b".yaml", b".yml", b".names", b".csv", b".md", b".cache")
TickCall = Callable[[int], None]


@dataclass
class Found:
    """What one place holds."""

    pictures: list[Annotated]
    """Sorted by path."""
    names: list[str] | None = None
    """Of the classes where the format numbers them."""
    without: int = 0
    """Pictures that have no file of annotations, where that means that nothing is in them."""
    empty_boxes: int = 0
    """Boxes without an area, which are none."""
    sizes: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """(height, width) by picture, where they were needed."""


def find(place: Place, form: str, db: str, refused: RefusedWriter, tick: TickCall) -> Found:
    """Return the pictures of a place with their boxes; those that cannot be used are refused, and so is each box without an area.

    Raises:
        DataError: there is not one picture with annotations, or a file that all need is wrong.
    """
    pictures = _pictures(place.images, db, refused, tick)
    chosen = _chosen(place.list_file, pictures.values(), db, refused) if place.list_file else set(pictures.values())
    if form == "coco":
        found = _coco(place, pictures, db, refused)
        found.pictures = [each for each in found.pictures if each.picture in chosen]
    else:
        wanted = {name: path for name, path in pictures.items() if path in chosen}
        found = _by_file(place, form, wanted, db, refused, tick)
    for each in found.pictures:
        for box in each.boxes:
            if box.is_empty:
                refused.add(db, each.source, _no_area(box), box.line or None)
                found.empty_boxes += 1
        each.boxes = [box for box in each.boxes if not box.is_empty]
    return found


def _no_area(box: Box) -> DataError:
    edges = f"{box.left:g} {box.top:g} {box.right:g} {box.bottom:g}"
    return DataError(
        f"The box of {box.label!r} has no area ({edges}): it is left out, its picture stays.", rule="BOX_EMPTY"
    )


def _pictures(folder: str, db: str, refused: RefusedWriter, tick: TickCall) -> dict[bytes, bytes]:
    """Return the pictures below a folder by their paths within it."""
    root = os.fsencode(Path(folder).expanduser())
    found: dict[bytes, bytes] = {}
    for each in walk(root, root):
        if isinstance(each, tuple):
            if not each[0].lower().endswith(_ANNOTATIONS):
                refused.add(db, *each)
        else:
            found[os.path.relpath(each, root)] = each
        tick(len(found))
    if not found:
        raise DataError(
            "There is not one picture in it.", where=folder, hint="Is it the right folder?", rule="DB_EMPTY"
        )
    return found


# ---------------------------------------------------------------- a file for each picture


def _by_file(
    place: Place, form: str, pictures: dict[bytes, bytes], db: str, refused: RefusedWriter, tick: TickCall
) -> Found:
    files = _files(place.annotations, SUFFIXES[form])
    names = _yolo_names(place) if form == "yolo" else None
    found = Found([], names)
    by_stem = {os.path.basename(stem): path for stem, path in files.items()}
    for relative, picture in sorted(pictures.items()):
        tick(len(pictures))
        stem = os.path.splitext(relative)[0]
        source = files.get(stem) or by_stem.get(os.path.basename(stem))
        if source is None:
            if form == "yolo" and files:
                found.without += 1
                found.pictures.append(Annotated(picture, picture))
            else:
                error = DataError(f"It has no {SUFFIXES[form]} file of its name.", rule="PAIR_MISSING")
                refused.add(db, picture, error)
            continue
        try:
            boxes = _parse(form, source, picture, names or (), found)
        except DataError as error:
            refused.add(db, source, error, getattr(error, "line", 0) or None)
            continue
        found.pictures.append(Annotated(picture, source, boxes))
    if not found.pictures:
        raise _nothing(place, pictures, files, form)
    return found


def _parse(form: str, source: bytes, picture: bytes, names: Sequence[str], found: Found) -> list[Box]:
    text = read_text(source)
    if form == "kitti":
        return kitti.parse(text)
    if form == "voc":
        return voc.parse(text)
    found.sizes[picture] = size = picture_size(picture)
    return yolo.parse(text, names, size)


def _files(folder: str, suffix: str) -> dict[bytes, bytes]:
    """Return the files of annotations below a folder by their paths within it, without the ending."""
    root = os.fsencode(Path(folder).expanduser())
    found: dict[bytes, bytes] = {}
    for here, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            if name.lower().endswith(suffix.encode()) and os.fsdecode(name).lower() not in yolo.NOT_ANNOTATIONS:
                path = os.path.join(here, name)
                found[os.path.splitext(os.path.relpath(path, root))[0]] = path
    return found


def _nothing(place: Place, pictures: dict[bytes, bytes], files: dict[bytes, bytes], form: str) -> DataError:
    first = f"The first picture is {_first(pictures)}"
    text = f"No picture has annotations that can be used: {len(pictures):,} pictures, {len(files):,} {SUFFIXES[form]} files."
    hint = f"{first}, the first file {_first(files)}; both are to be called alike but for the ending." if files else (
        f"{first}; there is no {SUFFIXES[form]} file: is it the right folder, and the right format?"
    )  # fmt: skip
    return DataError(text, where=place.annotations, hint=hint, rule="PAIR_MISSING")


def _first(paths: dict[bytes, bytes]) -> str:
    return os.fsdecode(os.path.basename(min(paths.values())))


def _yolo_names(place: Place) -> list[str]:
    """Return the names of YOLO's classes: of the file that is named, else of one that lies in or above a folder of the dataset."""
    for path in names_files(place):
        if path.is_file():
            try:
                return yolo.parse_names(read_text(path), path.name)
            except DataError as error:
                raise DataError(error.message, where=str(path), hint=error.hint, rule=error.rule) from error
    raise DataError(
        "Nothing says what YOLO's classes are called.", where=place.annotations,
        hint="Name a data.yaml or a list of names, a line each, as the annotation path.", rule="BOX_NAMES",
    )  # fmt: skip


def names_files(place: Place) -> Iterator[Path]:
    """Yield where names of YOLO's classes may stand, the likeliest first."""
    if place.names_file:
        yield Path(place.names_file).expanduser()
        return
    folders = [Path(each).expanduser() for each in (place.annotations, place.images)]
    for folder in (*folders, *(each.parent for each in folders), *(each.parent.parent for each in folders)):
        yield from (folder / name for name in yolo.NAMES_FILES)


# ---------------------------------------------------------------- one file for all


def _coco(place: Place, pictures: dict[bytes, bytes], db: str, refused: RefusedWriter) -> Found:
    file = Path(place.annotations).expanduser()
    try:
        listed = coco.parse(read_text(file, coco.MAX_BYTES))
    except DataError as error:
        line = f":{error.where.removeprefix('line ')}" if error.where else ""
        raise DataError(error.message, where=f"{file}{line}", hint=error.hint, rule=error.rule) from error
    source = os.fsencode(file)
    by_name = {os.path.basename(each): path for each, path in pictures.items()}
    found = Found([], listed.names)
    for name, problem in listed.problems:
        refused.add(db, os.fsencode(name), problem)
    for name, boxes in sorted(listed.pictures.items()):
        relative = os.path.normpath(os.fsencode(name.replace("\\", "/")))
        picture = pictures.get(relative) or by_name.get(os.path.basename(relative))
        if picture is None:
            refused.add(
                db, os.fsencode(name), DataError("The file lists it, and it is not in the folder.", rule="PAIR_MISSING")
            )
            continue
        found.pictures.append(Annotated(picture, source, boxes))
    if not found.pictures:
        raise DataError(
            f"None of the {len(listed.pictures):,} pictures that it lists is in {place.images}.", where=str(file),
            hint=f"The first picture there is {_first(pictures)}.", rule="PAIR_MISSING",
        )  # fmt: skip
    found.pictures.sort(key=lambda each: each.picture)
    return found


# ---------------------------------------------------------------- lists of names


def _chosen(path: str, pictures: Iterable[bytes], db: str, refused: RefusedWriter) -> set[bytes]:
    """Return the pictures that a list names, a line each: a path, a file's name or its stem; what stands behind it does not matter."""
    known: dict[bytes, bytes] = {}
    for each in pictures:
        name = os.path.basename(each)
        known |= {os.path.splitext(name)[0]: each, name: each}
    try:
        lines = read_text(Path(path).expanduser()).splitlines()
    except DataError as error:
        raise DataError(error.message, where=path, hint=error.hint, rule=error.rule) from error
    found = set()
    for number, line in enumerate(lines, 1):
        parts = line.split()
        if not parts or (
            len(parts) > 1 and parts[1] == "-1"
        ):  # VOC's lists of a class say -1 where it is not in a picture
            continue
        wanted = known.get(os.path.basename(os.fsencode(parts[0].replace("\\", "/"))))
        if wanted is None:
            strange = LineError(f"{parts[0]!r} is no picture of the folder.", line=number, rule="PAIR_MISSING")
            refused.add(db, os.fsencode(path), strange, number)
        else:
            found.add(wanted)
    if not found:
        raise DataError("The list names no picture of the folder.", where=path, rule="DB_EMPTY")
    return found
