"""Which snapshot a request means."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from starlette.requests import Request

from digits.core.errors import DigitsError
from digits.store import SnapshotRow
from digits.web.reading import argument

FILE_NAME = re.compile(r"snapshot_iter_(\d{1,18})\.(?:caffemodel|safetensors)")
"""The name that DIGITS' users know a snapshot by; ``jobjson.snapshot_name`` writes it."""
TOLERANCE = 0.0005  # epochs are told with three decimals


def asked_epoch(request: Request) -> tuple[str, float | None]:
    """Return the epoch as DIGITS writes it into a file name ("-1" for the newest), and as a number (None for the newest).

    Raises:
        DigitsError: it is no number.
    """
    text = (argument(request, "epoch") or argument(request, "snapshot_epoch")).strip()
    if not text:
        return "-1", None
    try:
        epoch = float(text)
    except ValueError:
        epoch = math.nan
    if not math.isfinite(epoch) or abs(epoch) > 1e9:
        raise DigitsError("Invalid epoch", hint=f"{text[:40]!r} is not a number.")
    return str(epoch), None if epoch < 0 else epoch


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
