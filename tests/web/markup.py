"""Reads a page as a browser does: elements with their attributes and text, so that tests ask about what is there, not about strings."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})


@dataclass
class Element:
    """One element of a page."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, blanks tidied."""
        return " ".join(" ".join(self.words).split())

    def find(self, tag: str = "", **attributes: str) -> list[Element]:
        """Return the elements below of this tag and these attributes ("class_" for class: one of its words)."""
        css = attributes.pop("class_", "")
        return [
            each
            for each in self.walk()
            if (not tag or each.tag == tag)
            and (not css or css in each.attributes.get("class", "").split())
            and all(each.attributes.get(name.replace("_", "-")) == value for name, value in attributes.items())
        ]

    def one(self, tag: str = "", **attributes: str) -> Element:
        """Return the only such element."""
        found = self.find(tag, **attributes)
        assert len(found) == 1, f"{len(found)} elements {tag} {attributes}"
        return found[0]

    def walk(self) -> list[Element]:
        """Return every element below."""
        found = []
        for child in self.children:
            found += [child, *child.walk()]
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = self.at = Element("", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.at.children.append(Element(tag, {name: value or "" for name, value in attrs}, self.at))

    def handle_endtag(self, tag: str) -> None:
        element: Element | None = self.at
        while element is not None and element.tag != tag:
            element = element.parent
        if element is not None and element.parent is not None:
            self.at = element.parent

    def handle_data(self, data: str) -> None:
        element: Element | None = self.at
        while element is not None:
            element.words.append(data)
            element = element.parent


def read(text: str) -> Element:
    """Return the page as a tree."""
    reader = _Reader()
    reader.feed(text)
    return reader.root
