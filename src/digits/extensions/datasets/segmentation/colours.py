"""What the classes of a segmentation dataset are called and which colours they have, and how labels become class ids."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.images import read_file
from digits.data.masks import (
    MOST_CLASSES,
    ColourMap,
    LabelPicture,
    check_values,
    codes_of,
    parse_names,
    same_palette,
    usual_palette,
)
from digits.extensions.datasets.segmentation.spec import SegmentationSpec

IGNORE_LINE = "__ignore__"
IGNORED = 255
_COLOUR = re.compile(r"^(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})(?:[\s,;:]+(.*))?$")
_NAMED = re.compile(r"^(.+?)[\s,;:]+(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[\s:,;]*$")
_MOST_BYTES = 1_000_000


def read_names(path: str) -> tuple[list[str], bool]:
    """Return the names in a file of class labels, and whether its first line says that some pixels are to be ignored.

    Raises:
        DataError: it cannot be read, names nothing, or more than 256 classes.
    """
    names = parse_names(_lines(path))
    ignores = bool(names) and names[0] == IGNORE_LINE
    names = names[1:] if ignores else names
    if not names or len(names) > MOST_CLASSES:
        raise DataError(f"It names {len(names):,} classes; 1 to {MOST_CLASSES} can be told apart.", where=path)
    for number, name in enumerate(names, 1 + ignores):
        if not name or name in names[: number - 1 - ignores]:
            problem = f"repeats {name!r}" if name else "is blank"
            raise DataError(f"Line {number} {problem}.", where=path, hint="Each class has a name of its own.")
    return names, ignores


def read_colours(path: str) -> tuple[NDArray[np.uint8], list[str]]:
    """Return the colours [N, 3] of a colour map's lines, ``R G B`` or ``R G B name``, and the names ("" where there is none).

    Raises:
        DataError: it cannot be read, a line is none, a colour comes twice, or there are more than 256; with the line.
    """
    colours: list[tuple[int, ...]] = []
    names: list[str] = []
    for number, line in enumerate(_lines(path), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if found := _COLOUR.match(text):
            values, name = found.groups()[:3], found[4] or ""
        elif named := _NAMED.match(text):
            values, name = named.groups()[1:], named[1]
        elif not colours and not re.search(r"\d", text):
            continue  # a table's header
        else:
            raise DataError(
                f"Line {number} is no colour: {text[:60]!r}.", where=path, hint="Write R G B, each 0 to 255."
            )
        colour = tuple(int(value) for value in values)
        if max(colour) > 255 or colour in colours:
            problem = (
                "has a value above 255" if max(colour) > 255 else f"repeats the colour of class {colours.index(colour)}"
            )
            raise DataError(f"Line {number} {problem}.", where=path, hint="Each class has a colour of its own.")
        colours.append(colour)
        names.append(name.strip())
    if not colours or len(colours) > MOST_CLASSES:
        raise DataError(f"It lists {len(colours):,} colours; 1 to {MOST_CLASSES} can be told apart.", where=path)
    return np.array(colours, np.uint8), names


def _lines(path: str) -> list[str]:
    try:
        data = read_file(Path(path).expanduser())
    except RuntimeError as error:
        raise DataError(str(error), where=path) from error
    if len(data) > _MOST_BYTES or b"\0" in data:
        raise DataError("This is no list of classes.", where=path)
    return data.decode("utf-8-sig", "replace").splitlines()


@dataclass(frozen=True)
class Classes:
    """How labels become class ids."""

    names: list[str]
    """By id; empty where the greatest id that is found tells how many there are."""
    ignore_label: int | None
    map: ColourMap | None
    """Colours that stand for classes; None where values are ids."""
    first_palette: NDArray[np.uint8] | None
    colours: NDArray[np.uint8] | None
    """What the classes are shown in, where something says so."""
    has_greys: bool = False
    """Values without a palette are colours of the map as well: a label of 0 and 255 has two classes."""
    is_implied: bool = False
    """Nobody named the ignore label: 255 is one where it occurs and is no class, as in Pascal VOC."""

    def ids(self, label: LabelPicture) -> NDArray[np.uint8]:
        """Return the class ids of a label.

        Raises:
            DataError: something in it does not fit; the first pixel is named.
        """
        if self.map is None or not (self.has_greys or label.is_colour or label.palette is not None):
            if label.is_colour:
                raise DataError(
                    "The label is a colour picture, and its colours are not said.",
                    hint="Choose 'From text file' and list them, or 'Found in the labels'.", rule="LABEL_COLOUR",
                )  # fmt: skip
            same_palette(label, self.first_palette)
            mask_HW = label.values
        else:
            mask_HW = self.map.ids(label)
        if self.names:
            check_values(mask_HW, len(self.names), self.ignore_label)
        return mask_HW

    def labels(self, largest: int) -> list[str]:
        """Return the names of the classes; ``largest`` is the greatest id that was found. An ignored last one is no class."""
        names = self.names or [f"class {index}" for index in range(largest + 1)]
        return names[:-1] if self.ignore_label == len(names) - 1 and len(names) > 1 else names

    def palette(self, count: int) -> NDArray[np.uint8]:
        """Return the colours of ``count`` classes."""
        known = usual_palette()
        if self.colours is not None:
            known[: len(self.colours)] = self.colours
        return known[:count]


def find_classes(spec: SegmentationSpec, labels: Iterable[LabelPicture]) -> Classes:
    """Return how labels become ids; of ``labels`` the first is read where values are ids, all where colours are to be found.

    Raises:
        DataError: a list cannot be read, or more colours are found than there can be classes.
    """
    names, ignores = read_names(spec.class_labels_file) if spec.class_labels_file.strip() else ([], False)
    is_implied = spec.ignore_label is None and not ignores and len(names) < MOST_CLASSES
    ignore = IGNORED if spec.ignore_label is None and (ignores or is_implied) else spec.ignore_label
    if spec.colormap_method == "label":
        palette = next((label.palette for label in labels), None)
        return Classes(names, ignore, None, palette, palette, is_implied=is_implied)
    if spec.colormap_method == "textfile":
        colours, listed = read_colours(spec.colormap_text_file)
        is_implied = is_implied and len(colours) < MOST_CLASSES
        source = "the colour map"
    else:
        colours, source, is_implied = _found(labels), "the labels", False
        ignore = spec.ignore_label
        listed = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in colours.tolist()]
    has_greys = spec.colormap_method == "found"
    return Classes(_named(names, listed), ignore, ColourMap(colours, source), None, colours, has_greys, is_implied)


def _named(names: list[str], listed: list[str]) -> list[str]:
    """Return a name for each colour: from the file of labels, else from its line."""
    found: list[str] = []
    for index, name in enumerate(listed):
        wanted = (names[index] if index < len(names) else name) or f"class {index}"
        found.append(wanted if wanted not in found else f"{wanted} ({index})")
    return found


def _found(labels: Iterable[LabelPicture]) -> NDArray[np.uint8]:
    """Return all colours of all labels, in the order of their values."""
    codes: set[int] = set()
    for label in labels:
        codes.update(codes_of(label.colours()).tolist())
        if len(codes) > MOST_CLASSES:
            raise DataError(
                f"The labels have more than {MOST_CLASSES} colours.",
                hint="They were smoothed or saved as JPEG; list the colours that count in a text file.", rule="LABEL_COLOUR",
            )  # fmt: skip
    if not codes:
        raise DataError("Not one label could be read.", hint="refused.csv names each with the reason.", rule="DB_EMPTY")
    ordered = np.array(sorted(codes))
    return np.stack([ordered >> 16, ordered >> 8 & 255, ordered & 255], 1).astype(np.uint8)
