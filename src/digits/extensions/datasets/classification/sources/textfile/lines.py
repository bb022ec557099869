"""Reads lists: ``path label`` lines, and names of classes. Any line ending, a byte order mark, tabs, and blanks in paths are fine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from digits.core.errors import DataError

MAX_LINE_BYTES = 16_384
_BOM = b"\xef\xbb\xbf"
_ENTRY = re.compile(rb"(.+?)[ \t]+(\d{1,9})")


@dataclass(frozen=True)
class Entry:
    """A good line: ``path`` as it stands there."""

    line: int
    path: bytes
    label: int


class BadLineError(DataError):
    """A line that names no picture; ``text`` is what it says."""

    def __init__(self, line: int, text: bytes, message: str, hint: str = "") -> None:
        super().__init__(message, where=f"line {line}", hint=hint, rule="LIST_LINE")
        self.line, self.text = line, text


def entries(path: Path) -> Iterator[Entry | BadLineError]:
    """Yield every line of a list that is not blank, in order.

    Raises:
        OSError: the list cannot be read.
    """
    for number, text in _lines(path):
        found = _ENTRY.fullmatch(text)
        if found:
            yield Entry(number, found[1], int(found[2]))
        elif b"\0" in text[:4096] or len(text) > MAX_LINE_BYTES:
            yield BadLineError(number, text[:200], "This is no text.", "A list is a text file in UTF-8.")
            return
        else:
            yield BadLineError(number, text, *_why(text))


def _why(text: bytes) -> tuple[str, str]:
    if not re.search(rb"[ \t]", text):
        return "There is no class after the path.", "A line is a path, a blank and the number of a class."
    last = re.split(rb"[ \t]+", text)[-1].decode("utf-8", "replace")
    return f"{last[:40]!r} is no number of a class.", "A line is a path, a blank and the number of a class, from 0."


def label_names(path: Path) -> list[str]:
    """Return the names of the classes.

    Raises:
        DataError: there is none, or a line in between is blank.
        OSError: the file cannot be read.
    """
    names: list[str] = []
    for number, text in _lines(path):
        while len(names) < number - 1:
            raise DataError(
                "The line is blank: a class needs a name.", where=f"labels, line {len(names) + 1}", rule="LABEL_BLANK"
            )
        names.append(re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", " ", text.decode("utf-8", "replace")))
    if not names:
        raise DataError("The file with the names of the classes is empty.", rule="LABELS_EMPTY")
    return names


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the number and text of each line that is not blank."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 2):
            number += 1
            text = (line.removeprefix(_BOM) if number == 1 else line).strip(b" \t\r\n\v\f")
            if text:
                yield number, text
