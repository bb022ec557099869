"""YOLO: a text for each picture, a line a thing: ``class x y width height``, the box's centre and size as shares of the picture's.

What the classes are called stands in a list (``classes.txt``, ``obj.names``) or under ``names`` of a ``data.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from digits.core.errors import DataError
from digits.extensions.datasets.detection.boxes import Box
from digits.extensions.datasets.detection.formats import LineError, number

NAMES_FILES = ("data.yaml", "dataset.yaml", "classes.txt", "obj.names", "classes.names", "names.txt", "labels.txt")
NOT_ANNOTATIONS = frozenset({"classes.txt", "names.txt", "labels.txt", "train.txt", "val.txt", "test.txt"})
_ENTRY = re.compile(r"""^\s*(?:-\s*|['"]?(\d+)['"]?\s*:\s*)(.+?)\s*$""")
_INLINE = re.compile(r"""\s*(?:['"]?(\d+)['"]?\s*:\s*)?("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,]+?)\s*(?:,|$)""")
_SLACK = 0.01
"""So far over an edge a box may reach: tools round."""


def parse(text: str, names: Sequence[str], size: tuple[int, int]) -> list[Box]:
    """Return the boxes of one picture of ``size`` (height, width), in its pixels.

    Raises:
        LineError: a line is none, its class has no name, or its numbers are no shares.
    """
    height, width = size
    boxes = []
    for at, line in enumerate(text.splitlines(), 1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) not in (5, 6):
            what = "corners, of an outline" if len(parts) > 6 and len(parts) % 2 else "columns"
            raise LineError(
                f"{len(parts)} {what}; a line of YOLO has 5.", line=at, hint="They are class, x, y, width, height."
            )
        x, y, across, down = (
            number(each, name, at) for each, name in zip(parts[1:5], ("x", "y", "width", "height"), strict=True)
        )
        if min(x, y, across, down) < -_SLACK or max(x, y, across, down) > 1 + _SLACK:
            raise LineError(
                f"{' '.join(parts[1:5])} are no shares of the picture.", line=at,
                hint="YOLO's x, y, width and height lie between 0 and 1; pixels are another format's.",
            )  # fmt: skip
        boxes.append(
            Box(
                _name(parts[0], names, at), *_edges(x, across, width, y, down, height), line=at,
            )
        )  # fmt: skip
    return boxes


def _edges(
    x: float, across: float, width: int, y: float, down: float, height: int
) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom in pixels.

    Six decimals of a share are a hundredth of a pixel of a picture 10,000 wide: what is so near to a hundredth is that hundredth.
    """
    left, right = ((x + half * across) * width for half in (-0.5, 0.5))
    top, bottom = ((y + half * down) * height for half in (-0.5, 0.5))
    return round(left, 2), round(top, 2), round(right, 2), round(bottom, 2)


def _name(text: str, names: Sequence[str], line: int) -> str:
    if not (text.isascii() and text.isdigit() and int(text) < len(names)):
        raise LineError(
            f"There is no class {text[:40]!r}; {len(names)} are named, from 0.",
            line=line,
            hint="Is it the right list of names?",
        )
    return names[int(text)]


def parse_names(text: str, file: str) -> list[str]:
    """Return the names of the classes by number, of a list with one a line or of YAML with ``names``.

    Raises:
        DataError: it names none, or leaves a number out.
    """
    if file.lower().endswith((".yaml", ".yml")):
        found = _yaml_names(text, file)
    else:
        lines = [line.strip() for line in text.splitlines()]
        found = dict(enumerate(line for line in lines if line))
    if not found or sorted(found) != list(range(len(found))):
        what = "No class is named." if not found else f"The numbers of the classes are not 0 to {len(found) - 1}."
        raise DataError(
            what, where=file, hint="Write a name a line, or a data.yaml with names: [one, two].", rule="BOX_NAMES"
        )
    return [found[index] for index in range(len(found))]


def _yaml_names(text: str, file: str) -> dict[int, str]:
    """Return ``names`` of a data.yaml: a list or numbered names, in one line or below; the rest of the file does not matter."""
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if re.match(r"names\s*:", line)), None)
    if start is None:
        raise DataError("It has no 'names'.", where=file, hint="A data.yaml has names: [one, two].", rule="BOX_NAMES")
    rest = _bare(lines[start].partition(":")[2])
    if rest:
        while rest[0] in "[{" and not rest.endswith(("]", "}")) and start + 1 < len(lines):
            start += 1
            rest += " " + _bare(lines[start])
        entries = [(each[1], each[2]) for each in _INLINE.finditer(rest.strip("[]{} "))]
    else:
        entries = []
        for line in map(_bare, lines[start + 1 :]):
            if not line:
                continue
            if not (match := _ENTRY.match(line)):
                break
            entries.append((match[1], match[2]))
    return {at if number is None else int(number): _unquoted(name) for at, (number, name) in enumerate(entries)}


def _bare(line: str) -> str:
    """Return a line of YAML without its comment."""
    return re.sub(r"(^|\s)#.*$", "", line).strip()


def _unquoted(name: str) -> str:
    name = name.strip()
    return name[1:-1] if len(name) > 1 and name[0] == name[-1] and name[0] in "'\"" else name
