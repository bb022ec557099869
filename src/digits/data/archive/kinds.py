"""What kind of archive a file is, by its first bytes. Standard library alone: the web process asks, too."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Kind = Literal["zip", "tar", "gz", "bz2", "xz"]
_TAR_MAGIC = slice(257, 262)
HEAD_BYTES = 512


def kind_of(path: Path) -> Kind | None:
    """Return the kind of an archive; None where the file is none. "gz", "bz2" and "xz" are of a packed tar, or of nothing known yet.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return kind_of_head(file.read(HEAD_BYTES))


def kind_of_head(head: bytes) -> Kind | None:
    """Return the same of a file that begins with ``head``, its first ``HEAD_BYTES``."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head.startswith(b"\x1f\x8b"):
        return "gz"
    if head.startswith(b"BZh"):
        return "bz2"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    return "tar" if is_tar(head) else None


def is_tar(head: bytes) -> bool:
    """Whether the first 512 bytes are the header of a tar member."""
    if head[_TAR_MAGIC] == b"ustar":
        return True
    try:  # the oldest tars have no magic, but a checksum
        return len(head) == HEAD_BYTES and int(head[148:156].strip(b" \0"), 8) == sum(head[:148] + head[156:]) + 8 * 32
    except ValueError:
        return False
