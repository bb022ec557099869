"""Names of files that anybody's folder may hold; the picture in each is an ordinary one."""

from __future__ import annotations

import os

NAMES = (
    b"plain.png", b"no extension", b"png.jpg", b"UPPER.JPEG", b"two.dots.png", b".hidden.png", b"dot.", b" leading.png",
    b"trailing.png ", b"two  blanks.png", b"a\ttab.png", b"line\nbreak.png", b"car\rriage.png", b"bell\x07.png",
    b"\x1b[31mred.png", b"delete\x7f.png", b"100%25.png", b"%00.png", b"quo'te\".png", b"back\\slash.png", b"a,b;c|d.png",
    b"#fragment?query.png", b"<script>.png", b"{{7*7}}.png", b"$(id).png", b"`id`.png", b"-rf", b"; rm -rf $HOME", b"~", b"*.png",
    b"=1+1.png", b"con.png", b"caf\xc3\xa9.png", b"cafe\xcc\x81.png", "\U0001f600.png".encode(), "\u05d0\u05d1.png".encode(),
    "\u202egnp.exe".encode(), "\u4e2d\u6587.png".encode(), "a\u2028b.png".encode(), "zero\u200bwidth.png".encode(),
    b"\xef\xbb\xbfbom.png", b"bad\xff\xfe.png", b"latin\xe9.png", b"half\xed\xa0\x80.png", b"n" * 255, b"picture 7", b"7",
    b"http: not an address.png",
)  # fmt: skip
"""As bytes; every one is legal on Linux."""


def in_a_list(name: bytes) -> bool:
    """Whether a line of a list can name it: it is one line, and does not begin or end with a blank or a mark."""
    return not set(b"\n\r") & set(name) and name == name.strip() and not name.startswith(b"~")


def in_a_zip(name: bytes) -> bool:
    """Whether a zip, whose names are text and whose folders may be parted by backslashes, holds it as it is."""
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return b"\\" not in name and name not in (b"..", b".")


def text(name: bytes) -> str:
    """The name as Python has it."""
    return os.fsdecode(name)
