"""Reads lists: ``path label`` lines (``path 3,7`` for several classes, ``path 0.5 1.25`` for numbers), and names of classes. Any line ending, a byte order mark, tabs, and blanks in paths are fine."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from pathlib import Path

from digits.core.errors import DataError
from digits.data.reader import Answer, TargetKind

MAX_LINE_BYTES = 16_384
_PIECE_BYTES = MAX_LINE_BYTES + 2
_SHOWN_BYTES = 200
_BOM = b"\xef\xbb\xbf"
_ENTRY = re.compile(rb"(.+?)[ \t]+(\d{1,9})")
_CLASSES_ENTRY = re.compile(rb"(.+?)[ \t]+(-|\d{1,9}(?:[ \t]*,[ \t]*\d{1,9})*)")
_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_LARGEST = 3.4e38  # of float32, as which numbers are kept
_WHAT: dict[TargetKind, tuple[str, str]] = {
    "class": ("is no number of a class", "A line is a path, a blank and the number of a class, from 0."),
    "classes": (
        "are no numbers of classes",
        "A line is a path, a blank and the numbers of its classes with commas between, or - for none.",
    ),
    "vector": ("is no number", "A line is a path and, after blanks, its numbers."),
}


@dataclass(frozen=True)
class Entry:
    """A good line: ``path`` as it stands there."""

    line: int
    path: bytes
    answer: Answer


class BadLineError(DataError):
    """A line that names no picture; ``text`` is what it says."""

    def __init__(self, line: int, text: bytes, message: str, hint: str = "") -> None:
        super().__init__(message, where=f"line {line}", hint=hint, rule="LIST_LINE")
        self.line, self.text = line, text


def entries(path: Path, kind: TargetKind = "class") -> Iterator[Entry | BadLineError]:
    """Yield every line of a list that is not blank, in order; ``kind`` says what follows a path.

    Raises:
        OSError: the list cannot be read.
    """
    is_list = False
    for number, text in _lines(path):
        if b"\0" in text:
            yield BadLineError(number, text[:_SHOWN_BYTES], "This is no text.", "A list is a text file in UTF-8.")
            if not is_list:
                return  # of a program, or UTF-16, no line would be better
        elif len(text) > MAX_LINE_BYTES:
            yield BadLineError(number, text[:_SHOWN_BYTES], f"The line has more than {MAX_LINE_BYTES:,} bytes.")
        elif (found := _READ[kind](text)) is not None:
            is_list = True
            yield Entry(number, *found)
        else:
            yield BadLineError(number, text, *_why(text, kind))


def _one_class(text: bytes) -> tuple[bytes, int] | None:
    found = _ENTRY.fullmatch(text)
    return (found[1], int(found[2])) if found else None


def _classes(text: bytes) -> tuple[bytes, tuple[int, ...]] | None:
    found = _CLASSES_ENTRY.fullmatch(text)
    if not found:
        return None
    return found[1], () if found[2] == b"-" else tuple(sorted({int(each) for each in found[2].split(b",")}))


def _numbers(text: bytes) -> tuple[bytes, tuple[float, ...]] | None:
    """Take all numbers at the end: a path that ends in one would have no extension."""
    parts = re.split(rb"([ \t]+)", text)
    first = len(parts)
    while first > 2 and _NUMBER.fullmatch(parts[first - 1]):
        first -= 2
    values = tuple(float(part) for part in parts[first + 1 :: 2])
    if not values or not all(math.isfinite(value) and abs(value) <= _LARGEST for value in values):
        return None
    return b"".join(parts[:first]), values


_READ: dict[TargetKind, Callable[[bytes], tuple[bytes, Answer] | None]] = {
    "class": _one_class,
    "classes": _classes,
    "vector": _numbers,
}


def _why(text: bytes, kind: TargetKind) -> tuple[str, str]:
    words, hint = _WHAT[kind]
    if not re.search(rb"[ \t]", text):
        return f"There is no {'number' if kind == 'vector' else 'class'} after the path.", hint
    last = re.split(rb"[ \t]+", text)[-1].decode("utf-8", "replace")
    return f"{last[:40]!r} {words}.", hint


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
    """Yield the number and text of each line that is not blank; of one that is too long, its beginning."""
    with path.open("rb") as file:
        readline, end = _reader(file)
        number = 0
        while line := readline(_PIECE_BYTES):
            number += 1
            rest = line
            while len(rest) == _PIECE_BYTES and not rest.endswith(end):
                rest = readline(_PIECE_BYTES)
            text = (line.removeprefix(_BOM) if number == 1 else line).strip(b" \t\r\n\v\f")
            if text:
                yield number, text


def _reader(file: BufferedReader) -> tuple[Callable[[int], bytes], bytes]:
    """Return what reads a line, and what a line ends with: old Macs wrote CR alone."""
    head = file.peek(_PIECE_BYTES)
    if b"\r" not in head or b"\n" in head:
        return file.readline, b"\n"
    text = TextIOWrapper(file, encoding="latin-1", newline="\r")  # a byte a character, whatever it means
    return lambda size: text.readline(size).encode("latin-1"), b"\r"
