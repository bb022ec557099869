"""What a folder holds, told before a dataset is made of it: classes, counts, files that would be refused, sizes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from digits.core.errors import DataError
from digits.core.work import StopCheck, StoppedError
from digits.data.images import Limits
from digits.data.probe import picture_size
from digits.extensions.datasets.classification.scan import class_folders, walk

_SHOWN_REFUSED = 100
_MEASURED_PER_CLASS = 20


def inspect_folder(
    path: str,
    *,
    progress: Callable[[int], None] | None = None,
    stop: StopCheck = lambda: False,
    limits: Limits | None = None,
) -> dict[str, Any]:
    """Return what the folder at ``path`` holds.

    Args:
        path: a folder with one sub-folder a class; ``~`` is expanded.
        progress: told the number of files seen, about twice a second.
        stop: asked for each file.
        limits: what is too large.

    Returns:
        ``format``, ``classes`` (label, count, path of a sample), ``count``, ``refused`` (the first 100), ``refused_count``,
        ``sizes`` (min, max, median as [width, height] by area, of some pictures of each class; none without pictures), ``seconds``.

    Raises:
        DataError: the folder cannot be listed.
        StoppedError: asked to stop.
    """
    started = told = time.monotonic()
    root = os.fsencode(Path(path).expanduser())
    refused: list[dict[str, Any]] = []
    num_refused = 0

    def refuse(file: bytes, error: DataError) -> None:
        nonlocal num_refused
        num_refused += 1
        if len(refused) < _SHOWN_REFUSED:
            reason = f"{error.message} {error.hint}".strip()
            refused.append({"path": printable(file), "line": None, "rule": error.rule, "reason": reason})

    try:
        folders = class_folders(root, refuse)
    except OSError as error:
        raise DataError(f"The folder cannot be listed: {error.strerror or error}.", where=printable(root)) from error
    classes, sizes, count = [], [], 0
    for folder in folders:
        first, in_class = "", 0
        for found in walk(root, folder.path):
            if stop():
                raise StoppedError
            if progress and time.monotonic() - told >= 0.5:
                told = time.monotonic()
                progress(count + num_refused)
            if not isinstance(found, bytes):
                refuse(*found)
                continue
            if in_class < _MEASURED_PER_CLASS:
                try:
                    sizes.append(picture_size(found, limits=limits))
                except DataError as error:
                    refuse(found, error)
                    continue
            first = first or os.fsdecode(found)
            in_class += 1
            count += 1
        classes.append({"label": folder.label, "count": in_class, "sample": first})
    return {
        "format": "folder",
        "classes": classes,
        "count": count,
        "refused": refused,
        "refused_count": num_refused,
        "sizes": _sizes(sizes),
        "seconds": round(time.monotonic() - started, 3),
    }


def _sizes(sizes: list[tuple[int, int]]) -> dict[str, list[int]]:
    if not sizes:
        return {}
    ordered = sorted(sizes, key=lambda size: size[0] * size[1])
    chosen = {"min": ordered[0], "max": ordered[-1], "median": ordered[len(ordered) // 2]}
    return {name: [width, height] for name, (height, width) in chosen.items()}


def printable(path: bytes) -> str:
    """Return a path for people; bytes that are no UTF-8 become U+FFFD."""
    return path.decode("utf-8", "replace")
