"""The snapshots of one training: which one an epoch means, and one that goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from digits.core.errors import JobError, NotFoundError
from digits.core.jobfolder import JobFolder
from digits.store.entities import SnapshotRow
from digits.store.replay import JobIndex

_TOLERANCE = 0.0005  # epochs are told with three decimals


def nearest(known: Sequence[SnapshotRow], epoch: float | None) -> SnapshotRow:
    """Return the snapshot of ``epoch``, the newest for None.

    Raises:
        NotFoundError: there is none.
    """
    if not known:
        raise NotFoundError("The model has no snapshot yet.", hint="Wait for its first epoch to end.")
    if epoch is None:
        return known[-1]
    near = min(known, key=lambda row: abs(row.epoch - epoch))
    if abs(near.epoch - epoch) > _TOLERANCE:
        listed = ", ".join(f"{row.epoch:g}" for row in known)
        raise NotFoundError(f"The model has no snapshot of epoch {epoch:g}.", hint=f"It has {listed}.")
    return near


def drop(index: JobIndex, file: str) -> None:
    """Forget one snapshot, journal first.

    Raises:
        JobError: the training is not over: it may be writing.
    """
    if index.state.is_running:
        raise JobError(f"Snapshot not deleted: the job is {index.state}.", hint="Abort it first.")
    index.note("drop_snapshot", file=file)


def remove(folder: JobFolder, file: str) -> None:
    """Take its folder off the disk."""
    folder.remove_snapshot(PurePosixPath(file).name)
