"""Single members of an archive written to files of our own naming, in pieces, never more than was announced."""

from __future__ import annotations

import shutil
from pathlib import Path

from digits.core.errors import DataError, SetupError
from digits.data.archive.members import MIN_FREE_BYTES, Archive, Member


def extract(archive: Archive, member: Member, place: Path, *, max_bytes: int) -> None:
    """Write a member to ``place``.

    Raises:
        DataError: it is a link, encrypted, damaged or larger than ``max_bytes``.
        SetupError: the disk has no room.
    """
    if member.problem is not None and member.problem.rule != "IMG_TOO_LARGE":  # that limit is of pictures
        raise member.problem
    if member.size > max_bytes:
        raise DataError(f"The file has {member.size:,} bytes, more than {max_bytes:,}.", rule="ARCHIVE_BOMB")
    if shutil.disk_usage(place.parent).free < member.size + MIN_FREE_BYTES:
        raise SetupError("The disk has too little room to unpack the archive.", hint="Make room on the server.")
    with place.open("xb") as out:
        for piece in archive.pieces(member.place, member.size):
            out.write(piece)
