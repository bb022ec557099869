"""Curves of a job, read as memory maps and reduced to what a screen can show.

Legend: a series has N points; a bucket is a run of neighbouring points, told by its last step and epoch and by the least,
greatest and last of its values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.jobfolder import JobFolder
from digits.core.metrics import RECORD, series_file, series_names

POINT = np.dtype([("step", "<i8"), ("epoch", "<f8"), ("time", "<f8"), ("value", "<f8")])
assert POINT.itemsize == RECORD.size
MAX_BUCKETS = 2000


def points(folder: JobFolder, name: str) -> NDArray[np.void]:
    """Return all points of a series as records of ``POINT``, mapped and read-only; empty where there is none."""
    path = series_file(folder.metrics, name)
    try:
        count = path.stat().st_size // POINT.itemsize
    except OSError:
        count = 0
    if count == 0:
        return np.empty(0, POINT)
    return np.memmap(path, POINT, mode="r", shape=(count,))


def read(
    folder: JobFolder,
    series: Iterable[str] | None = None,
    from_: float | None = None,
    to: float | None = None,
    points_: int = MAX_BUCKETS,
    after: int | None = None,
) -> dict[str, dict[str, list[Any]]]:
    """Return ``{name: {"epoch": [], "step": [], "time": [], "min": [], "max": [], "last": []}}``, JSON's None for what is not finite.

    Args:
        folder: the job's.
        series: names of series; all by default. Unknown ones are left out.
        from_: only from this epoch on.
        to: only up to this epoch.
        points_: at most this many buckets a series.
        after: only points whose step is greater.
    """
    known = series_names(folder.metrics)
    chosen = known if series is None else [name for name in series if name in known]
    return {name: _reduce(_cut(points(folder, name), from_, to, after), points_) for name in chosen}


def version(folder: JobFolder) -> str:
    """Return a short text that changes when any curve does, for an ETag."""
    parts = []
    for name in series_names(folder.metrics):
        try:
            stat = series_file(folder.metrics, name).stat()
        except OSError:
            continue
        parts.append(f"{stat.st_size // POINT.itemsize:x}.{stat.st_mtime_ns:x}")
    return "-".join(parts)


def csv_lines(folder: JobFolder, series: Iterable[str] | None = None) -> Iterator[str]:
    """Yield every point as a line of CSV, its head first; values as Python writes them, so that none is lost."""
    yield "series,step,epoch,time,value\n"
    known = series_names(folder.metrics)
    for name in known if series is None else [name for name in series if name in known]:
        quoted = '"' + name.replace('"', '""') + '"' if any(letter in name for letter in ',"\n\r') else name
        for step, epoch, time, value in points(folder, name).tolist():
            yield f"{quoted},{step},{epoch!r},{time!r},{value!r}\n"


def _cut(found: NDArray[np.void], from_: float | None, to: float | None, after: int | None) -> NDArray[np.void]:
    start, end = 0, len(found)
    if after is not None:
        start = max(start, int(np.searchsorted(found["step"], after, side="right")))
    if from_ is not None:
        start = max(start, int(np.searchsorted(found["epoch"], from_, side="left")))
    if to is not None:
        end = int(np.searchsorted(found["epoch"], to, side="right"))
    return found[start : max(start, end)]


def _reduce(found: NDArray[np.void], num_buckets: int) -> dict[str, list[Any]]:
    count = len(found)
    if count == 0:
        return {"epoch": [], "step": [], "time": [], "min": [], "max": [], "last": []}
    num_buckets = max(1, min(num_buckets, MAX_BUCKETS, count))
    starts = np.arange(num_buckets, dtype=np.int64) * count // num_buckets
    lasts = np.append(starts[1:], count) - 1
    values = np.ascontiguousarray(found["value"])
    return {
        "epoch": found["epoch"][lasts].tolist(),
        "step": found["step"][lasts].tolist(),
        "time": found["time"][lasts].tolist(),
        "min": _json(np.fmin.reduceat(values, starts)),  # fmin: a NaN hides no neighbour
        "max": _json(np.fmax.reduceat(values, starts)),
        "last": _json(values[lasts]),
    }


def _json(values: NDArray[np.float64]) -> list[float | None]:
    return [value if finite else None for value, finite in zip(values.tolist(), np.isfinite(values), strict=True)]
