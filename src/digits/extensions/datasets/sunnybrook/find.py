"""Which contour was drawn on which picture.

``<case>/.../IM-<series>-<number>-icontour-manual.txt`` belongs to ``<case>/IM-<series>-<number>.dcm``. A case may be written with leading
zeros on one side (SC-HF-I-01 and SC-HF-I-1), and contours may be numbered as of another series than the pictures, as those of Sunnybrook are
(all of series 1): then it is the series of the case that has pictures of all their numbers.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from digits.core.errors import DataError
from digits.data.refused import RefusedWriter
from digits.data.walk import walk

_PICTURE = re.compile(rb"^IM-(\d+)-(\d+)(?:\.[^.]*)?$", re.IGNORECASE)
_CONTOUR = re.compile(rb"^IM-(\d+)-(\d+)-icontour-manual\.txt$", re.IGNORECASE)
_LEADING_ZEROS = re.compile(rb"(?<!\d)0+(?=\d)")
_NO_PICTURE = ("IMG_NOT_A_PICTURE", "IMG_EMPTY")


class Slice(NamedTuple):
    """A picture with its contour."""

    case: bytes
    number: int
    picture: bytes
    contour: bytes


class _File(NamedTuple):
    path: bytes
    folders: frozenset[bytes]
    """Names of the folders that it lies in, below the one asked for, as they are compared."""
    group: tuple[bytes, int]
    """Its folder, and the number of its series."""
    number: int


Series = dict[tuple[bytes, int], dict[int, _File]]
"""Files by group and number."""


def find_slices(images: str, contours: str, refused: RefusedWriter, tick: Callable[[int], None]) -> list[Slice]:
    """Return the pictures below ``images`` that have a contour below ``contours``, by case and number; contours without one are refused.

    Raises:
        DataError: there is not one contour with a picture.
    """
    pictures = _grouped(_files(images, _PICTURE, refused, tick), refused)
    drawn = _grouped(_files(contours, _CONTOUR, refused, tick), refused)
    found: dict[bytes, Slice] = {}
    for (_, number_of_series), group in sorted(drawn.items()):
        chosen = _series_of(list(group.values()), number_of_series, pictures)
        for number, contour in sorted(group.items()):
            picture = chosen.get(number) if isinstance(chosen, dict) else None
            if picture is None:
                missing = DataError("The contour has no picture of its case and number.", rule="PAIR_MISSING")
                refused.add("", contour.path, chosen if isinstance(chosen, DataError) else missing)
            elif picture.path in found:
                refused.add("", contour.path, DataError("Its picture has another contour.", rule="PAIR_TWICE"))
            else:
                found[picture.path] = Slice(picture.group[0], number, picture.path, contour.path)
    if not found:
        counts = [sum(map(len, each.values())) for each in (pictures, drawn)]
        raise DataError(
            f"No contour has a picture of its case and number: {counts[0]:,} pictures, {counts[1]:,} contours.",
            where=f"{images} and {contours}", rule="PAIR_MISSING",
            hint="SC-HF-I-1/IM-0004-0048.dcm and SC-HF-I-01/.../IM-0001-0048-icontour-manual.txt are one slice.",
        )  # fmt: skip
    return sorted(found.values())


def _files(
    folder: str, name: re.Pattern[bytes], refused: RefusedWriter, tick: Callable[[int], None]
) -> Iterator[_File]:
    root = os.fsencode(Path(folder).expanduser())
    for count, each in enumerate(walk(root, root)):
        tick(count)
        path, problem = each if isinstance(each, tuple) else (each, None)
        place, file_name = os.path.split(os.path.relpath(path, root))
        matched = name.match(file_name)
        is_text = name is _CONTOUR and problem is not None and problem.rule in _NO_PICTURE
        if matched and problem is not None and not is_text:
            refused.add("", path, problem)
        elif matched:
            parts = frozenset(
                _LEADING_ZEROS.sub(b"", part.lower()) for part in place.split(os.fsencode(os.sep)) if part
            )
            series, number = int(matched[1]), int(matched[2])
            yield _File(path, parts, (place, series), number)


def _grouped(files: Iterator[_File], refused: RefusedWriter) -> Series:
    found: Series = defaultdict(dict)
    for each in files:
        if each.number in found[each.group]:
            refused.add("", each.path, DataError("Another file of its folder has its numbers.", rule="PAIR_TWICE"))
        else:
            found[each.group][each.number] = each
    return found


def _series_of(contours: Sequence[_File], series: int, pictures: Series) -> dict[int, _File] | DataError:
    """Return the pictures that the contours of one folder were drawn on, by number; an error where several series may be meant."""
    folders, numbers = contours[0].folders, {each.number for each in contours}
    shared = {key: len(folders & next(iter(group.values())).folders) for key, group in pictures.items()}
    near = [key for key, count in shared.items() if count == max(shared.values())] if any(shared.values()) else []
    if not near:  # no folders for cases: all lie in one
        near = list(pictures) if len({folder for folder, _ in pictures}) == 1 else []
    held = {key: len(numbers & pictures[key].keys()) for key in near}
    best = [key for key in near if held[key] == max(held.values())]
    named = [key for key in best if key[1] == series]
    if len(best) > 1 and len(named) != 1:
        places = ", ".join(f"{os.fsdecode(folder)} series {number}" for folder, number in sorted(best)[:4])
        return DataError(f"Several series have pictures of its number: {places}.", rule="PAIR_SERIES")
    return pictures[(named or best)[0]] if best else {}
