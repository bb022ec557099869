"""What lies at a path, told before a dataset is made of it: which kind of source, classes, counts, files that would be refused, sizes."""

from __future__ import annotations

import io
import itertools
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from digits.core.errors import DataError
from digits.core.events import Event, Progress
from digits.core.work import StopCheck, WorkerSettings
from digits.data.images import Limits
from digits.data.inventory import Inventory, InventoryWriter
from digits.data.probe import size_in_header
from digits.data.refused import RefusedWriter, read_refused
from digits.data.rules import DBS
from digits.extensions.datasets.classification import sources
from digits.extensions.datasets.classification.paths import printable
from digits.extensions.datasets.classification.spec import SourceChoice

_SHOWN_REFUSED = 100
_MEASURED = 2000
_MEASURED_PER_CLASS = 20


def inspect_folder(
    path: str,
    *,
    progress: Callable[[int], None] | None = None,
    stop: StopCheck = lambda: False,
    limits: Limits | None = None,
) -> dict[str, Any]:
    """Return what lies at ``path``.

    Args:
        path: a folder with one sub-folder a class, an archive ...; ``~`` is expanded.
        progress: told the number of files seen, about twice a second.
        stop: asked for each file.
        limits: what is too large.

    Returns:
        ``format`` (the form's method) and ``source`` (its fields), ``classes`` (label, count, path of a sample where it is a file),
        ``count``, ``dbs`` (pictures that the source itself puts into a database), ``refused`` (the first 100), ``refused_count``, ``sizes``
        (min, max, median as [width, height] by area, of some pictures of each class; none without pictures), ``seconds``.

    Raises:
        DataError: it cannot be read, or is nothing that is known.
        StoppedError: asked to stop.
    """
    started = time.monotonic()

    def hear(event: Event, /) -> None:
        if progress and isinstance(event, Progress):
            progress(int(event.done))

    place = Path(path).expanduser()
    try:
        fields = sources.recognise(place)
    except OSError as error:
        raise DataError(f"It cannot be read: {error.strerror or error}.", where=printable(str(place))) from error
    source = TypeAdapter(SourceChoice).validate_python(fields)
    with tempfile.TemporaryDirectory(prefix="digits-look-") as folder:
        scratch = Path(folder)
        refused = RefusedWriter(scratch / "refused.csv")
        writer = InventoryWriter(scratch, scratch, refused, WorkerSettings(), emit=hear, stop=stop)
        try:
            inventory = sources.collect(source, writer)
            found = _Found(inventory, writer, limits)
        finally:
            refused.close()
        return {
            "format": source.method,
            "source": fields,
            **found.told(),
            "refused": [
                {"path": printable(row.path), "line": row.line, "rule": row.rule, "reason": row.reason}
                for row in itertools.islice(read_refused(scratch / "refused.csv"), _SHOWN_REFUSED)
            ],
            "refused_count": refused.count,
            "seconds": round(time.monotonic() - started, 3),
        }


class _Found:
    """An inventory counted, and some pictures of each class measured by their headers."""

    def __init__(self, inventory: Inventory, writer: InventoryWriter, limits: Limits | None) -> None:
        self._inventory = inventory
        self._counts = np.bincount(inventory.classes, minlength=len(inventory.labels))
        self._samples = [""] * len(inventory.labels)
        self._sizes: list[tuple[int, int]] = []
        measured = [0] * len(inventory.labels)
        most = max(1, min(_MEASURED_PER_CLASS, _MEASURED // max(1, len(measured))))
        for item, class_id in enumerate(inventory.classes.tolist()):
            if measured[class_id] < most:
                measured[class_id] += 1
                self._measure(item, class_id, writer, limits)

    def _measure(self, item: int, class_id: int, writer: InventoryWriter, limits: Limits | None) -> None:
        name = self._inventory.names[item]
        try:
            self._sizes.append(size_in_header(io.BytesIO(self._inventory.read(item)), limits=limits))
        except DataError as error:
            self._counts[class_id] -= 1
            writer.refuse("", name, error)
            return
        if not self._samples[class_id] and os.path.isabs(name):
            self._samples[class_id] = os.fsdecode(name)

    def told(self) -> dict[str, Any]:
        """Return classes, counts and sizes."""
        rows = zip(self._inventory.labels, self._counts.tolist(), self._samples, strict=True)
        decided = np.bincount(self._inventory.dbs[self._inventory.dbs >= 0], minlength=len(DBS))
        return {
            "classes": [{"label": label, "count": count, "sample": sample} for label, count, sample in rows],
            "count": int(self._counts.sum()),
            "dbs": {db: count for db, count in zip(DBS, decided.tolist(), strict=True) if count},
            "sizes": _sizes(self._sizes),
        }


def _sizes(sizes: list[tuple[int, int]]) -> dict[str, list[int]]:
    if not sizes:
        return {}
    ordered = sorted(sizes, key=lambda size: size[0] * size[1])
    chosen = {"min": ordered[0], "max": ordered[-1], "median": ordered[len(ordered) // 2]}
    return {name: [width, height] for name, (height, width) in chosen.items()}
