"""Pascal VOC: an XML file for each picture, an ``object`` a thing. No library is asked: expat tells the lines, and no document may define entities."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from digits.extensions.datasets.detection.boxes import Box, Scene
from digits.extensions.datasets.detection.formats import LineError, number, ordered

_EDGES = ("xmin", "ymin", "xmax", "ymax")
_DEEPEST = 32


@dataclass
class _Thing:
    line: int
    texts: dict[str, str] = field(default_factory=dict)


class _Reader:
    """Collects the texts of each ``object``'s own fields; parts of things (``part``) have boxes of their own, which do not count."""

    def __init__(self) -> None:
        self.things: list[_Thing] = []
        self.root = ""
        self._path: list[str] = []
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype

    def read(self, text: str) -> None:
        try:
            self._parser.Parse(text.encode(), True)
        except expat.ExpatError as error:
            raise LineError(
                f"This is no XML: {expat.ErrorString(error.code)}.", line=error.lineno, hint="Is the file whole?"
            ) from error

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if len(self._path) >= _DEEPEST:
            raise LineError("Its elements lie too deep.", line=self._parser.CurrentLineNumber)
        self.root = self.root or name
        self._path.append(name)
        if self._path[1:] == ["object"]:
            self.things.append(_Thing(self._parser.CurrentLineNumber))

    def _end(self, _name: str) -> None:
        self._path.pop()

    def _text(self, text: str) -> None:
        if self._path[1:2] == ["object"] and len(self._path) > 2 and text.strip():
            texts, name = self.things[-1].texts, "/".join(self._path[2:])
            texts[name] = texts.get(name, "") + text.strip()

    def _doctype(self, *_: object) -> None:
        raise LineError(
            "The XML has a DOCTYPE, which annotations need not.", line=self._parser.CurrentLineNumber, hint="Remove it."
        )


def parse(text: str) -> list[Box]:
    """Return the boxes of one picture; those that are marked difficult are to be ignored.

    Raises:
        LineError: it is no such XML, or a thing has no name or no box.
    """
    reader = _Reader()
    reader.read(text)
    if reader.root != "annotation":
        raise LineError(f"The XML is a {reader.root[:40]!r}, no annotation of Pascal VOC.", line=1)
    return [_box(thing) for thing in reader.things]


def _box(thing: _Thing) -> Box:
    texts, line = thing.texts, thing.line
    name = texts.get("name", "")
    if not name:
        raise LineError("The object has no name.", line=line)
    missing = [edge for edge in _EDGES if f"bndbox/{edge}" not in texts]
    if missing:
        raise LineError(f"The object {name!r} has no {missing[0]} in its bndbox.", line=line)
    left, top, right, bottom = (number(texts[f"bndbox/{edge}"], edge, line) for edge in _EDGES)
    scene = Scene(truncated=_flag(texts.get("truncated", "")), occluded=_flag(texts.get("occluded", "")))
    difficult = bool(_flag(texts.get("difficult", "")))
    return ordered(Box(name, left, top, right, bottom, difficult, line, scene))


def _flag(text: str) -> float:
    """Return 1 for what marks a thing; some tools write words such as "Unspecified", which mark nothing."""
    return float(text.strip().lower() in ("1", "1.0", "true", "yes"))
