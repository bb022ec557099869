"""What the store reads straight out of a job folder: small pictures of curves, and the worker's events."""

from __future__ import annotations

from typing import Any

import numpy as np

from digits.core.events import read_events
from digits.core.jobfolder import JobFolder
from digits.core.measures import of_class
from digits.core.metrics import series_names
from digits.store import metrics

SPARK_POINTS = 50  # a sparkline is about 100 px wide


def sparkline(folder: JobFolder) -> list[float]:
    """Return at most ``SPARK_POINTS`` values, of four significant digits, of ``loss/train``, or of the first training curve that is a loss."""
    names = [name for name in series_names(folder.metrics) if name.endswith("/train")]
    names.sort(key=lambda name: (name != "loss/train", "loss" not in name, name))
    if not names:
        return []
    values = metrics.points(folder, names[0])["value"]
    values = values[np.isfinite(values)]
    if len(values) > SPARK_POINTS:
        values = values[np.linspace(0, len(values) - 1, SPARK_POINTS).astype(np.int64)]
    return [float(f"{value:.4g}") for value in values]


def summaries(folder: JobFolder) -> dict[str, list[float]]:
    """Return [last, least, greatest] finite value of each curve that has one; a class's own are none of a list's columns."""
    found = {}
    for name in filter(lambda each: of_class(each) is None, series_names(folder.metrics)):
        values = metrics.points(folder, name)["value"]
        values = values[np.isfinite(values)]
        if len(values):
            found[name] = [float(values[-1]), float(values.min()), float(values.max())]
    return found


def of(folder: JobFolder) -> dict[str, Any]:
    """Return what is kept of the curves of a job that is over, so that lists need not open its files."""
    return {"spark": sparkline(folder), "series": summaries(folder)}


def events(folder: JobFolder, after: int, limit: int) -> tuple[int, list[dict[str, Any]]]:
    """Return at most ``limit`` events after byte ``after`` of the events file, and the place after the last of them."""
    found: list[dict[str, Any]] = []
    for place, event in read_events(folder.events_file, after):
        found.append(event.model_dump(mode="json"))
        after = place
        if len(found) >= limit:
            break
    return after, found
