"""The files that boxes come in, one module a format; each turns a file into :class:`digits.extensions.datasets.detection.boxes.Box`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from digits.core.errors import DataError
from digits.data.images import read_file
from digits.extensions.datasets.detection.boxes import Box

MAX_TEXT_BYTES = 16_000_000
TITLES = {"kitti": "KITTI", "voc": "Pascal VOC", "coco": "COCO", "yolo": "YOLO"}
SUFFIXES: Mapping[str, str] = {"kitti": ".txt", "voc": ".xml", "yolo": ".txt"}
"""How the files end of formats that have one for each picture."""


class LineError(DataError):
    """What is wrong in a file of annotations, with the line."""

    def __init__(self, message: str, *, line: int, hint: str = "", rule: str = "BOX_FORMAT") -> None:
        super().__init__(message, where=f"line {line}" if line else "", hint=hint, rule=rule)
        self.line = line


@dataclass
class Annotated:
    """A picture with what is known of it."""

    picture: bytes
    source: bytes
    """The file that says it."""
    boxes: list[Box] = field(default_factory=list)


def read_text(path: bytes | str | Path, most: int = MAX_TEXT_BYTES) -> str:
    """Return the text of a file of annotations.

    Raises:
        DataError: it cannot be read, is too long, or no text.
    """
    data = read_file(path)
    if len(data) > most:
        raise DataError(f"The file has {len(data):,} bytes, more than {most:,}.", rule="BOX_FORMAT")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError("This is no text in UTF-8.", hint="Is it a file of annotations?", rule="BOX_FORMAT") from error
    if "\0" in text:
        raise DataError("This is no text.", hint="Is it a file of annotations?", rule="BOX_FORMAT")
    return text


def number(text: str, what: str, line: int) -> float:
    """Return a number of a file of annotations.

    Raises:
        LineError: it is none, or not finite.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e9:
        raise LineError(f"{what} is {text[:40]!r}, not a number.", line=line)
    return value


def ordered(box: Box) -> Box:
    """Return ``box``, whose edges must not be the wrong way round.

    Raises:
        LineError: they are.
    """
    if box.right < box.left or box.bottom < box.top:
        raise LineError(
            f"The box of {box.label!r} ends before it begins: {box.left:g} {box.top:g} {box.right:g} {box.bottom:g}.",
            line=box.line, hint="The order is left, top, right, bottom.", rule="BOX_ORDER",
        )  # fmt: skip
    return box
