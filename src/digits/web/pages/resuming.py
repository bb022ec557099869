"""The button that lets a job go on: what it is called, and what it says before it does so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digits.core.states import JobState
from digits.web.pages import words

if TYPE_CHECKING:
    from digits.store import Job, SnapshotRow

_STRETCHED = (
    "The learning rate follows its policy at the share of the training that is done, so with another end it is stretched: "
    "it may be higher at first than it was last."
)


@dataclass(frozen=True)
class Resume:
    """A button and its question."""

    label: str
    question: str
    text: str
    epochs: int
    """What the field for the end holds at first."""


def dataset_resume_of(job: Job) -> Resume | None:
    """Return the button of a dataset that came to no end, None for any other."""
    if job.is_running or job.state is JobState.DONE:
        return None
    text = "The same job goes on. A large dataset is made in shards, and those that are whole are kept; any other begins again."
    return Resume("Resume", f"Resume {job.name}?", text, 0)


def resume_of(job: Job, snapshots: Sequence[SnapshotRow]) -> Resume | None:
    """Return the button of a training that is over, None where it is not."""
    if job.is_running:
        return None
    total = int(job.spec.get("train_epochs") or 1)
    is_done = job.state is JobState.DONE
    place = f"epoch {words.epoch(snapshots[-1].epoch)}" if snapshots else "the beginning"
    stretched = f" {_STRETCHED}" if (job.spec.get("lr") or {}).get("policy", "fixed") != "fixed" else ""
    text = f"The same job goes on from {place}: same curves, same snapshots, nothing is trained twice.{stretched}"
    if is_done and job.facts.get("stopped_early"):
        text = f"{text} It ended early; validations without a new best are counted anew from here."
        return Resume("Train further", f"Train {job.name} further?", text, total)
    if is_done:
        return Resume("Train further", f"Train {job.name} further?", text, 2 * total)
    if not snapshots:
        text = "It has no snapshot yet, so the same job begins again."
    return Resume("Resume", f"Resume {job.name}?", text, total)
