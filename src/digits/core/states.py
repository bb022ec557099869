"""The states of a job, as DIGITS' users know them, and the one table of allowed moves."""

from __future__ import annotations

from enum import StrEnum

from digits.core.errors import JobError


class JobState(StrEnum):
    """The value is the word that pages and REST show."""

    INITIALIZED = "Initialized"
    WAITING = "Waiting"
    RUNNING = "Running"
    DONE = "Done"
    ABORTED = "Aborted"
    ERROR = "Error"

    @property
    def is_running(self) -> bool:
        """Whether the job is not over: DIGITS counts Initialized and Waiting as running."""
        return self in (JobState.INITIALIZED, JobState.WAITING, JobState.RUNNING)

    @property
    def css(self) -> str:
        """DIGITS' ``status_css``."""
        return {"Done": "success", "Error": "danger", "Running": "info"}.get(self.value, "warning")


_S = JobState
_MOVES: dict[JobState, frozenset[JobState]] = {
    _S.INITIALIZED: frozenset({_S.WAITING, _S.RUNNING, _S.ABORTED, _S.ERROR}),
    _S.WAITING: frozenset({_S.RUNNING, _S.ABORTED, _S.ERROR}),
    _S.RUNNING: frozenset({_S.DONE, _S.ABORTED, _S.ERROR, _S.WAITING}),
    _S.DONE: frozenset(),
    _S.ABORTED: frozenset(),
    _S.ERROR: frozenset(),
}


def check_move(old: JobState, new: JobState, *, resume: bool = False) -> None:
    """Do nothing if a job may go from ``old`` to ``new``; ``resume`` alone may wake a finished one.

    Raises:
        JobError: it may not.
    """
    if new in _MOVES[old] or (resume and not old.is_running and new is JobState.WAITING):
        return
    raise JobError(f"A job that is {old} cannot become {new}.")
