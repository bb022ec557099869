"""A training in several processes: this one starts them, watches them and says how they ended. It trains nothing and loads no torch.

The leader (rank 0) writes events, curves and snapshots as a training in one process does; only the last word is said here, once none of them
lives any more. They live no longer than this process: each holds the other end of a pipe, and leaves when that is closed, however it was.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from digits.core import platform
from digits.core.errors import TrainingError
from digits.core.events import Done, Failed, Stopped, parse_event
from digits.core.jobfolder import JobFolder
from digits.core.work import StopCheck, StoppedError, WorkerSettings

_LOOK_S = 0.1
_FOLDER = ".ranks"

LastWord = Done | Stopped | Failed


def train_together(folder: JobFolder, settings: WorkerSettings, stop: StopCheck) -> dict[str, Any]:
    """Train the model of the job ``folder`` in ``settings.processes`` processes, and return its facts.

    Raises:
        StoppedError: it was asked to stop, and a snapshot is on disk.
        TrainingError: a process failed, in its words, or was killed; all have ended.
    """
    meeting = folder.path / _FOLDER
    shutil.rmtree(meeting, ignore_errors=True)  # of an attempt that was killed: nobody may meet its processes
    meeting.mkdir(mode=0o700)
    try:
        with _Processes(folder, settings, meeting) as processes:
            last = processes.watched(stop)
    finally:
        shutil.rmtree(meeting, ignore_errors=True)
    match last:
        case Stopped(message=message):
            raise StoppedError(message)
        case Failed():
            error = TrainingError(last.message, where=last.where, hint=last.hint)
            error.trace = last.trace
            raise error
    return last.facts


def last_word_file(meeting: Path, rank: int) -> Path:
    """Return where the process of ``rank`` writes how it ended."""
    return meeting / f"{rank}.json"


class _Processes:
    """The processes of one training; those that live when the block ends are killed."""

    def __init__(self, folder: JobFolder, settings: WorkerSettings, meeting: Path) -> None:
        self._folder = folder
        self._meeting = meeting
        self._size = settings.processes
        self._started = [self._start(rank, settings) for rank in range(settings.processes)]

    def __enter__(self) -> _Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._started:
            if process.poll() is None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    platform.kill_tree(psutil.Process(process.pid))
        for process in self._started:
            process.wait()
            if process.stdin:
                process.stdin.close()

    def watched(self, stop: StopCheck) -> LastWord:
        """Return how the training ended: as the leader says, or as the first that failed."""
        asked = False
        while True:
            if not asked and stop():
                asked = True
                with contextlib.suppress(psutil.NoSuchProcess):
                    platform.ask_to_stop(psutil.Process(self._started[0].pid))
            codes = [process.poll() for process in self._started]
            said = {rank: self._last_word(rank, code) for rank, code in enumerate(codes) if code is not None}
            if isinstance(said.get(0), Done | Stopped):
                return said[0]  # the others have nothing to save
            failures = [word for word in said.values() if isinstance(word, Failed)]
            if failures:
                # Where one goes, the others fail at once for want of it: the first one is the cause.
                return min(failures, key=lambda failed: failed.time)
            time.sleep(_LOOK_S)

    def _start(self, rank: int, settings: WorkerSettings) -> subprocess.Popen[bytes]:
        """Start one in our session, so that whoever ends that ends it; what it prints goes where ours goes."""
        threads = max(1, settings.num_threads // self._size)
        told = settings.model_copy(
            update={"rank": rank, "meeting": str(self._meeting / "store"), "num_threads": threads}
        )
        environment = {**os.environ, **platform.worker_environment(threads), **told.to_environment()}
        gpus = [gpu for gpu in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if gpu]
        if len(gpus) == self._size:
            environment["CUDA_VISIBLE_DEVICES"] = gpus[rank]
        return subprocess.Popen(
            [sys.executable, "-m", "digits.workers.rank", str(self._folder.path)],
            stdin=subprocess.PIPE,
            env=environment,
        )

    def _last_word(self, rank: int, code: int) -> LastWord:
        try:
            word = parse_event(last_word_file(self._meeting, rank).read_bytes())
            assert isinstance(word, Done | Stopped | Failed)
            return word
        except (FileNotFoundError, ValueError):
            how = f"was killed by {platform.signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
            return Failed(
                time=0.0,  # nobody is killed for want of another
                message=f"Process {rank + 1} of the {self._size} that train together {how}; the others were ended too.",
                hint="The system kills a process when memory runs out; a person can, too. The training can be resumed.",
            )
