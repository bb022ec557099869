"""What every worker of a job does around its work: read ``job.json``, hear that it should stop, and say how it ended."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from digits.core import platform
from digits.core.errors import DigitsError
from digits.core.events import Done, Emit, EventWriter, Failed, Stopped
from digits.core.jobfolder import JobFolder, JobRecord
from digits.core.work import StopCheck, StoppedError, WorkerSettings

LOOK_S = 0.2  # how often the stop file is looked for


class Work(Protocol):
    """What a worker does; what it returns is ``Done.facts``."""

    def __call__(
        self, record: JobRecord, folder: JobFolder, emit: Emit, stop: StopCheck, settings: WorkerSettings, /
    ) -> dict[str, Any]:
        """Do it.

        Raises:
            StoppedError: it was asked to stop, and did.
            DigitsError: it cannot go on, in words for people.
        """


class StopSignal:
    """A ``StopCheck``: SIGTERM, Ctrl-C or the ``stop`` file, whichever comes first."""

    def __init__(self, folder: JobFolder) -> None:
        self._file = folder.stop_file
        self._asked = threading.Event()
        self._next_look = 0.0
        platform.on_stop(self._asked.set)

    def __call__(self) -> bool:
        """Return whether the worker was asked to stop."""
        if not self._asked.is_set() and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_S
            if self._file.exists():
                self._asked.set()
        return self._asked.is_set()


def run_job(path: Path, work: Work) -> int:
    """Do the work of the job in ``path`` and return the exit code: 0 for done or stopped, 1 for failed.

    What goes wrong is said as ``Failed``: our own errors in their words, others with their traceback, which goes to
    ``output.log`` too.
    """
    os.umask(0o077)
    folder = JobFolder(path)
    stop = StopSignal(folder)  # first: whoever sees the events may ask at once
    emit = EventWriter(folder.events_file)
    try:
        last = last_word(lambda: work(folder.record(), folder, emit, stop, WorkerSettings.from_environment()))
        emit(last)
        return int(isinstance(last, Failed))
    finally:
        emit.close()


def last_word(work: Callable[[], dict[str, Any]]) -> Done | Stopped | Failed:
    """Do the work and return how it ended."""
    try:
        return Done(facts=work())
    except StoppedError as error:
        return Stopped(message=str(error))
    except Exception as error:
        traceback.print_exc()
        sys.stderr.flush()
        return failure(error)


def failure(error: Exception) -> Failed:
    """Return an exception in words for people."""
    match error:
        case ValidationError():
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            return Failed(
                message=f"{first['msg']}.", where=f"job.json: {place}", hint="Was it made by another version?"
            )
        case DigitsError():
            return Failed(message=error.message, where=error.where, hint=error.hint, trace=error.trace)
        case OSError(errno=errno.ENOSPC):
            return Failed(
                message="The disk is full.", where=error.filename or "", hint="Make room, then start it again."
            )
    trace = "".join(traceback.format_exception(error))
    # torch's own class of this name; workers that run no torch must not load it to ask.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return Failed(message="The memory ran out.", hint="A smaller batch size needs less.", trace=trace)
    text = str(error).strip()
    return Failed(message=f"{type(error).__name__}: {text}" if text else type(error).__name__, trace=trace)
