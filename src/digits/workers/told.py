"""How far a task of a worker is, said now and then."""

from __future__ import annotations

import time
from typing import Literal

from digits.core.events import Emit, Progress
from digits.core.work import StopCheck, StoppedError

SAY_S = 0.5


class Told:
    """Hears how many pictures are done and says so; stops the task where that was asked for."""

    def __init__(self, emit: Emit, stop: StopCheck, task: str, total: int) -> None:
        self._emit, self._stop, self._task, self._total = emit, stop, task, total
        self._began = time.monotonic()
        self._next = 0.0
        self(0)

    def __call__(self, done: int) -> None:
        """Hear how many pictures are done.

        Raises:
            StoppedError: the job was asked to stop.
        """
        if self._stop():
            raise StoppedError
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SAY_S
            self._say(done, "running")

    def end(self) -> None:
        """Say that the task is done."""
        self._say(self._total, "done")

    def _say(self, done: int, state: Literal["running", "done"]) -> None:
        rate = done / max(time.monotonic() - self._began, 1e-6)
        text = f"{done:,} of {self._total:,} pictures"
        self._emit(
            Progress(task=self._task, done=done, total=self._total, unit="pictures", text=text, rate=rate, state=state)
        )
