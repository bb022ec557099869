"""The list of pictures that people upload to be classified: lines of ``path [label]``, spaces in paths allowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from digits.core.errors import DigitsError

MAX_LINE_BYTES = 8192
UNLABELLED = -1
MAX_LABEL_DIGITS = 9


def read_list(file: IO[bytes], folder: str = "", most: int | None = None) -> Iterator[tuple[str, int]]:
    """Yield (path, class id or -1) of each line that is not blank, at most ``most``; relative paths begin at ``folder``.

    Raises:
        DigitsError: a line is longer than a path can be.
    """
    count = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES:
            raise DigitsError(f"Line {count + 1} of image_list is longer than {MAX_LINE_BYTES:,} bytes.")
        text = line.decode("utf-8-sig" if count == 0 else "utf-8", "surrogateescape").strip()
        if not text or "\0" in text:
            continue
        if most is not None and count >= most:
            return
        count += 1
        path, label = split_line(text)
        yield (str(Path(folder) / path) if folder else path), label


def split_line(text: str) -> tuple[str, int]:
    """Return the path and the class id at the end of a line, -1 where there is none."""
    parts = text.rsplit(maxsplit=1)
    last = parts[-1]
    if len(parts) == 2 and last.isascii() and last.isdigit() and len(last) <= MAX_LABEL_DIGITS:
        return parts[0], int(last)
    return text, UNLABELLED
