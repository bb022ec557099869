"""A picture's size by its header, without decoding it."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from digits.core.errors import DataError
from digits.data.decode import TURNS, Limits, check_size, decode, open_image, orientation
from digits.data.sniff import HEAD_BYTES, is_picture, sniff


def picture_size(path: str | Path | bytes, *, limits: Limits | None = None) -> tuple[int, int]:
    """Return (height, width) of the picture at ``path`` as it is meant to be seen.

    Raises:
        DataError: the header cannot be read, or tells a size beyond the limits.
    """
    try:
        with open(path, "rb") as file:
            return size_in_header(file, limits=limits)
    except OSError as error:
        raise DataError(f"It cannot be read: {error.strerror or error}.", rule="IMG_UNREADABLE") from error


def size_in_header(file: IO[bytes], *, limits: Limits | None = None) -> tuple[int, int]:
    """Return (height, width) of the picture in ``file`` as it is meant to be seen.

    Raises:
        DataError: the header cannot be read, or tells a size beyond the limits.
    """
    head = file.read(HEAD_BYTES)
    file.seek(0)
    try:
        if is_picture(head) and sniff(head) == "DICOM":  # its header is read only where its pixels are
            return decode(file.read(), limits=limits).size
        with open_image(file) as image:
            width, height = image.size
            check_size(height, width, limits or Limits())
            return (width, height) if orientation(image) in TURNS else (height, width)
    except DataError:
        raise
    except Exception as error:  # a decoder may raise anything on a file made to break it
        raise DataError("The header of the picture is damaged.", rule="IMG_BROKEN") from error
