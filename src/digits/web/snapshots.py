"""Which snapshot a request means."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from starlette.requests import Request

from digits.core.errors import DigitsError
from digits.core.measures import best_of
from digits.store import Job, SnapshotRow, Store
from digits.web.jobjson import best_measure
from digits.web.reading import argument
from digits.web.site import store

FILE_NAME = re.compile(r"snapshot_iter_(\d{1,18})\.(?:caffemodel|safetensors)")
"""The name that DIGITS' users know a snapshot by; ``jobjson.snapshot_name`` writes it."""
TOLERANCE = 0.0005  # epochs are told with three decimals

BEST = "best"
"""Stands for the epoch of the snapshot that the training's ``best_metric`` chooses."""


def asked_epoch(request: Request, job: Job) -> tuple[str, float | None]:
    """Return the epoch of ``job`` as DIGITS writes it into a file name ("-1" for the newest), and as a number (None for the newest).

    Raises:
        DigitsError: it is no number, or nothing tells which snapshot is the best.
    """
    text = (argument(request, "epoch") or argument(request, "snapshot_epoch")).strip()
    if not text:
        return "-1", None
    if text == BEST:
        epoch = best_epoch(store(request), job)
        return str(epoch), epoch
    try:
        epoch = float(text)
    except ValueError:
        epoch = math.nan
    if not math.isfinite(epoch) or abs(epoch) > 1e9:
        raise DigitsError("Invalid epoch", hint=f"{text[:40]!r} is neither a number nor {BEST!r}.")
    return str(epoch), None if epoch < 0 else epoch


def best_epoch(kept: Store, job: Job) -> float:
    """Return the epoch of a model's best snapshot.

    Raises:
        DigitsError: it has none, or no validation tells.
    """
    rows = kept.snapshots(job.id)
    place = best_of([row.metrics for row in rows], best_measure(job)) if len(rows) != 1 else 0
    if place is None:
        why = "No validation tells which snapshot is the best." if rows else "The model has no snapshot yet."
        raise DigitsError(why, hint="Name an epoch, or leave it out for the newest.")
    return rows[place].epoch


def without_best(kept: Store, fields: Mapping[str, Sequence[str]], name: str, job_id: str) -> dict[str, Sequence[str]]:
    """Return the fields of a form with the epoch of the model's best snapshot where the field ``name`` asks for it.

    Raises:
        DigitsError: there is no such model, or nothing tells.
    """
    if list(fields.get(name, ())) != [BEST]:
        return dict(fields)
    return {**fields, name: [str(best_epoch(kept, kept.job(job_id)))]}


def choose(snapshots: Sequence[SnapshotRow], epoch: float | None) -> SnapshotRow:
    """Return the snapshot of ``epoch``, the newest for None.

    Raises:
        DigitsError: there is none.
    """
    if not snapshots:
        raise DigitsError("The model has no snapshot yet.", hint="Wait for its first epoch to end.")
    if epoch is None:
        return snapshots[-1]
    near = min(snapshots, key=lambda row: abs(row.epoch - epoch))
    if abs(near.epoch - epoch) > TOLERANCE:
        known = ", ".join(f"{row.epoch:g}" for row in snapshots)
        raise DigitsError("Invalid epoch", hint=f"The model has snapshots of epoch {known}.")
    return near
