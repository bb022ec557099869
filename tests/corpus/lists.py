"""Lists with every oddity that people's lists have; the pictures ``a.png`` and ``b b.png`` lie beside them, and a ``pipe`` that nobody writes to."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Line:
    """One line: refused by ``rule``, or taken as ``path`` of class ``label`` where that is empty."""

    text: bytes
    rule: str = ""
    path: bytes = b"a.png"
    label: int = 0


LINES = (
    Line(b"a.png 0"),
    Line(b"a.png\t1", label=1),
    Line(b"a.png \t  1", label=1),
    Line(b"  a.png 0  \t", path=b"a.png"),
    Line(b"b b.png 1", path=b"b b.png", label=1),
    Line(b"./a.png 3", label=3, path=b"./a.png"),
    Line(b"~/a.png 0", path=b"~/a.png"),
    Line(b"a.png 003", label=3),
    Line(b""),
    Line(b"   "),
    Line(b"a.png", "LIST_LINE"),
    Line(b"0", "LIST_LINE"),
    Line(b"a.png,0", "LIST_LINE"),
    Line(b"a.png, 0", "IMG_UNREADABLE"),
    Line(b"a.png -1", "LIST_LINE"),
    Line(b"a.png +1", "LIST_LINE"),
    Line(b"a.png 0.0", "LIST_LINE"),
    Line(b"a.png 1e0", "LIST_LINE"),
    Line(b"a.png cat", "LIST_LINE"),
    Line("a.png \u0661".encode(), "LIST_LINE"),
    Line(b"a.png 4", "LABEL_UNKNOWN"),
    Line(b"a.png 999999999", "LABEL_UNKNOWN"),
    Line(b"a.png 99999999999999999999", "LIST_LINE"),
    Line(b"a.png 0 # the first", "LIST_LINE"),
    Line(b"# a comment", "LIST_LINE"),
    Line(b"a.png b.png 0", "IMG_UNREADABLE"),
    Line(b'"a.png" 0', "IMG_UNREADABLE"),
    Line(b"missing.png 0", "IMG_UNREADABLE"),
    Line(b". 0", "IMG_UNREADABLE"),
    Line(b"/dev/null 0", "IMG_NOT_A_PICTURE"),
    Line(b"/dev/zero 0", "IMG_NOT_A_PICTURE"),
    Line(b"pipe 0", "IMG_NOT_A_PICTURE"),
    Line(b"\xff\xfe.png 0", "IMG_UNREADABLE"),
    Line(b"a\0.png 0", "LIST_LINE"),
    Line(b"x" * 5000 + b" 0", "IMG_UNREADABLE"),
    Line(b"y" * 10_000_000 + b" 0", "LIST_LINE"),
    Line(b"a.png 0"),
)
"""Of one list, with classes 0 to 3 of which 2 has no picture; blank lines (without a path to find) are passed over."""


@dataclass(frozen=True)
class ListFile:
    """A whole list: the pictures that it gives with their classes, the rules by line, and the one by which it fails."""

    title: str
    data: bytes
    taken: list[tuple[str, int]] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    rule: str = ""


BOTH = [("a.png", 0), ("b b.png", 1)]

LISTS = (
    ListFile("lines that end in LF", b"a.png 0\nb b.png 1\n", BOTH),
    ListFile("lines that end in CRLF", b"a.png 0\r\nb b.png 1\r\n", BOTH),
    ListFile("lines that end in CR", b"a.png 0\rb b.png 1\r", BOTH),
    ListFile("no end of the last line", b"a.png 0\nb b.png 1", BOTH),
    ListFile("a byte order mark", b"\xef\xbb\xbfa.png 0\nb b.png 1\n", BOTH),
    ListFile("blank lines", b"\n\r\n  \na.png 0\n\n\t\nb b.png 1\n\n\n", BOTH),
    ListFile("the same line twice", b"a.png 0\na.png 0\nb b.png 1\n", [BOTH[0], *BOTH]),
    ListFile("one picture in two classes", b"a.png 0\na.png 1\nb b.png 1\n", [("a.png", 0), ("a.png", 1), BOTH[1]]),
    ListFile("a header", b"path label\na.png 0\nb b.png 1\n", BOTH, {1: "LIST_LINE"}),
    ListFile("UTF-16, little end first", "a.png 0\nb b.png 1\n".encode("utf-16"), refused={1: "LIST_LINE"}, rule="LIST_EMPTY"),
    ListFile("UTF-16, big end first", b"\xfe\xff" + "a.png 0\n".encode("utf-16-be"), refused={1: "LIST_LINE"}, rule="LIST_EMPTY"),
    ListFile("nothing", b"", rule="LIST_EMPTY"),
    ListFile("blanks alone", b"\n \n\t\n", rule="LIST_EMPTY"),
    ListFile("no good line", b"a.png\nb b.png\n", refused={1: "LIST_LINE", 2: "LIST_LINE"}, rule="LIST_EMPTY"),
    ListFile("a program", b"\x7fELF" + bytes(range(256)) * 40, refused={1: "LIST_LINE"}, rule="LIST_EMPTY"),
    ListFile("unknown classes alone", b"a.png 5\n", refused={1: "LABEL_UNKNOWN"}, rule="LIST_EMPTY"),
    ListFile("missing pictures alone", b"c.png 0\nd.png 1\n", refused={1: "IMG_UNREADABLE", 2: "IMG_UNREADABLE"}, rule="DB_EMPTY"),
)  # fmt: skip

LABELS = (
    (b"cat\ndog\n", ["cat", "dog"]),
    (b"cat\r\ndog\r\n\r\n", ["cat", "dog"]),
    (b"cat\rdog\r", ["cat", "dog"]),
    (b"\xef\xbb\xbfcat\ndog", ["cat", "dog"]),
    ("\u732b\n\U0001f436 dog\n".encode(), ["\u732b", "\U0001f436 dog"]),
    (b"cat\xff\ndog\n", ["cat\ufffd", "dog"]),
    (b"cat\n\ndog\n", "LABEL_BLANK"),
    (b"", "LABELS_EMPTY"),
    (b" \n\n", "LABELS_EMPTY"),
)
"""Files with the names of the classes, and the names, or the rule by which one is refused."""
