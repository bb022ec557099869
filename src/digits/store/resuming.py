"""Whether a job that is over can go on, and to which end: refusals in words, before anything is written."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from digits.core.errors import JobError
from digits.core.jobfolder import SNAPSHOT_STATE, JobFolder
from digits.core.states import JobState
from digits.store.replay import JobIndex
from digits.store.schema import JOBS


def refusal(reason: str, *, hint: str = "") -> JobError:
    """Return DIGITS' kind of answer: "Job not resumed: it is Running already."."""
    return JobError(f"Job not resumed: {reason}", hint=hint)


def changes_of(connection: Connection, index: JobIndex, epochs: int | None) -> dict[str, Any]:
    """Return the fields of the spec that are other from now on.

    Args:
        connection: reads the job that this one is made of.
        index: the job.
        epochs: the new end of a training, counted from its beginning; None where it stays.

    Raises:
        JobError: the job cannot go on; the words say why, and what can be done instead.
    """
    if index.state.is_running:
        raise refusal(f"it is {index.state} already.", hint="Abort it first." if epochs else "")
    _check_source(connection, index.job["depends_on"])
    if index.job["kind"] == "dataset" and index.state is JobState.DONE:
        raise refusal("it is Done.", hint="Make a dataset from it to add pictures or to change labels.")
    if index.job["kind"] != "model":
        return {}
    _check_snapshots(index.folder, index.state)
    return _epochs(index, epochs)


def _check_source(connection: Connection, source: str) -> None:
    if not source:
        return
    row = connection.execute(select(JOBS.c.name, JOBS.c.state, JOBS.c.deleted).where(JOBS.c.id == source)).first()
    if row is None or row.deleted:
        raise refusal("its dataset was deleted.", hint="A model made of another dataset can begin with its weights.")
    if row.state in (JobState.ERROR, JobState.ABORTED):
        raise refusal(f'its dataset "{row.name}" is {row.state}.', hint="Resume the dataset first.")


def _check_snapshots(folder: JobFolder, state: JobState) -> None:
    """Refuse what would begin anew without need: a training that is Done, or one whose weights would be lost by it."""
    kept = folder.snapshot_folders()
    hint = "Clone it to train anew, or begin a new model with its weights."
    if kept and not any((snapshot / SNAPSHOT_STATE).is_file() for snapshot in kept):
        raise refusal("its snapshots hold weights alone, and those with the solver's state were deleted.", hint=hint)
    if not kept and state is JobState.DONE:
        raise refusal("it is Done, and its snapshots were deleted.", hint=hint)


def _epochs(index: JobIndex, wanted: int | None) -> dict[str, Any]:
    spec = index.job["spec"]
    total = int(spec.get("train_epochs") or 0)
    done = max((float(row["epoch"]) for row in index.snapshots.values()), default=0.0)
    is_done = index.state is JobState.DONE
    stopped_early = is_done and index.job["facts"].get("stopped_early")
    if is_done and not stopped_early and (wanted or 0) <= total:
        raise refusal(f"all {total:,} epochs are done.", hint="Say a larger number of epochs to train it further.")
    if wanted is not None and (wanted < done or (stopped_early and wanted <= done)):
        raise refusal(
            f"{done:.4g} epochs are done, so it cannot end at {wanted:,}.", hint="Say a larger number of epochs."
        )
    changes: dict[str, Any] = {} if wanted in (None, total) else {"train_epochs": wanted}
    if stopped_early:  # it would stop again at once: its patience begins anew
        changes["early_stop"] = dict(spec.get("early_stop") or {}) | {"after": done}
    return changes
