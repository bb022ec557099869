"""What a dataset is made of, before a picture is decoded: pictures with boxes by database, and their classes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from digits.core.errors import DataError
from digits.data.refused import RefusedWriter
from digits.extensions.datasets.detection.classes import ClassMap, class_map, parse_mapping
from digits.extensions.datasets.detection.find import Found, TickCall, find
from digits.extensions.datasets.detection.formats import Annotated
from digits.extensions.datasets.detection.spec import DetectionSpec


@dataclass(frozen=True)
class Gathered:
    """Pictures with boxes, and what the names on the boxes stand for."""

    parts: dict[str, list[Annotated]]
    """By database, "train" and perhaps "val"."""
    most: dict[str, int]
    """The greatest number of boxes of a picture of the folder that a database is made of."""
    counts: Counter[str]
    """Boxes by the name that is written on them."""
    classes: ClassMap
    ids: list[int]
    """DIGITS' ids of the classes; the place of one is its class id."""
    notes: list[str]

    @property
    def labels(self) -> list[str]:
        """The names of the classes by id."""
        return [self.classes.names[each] for each in self.ids]

    @property
    def dontcare(self) -> int:
        """DIGITS' id of boxes to be ignored: 0, or where a list of one's own gave 0 to a class, one that is no class."""
        return 0 if 0 not in self.classes.names else max(self.classes.names) + 1

    def places(self) -> dict[int, int]:
        """Return the class id by DIGITS' id."""
        return {number: place for place, number in enumerate(self.ids)}


def gather(spec: DetectionSpec, seed: int, refused: RefusedWriter, tick: TickCall) -> Gathered:
    """Return what ``spec`` asks for.

    Raises:
        DataError: there is no picture, or not one box of a class that is asked for.
    """
    found = {db: find(place, spec.annotation_format, db, refused, tick) for db, place in spec.places.items()}
    parts = {db: each.pictures for db, each in found.items()}
    most = {db: _most(pictures) for db, pictures in parts.items()}
    if spec.val_list_file.strip() and not spec.train_list_file.strip():
        chosen = {each.picture for each in parts["val"]}
        parts["train"] = [each for each in parts["train"] if each.picture not in chosen]
    if "val" not in parts and spec.folder_pct_val:
        most["val"] = most["train"]
        parts |= _shared_out(parts["train"], spec.folder_pct_val, seed)
    if not parts["train"]:
        raise DataError("No picture is left for training.", hint="The list for validation names all.", rule="DB_EMPTY")
    counts = Counter(box.label for pictures in parts.values() for each in pictures for box in each.boxes)
    try:
        classes = class_map(spec.custom_classes, spec.class_mapping, _own_names(spec, found, counts))
    except ValueError as error:
        raise DataError(f"The class mapping makes no sense: {error}", rule="CLASS_MAP") from error
    ids = classes.used(counts)
    return Gathered(parts, most, counts, classes, ids, _notes(spec, found, counts, classes, ids))


def _most(pictures: list[Annotated]) -> int:
    return max((len(each.boxes) for each in pictures), default=0)


def _own_names(spec: DetectionSpec, found: dict[str, Found], counts: Counter[str]) -> list[str] | None:
    """Return the names of the files, where classes follow from them: in the order of their ids, else of the names; None for KITTI."""
    if spec.annotation_format == "kitti":
        return None
    listed = [name for each in found.values() for name in each.names or ()]
    return list(dict.fromkeys(listed)) or sorted(counts, key=lambda name: (name.casefold(), name))


def _shared_out(pictures: list[Annotated], pct_val: float, seed: int) -> dict[str, list[Annotated]]:
    """Return the pictures by database; the share for validation is drawn by ``seed``, and each keeps its order."""
    count = min(max(round(len(pictures) * pct_val / 100), 1), len(pictures) - 1)
    chosen = set(np.random.default_rng(seed).permutation(len(pictures))[: max(0, count)].tolist())
    parts = {
        "train": [each for at, each in enumerate(pictures) if at not in chosen],
        "val": [each for at, each in enumerate(pictures) if at in chosen],
    }
    return {db: items for db, items in parts.items() if items}


def _notes(
    spec: DetectionSpec, found: dict[str, Found], counts: Counter[str], classes: ClassMap, ids: list[int]
) -> list[str]:
    """Return what is worth a word: names that no class is made of, classes without a box, pictures without a file."""
    notes = []
    strange = {label: count for label, count in counts.most_common() if label.casefold() not in classes.ids}
    if strange:
        listed = ", ".join(f"{label} {count:,}" for label, count in list(strange.items())[:12])
        notes.append(f"Boxes of names that are no class are ignored (DontCare): {listed}")
    seen = {classes.id_of(label) for label in counts}
    if bare := [classes.names[each] for each in ids if each not in seen]:
        notes.append(f"Classes without a box: {', '.join(bare)}")
    known = {label.casefold() for label in counts}
    if missing := [name for name in parse_mapping(spec.class_mapping) if name not in known]:
        notes.append(f"The class mapping names what no box is called: {', '.join(missing)}")
    if 0 in classes.names:
        notes.append(
            f"Id 0, DIGITS' DontCare, is the class {classes.names[0]} here, as the list of classes begins with it; begin it with dontcare"
        )
    without, empty = (
        sum(each) for each in zip(*((one.without, one.empty_boxes) for one in found.values()), strict=True)
    )
    if without:
        notes.append(f"{without:,} of the pictures have no file of annotations: nothing is in them")
    if empty:
        what = "box has no area and is none" if empty == 1 else "boxes have no area and are none"
        notes.append(f"{empty:,} {what}; refused.csv names each with its line")
    return notes
