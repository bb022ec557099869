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
from digits.extensions.datasets.classification.paths import printable
from digits.extensions.datasets.classification.scan import ClassFolder, class_folders, walk

_SHOWN_REFUSED = 100
_MEASURED_PER_CLASS = 20
_REPORT_S = 0.5


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
    started = time.monotonic()
    look = _Look(os.fsencode(Path(path).expanduser()), limits, progress, stop)
    try:
        folders = class_folders(look.root, look.refuse)
    except OSError as error:
        raise DataError(
            f"The folder cannot be listed: {error.strerror or error}.", where=printable(look.root)
        ) from error
    classes = [look.into(folder) for folder in folders]
    return {
        "format": "folder",
        "classes": classes,
        "count": sum(each["count"] for each in classes),
        "refused": look.refused,
        "refused_count": look.num_refused,
        "sizes": _sizes(look.sizes),
        "seconds": round(time.monotonic() - started, 3),
    }


class _Look:
    """One look into a folder, class by class."""

    def __init__(
        self, root: bytes, limits: Limits | None, progress: Callable[[int], None] | None, stop: StopCheck
    ) -> None:
        self.root, self._limits, self._progress, self._stop = root, limits, progress, stop
        self.refused: list[dict[str, Any]] = []
        self.num_refused = self._seen = 0
        self.sizes: list[tuple[int, int]] = []
        self._told = time.monotonic()

    def refuse(self, file: bytes, error: DataError) -> None:
        self.num_refused += 1
        if len(self.refused) < _SHOWN_REFUSED:
            reason = f"{error.message} {error.hint}".strip()
            self.refused.append({"path": printable(file), "line": None, "rule": error.rule, "reason": reason})

    def into(self, folder: ClassFolder) -> dict[str, Any]:
        """Return label, count and sample of one class; the headers of its first pictures are read for their size."""
        sample, count = "", 0
        for found in walk(self.root, folder.path):
            self._tick()
            if not isinstance(found, bytes):
                self.refuse(*found)
                continue
            if count < _MEASURED_PER_CLASS:
                try:
                    self.sizes.append(picture_size(found, limits=self._limits))
                except DataError as error:
                    self.refuse(found, error)
                    continue
            sample = sample or os.fsdecode(found)
            count += 1
        return {"label": folder.label, "count": count, "sample": sample}

    def _tick(self) -> None:
        if self._stop():
            raise StoppedError
        self._seen += 1
        if self._progress and time.monotonic() - self._told >= _REPORT_S:
            self._told = time.monotonic()
            self._progress(self._seen)


def _sizes(sizes: list[tuple[int, int]]) -> dict[str, list[int]]:
    if not sizes:
        return {}
    ordered = sorted(sizes, key=lambda size: size[0] * size[1])
    chosen = {"min": ordered[0], "max": ordered[-1], "median": ordered[len(ordered) // 2]}
    return {name: [width, height] for name, (height, width) in chosen.items()}
