"""``python -m digits.workers.rank <job folder>``: one of several processes that train a network; ``together`` starts it, and outlives it."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from digits.core import platform
from digits.core.events import Event, EventWriter
from digits.core.files import write_text
from digits.core.jobfolder import JobFolder
from digits.core.work import WorkerSettings
from digits.workers.job import StopSignal, last_word
from digits.workers.together import last_word_file
from digits.workers.train import train_here


def main(path: Path) -> None:
    """Train, say how that ended, and leave at once: torch's threads may wait for processes that have gone."""
    _leave_with_parent()
    os.umask(0o077)
    folder, settings = JobFolder(path), WorkerSettings.from_environment()
    assert settings.rank is not None
    leads = settings.rank == 0
    # The leader hears and speaks for all; the others do as it says.
    emit = EventWriter(folder.events_file) if leads else _silent
    stop = StopSignal(folder) if leads else _never
    if not leads:
        platform.on_stop(lambda: None)
    word = last_word(lambda: train_here(folder.record(), folder, emit, stop, settings))
    if isinstance(emit, EventWriter):
        emit.close()
    write_text(last_word_file(Path(settings.meeting).parent, settings.rank), word.model_dump_json())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _leave_with_parent() -> None:
    """End this process when the one that started it ends: standard input is a pipe that it holds and never writes to."""
    pipe = os.dup(0)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)

    def wait() -> None:
        os.read(pipe, 1)
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _silent(event: Event, /) -> None:
    del event


def _never() -> bool:
    return False


if __name__ == "__main__":
    main(Path(sys.argv[1]))
