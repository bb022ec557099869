"""What a source holds, told before a dataset is made of it: which kind it is, classes, counts, files that would be refused, samples."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from digits.core.errors import DataError
from digits.core.events import Event, Progress
from digits.core.work import StopCheck, WorkerSettings
from digits.data.images import Limits
from digits.data.inventory import InventoryWriter
from digits.data.refused import RefusedWriter, read_refused
from digits.data.remote import is_remote
from digits.extensions.datasets.classification import sources
from digits.extensions.datasets.classification.check import recognise
from digits.extensions.datasets.classification.found import Found, Sample
from digits.extensions.datasets.classification.spec import SourceChoice
from digits.extensions.datasets.paths import outside, printable

_SHOWN_REFUSED = 100
_SOURCE: TypeAdapter[Any] = TypeAdapter(SourceChoice)


def inspect_source(
    *,
    path: str = "",
    source: Mapping[str, Any] | None = None,
    settings: WorkerSettings | None = None,
    progress: Callable[[int], None] | None = None,
    stop: StopCheck = lambda: False,
) -> tuple[dict[str, Any], list[Sample]]:
    """Return what a source holds, and some of its pictures.

    Args:
        path: what lies there is recognised: a folder with one sub-folder a class, an archive ...; ``~`` is expanded.
        source: the source's own fields, nested. With ``path`` as well, what is recognised there wins where the two differ.
        settings: what is too large, and which folders may be read.
        progress: told the number of pictures seen, about twice a second.
        stop: asked for each file.

    Returns:
        ``format`` (the form's method), ``source`` (its fields), ``words`` (the same for people), ``differs`` (from what was given),
        ``classes`` (label, count, path of a sample where it is a file, ``thumb``), ``count``, ``dbs`` (pictures that the
        source itself puts into a database), ``class_dbs`` (the same by class, as a row for each of ``DBS``), ``refused`` (the first 100),
        ``refused_count``, ``sizes`` (min, max, median as [width, height] by area, of some pictures of each class; none without
        pictures), ``samples`` (class id, name and ``image`` of each sample), ``seconds``; and what a build takes besides: ``fetch`` (``count``,
        ``bytes`` and ``seconds`` of what it fetches) and ``unpacked_bytes`` (of disk, while it runs).

    Raises:
        DataError: it cannot be read, or is nothing that is known.
        StoppedError: asked to stop.
    """
    started = time.monotonic()
    settings = settings or WorkerSettings()
    fields, differs = _fields(path, source, settings)
    chosen = _SOURCE.validate_python(fields)
    told = {"format": chosen.method, "source": fields, "differs": differs}

    def hear(event: Event, /) -> None:
        if progress and isinstance(event, Progress):
            progress(int(event.done))

    with tempfile.TemporaryDirectory(prefix="digits-look-") as folder:
        scratch = Path(folder)
        refused = RefusedWriter(scratch / "refused.csv")
        writer = InventoryWriter(scratch, scratch, refused, settings, emit=hear, stop=stop, is_look=True)
        try:
            inventory = sources.collect(chosen, writer)
            found = Found(inventory, writer, Limits(max_pixels=settings.max_image_pixels))
            samples = found.samples()
        finally:
            refused.close()
        counted = found.told(samples)
        return told | {"words": sources.words(chosen, counted["dbs"])} | counted | {
            "refused": [
                {"path": printable(row.path), "line": row.line, "rule": row.rule, "reason": row.reason}
                for row in itertools.islice(read_refused(scratch / "refused.csv"), _SHOWN_REFUSED)
            ],
            "refused_count": refused.count,
            "fetch": writer.fetches.told(),
            "unpacked_bytes": sum(each.stat().st_size for each in scratch.rglob("*.tar")),
            "seconds": round(time.monotonic() - started, 3),
        }, samples  # fmt: skip


def _fields(path: str, source: Mapping[str, Any] | None, settings: WorkerSettings) -> tuple[dict[str, Any], bool]:
    """Return the fields of the source to look at, and whether they are others than those that were given."""
    if source is not None and not path:
        return dict(source), False
    if is_remote(path):
        return dict(source) if source is not None else {"method": "folder", "train": path}, False
    place = Path(path).expanduser()
    if forbidden := outside(os.fsencode(place), settings.data_roots):
        raise forbidden
    try:
        recognised = recognise(place)["source"]
    except DataError:
        if source is None:
            raise
        return dict(source), False  # to be read as what it is said to be, and that says why it cannot
    if source is None:
        return recognised, False
    if all(_same(source.get(name), value) for name, value in recognised.items()):
        return dict(source), False
    return recognised, True


def _same(given: Any, found: Any) -> bool:
    if isinstance(given, str) and isinstance(found, str):
        return given == found or Path(given).expanduser() == Path(found)
    return bool(given == found)
