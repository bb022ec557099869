"""Jobs on their way: started, watched to their end, stopped, found again after a restart."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psutil

from digits.core.errors import JobError, NotFoundError, SetupError
from digits.core.executor import Command, Executor, Handle, Status
from digits.core.extensions import interpreter
from digits.core.platform import find_processes, process_start
from digits.core.states import JobState
from digits.core.work import WorkerSettings
from digits.runner.queue import Decision, GiveUp, Start, Wait
from digits.runner.words import died
from digits.store import Job, Store, Trouble
from digits.store.ledger import Ledger

INDEX_S = 0.3  # how often events are committed: a commit is a write forced to the disk
LEAVE_S = 10.0  # a worker that said its last word and has not left after this is killed
DELETE_GRACE_S = 2.0  # what a deleted job would still save is of no use
_log = logging.getLogger(__name__)


@dataclass
class _Live:
    job: Job
    handle: Handle
    size: int = -1
    """Of its events file when it was last read."""
    said_all: float | None = None
    """When its last word was seen (monotonic)."""
    stopping: bool = False
    dying: bool = False


class Jobs:
    """The processes of running jobs."""

    def __init__(self, store: Store, ledger: Ledger, executor: Executor) -> None:
        self._store = store
        self._ledger = ledger
        self._executor = executor
        self._live: dict[str, _Live] = {}
        self._next_index = 0.0

    def __len__(self) -> int:
        return len(self._live)

    def holders(self) -> dict[int, str]:
        """Return which job holds which GPU."""
        return {gpu: job_id for job_id, live in self._live.items() for gpu in live.handle.gpus}

    # ---------------------------------------------------------------- after a restart

    def take_over(self, jobs: Sequence[Job]) -> None:
        """Find the processes of jobs that an earlier runner started; end those whose process has gone."""
        for job in jobs:
            if job.state is not JobState.RUNNING:
                continue
            handle = job.handle or self._search(job)
            if handle is not None and self._executor.adopt(handle):
                _log.info("job %s: its process %d is taken over", job.id, handle.pid)
                self._live[job.id] = _Live(job, handle)
            elif handle is None and not job.folder.output_log.exists():
                with self._store.change(job.id, deleted=True) as index:
                    index.move(JobState.WAITING)  # the runner died between the decision and the start
            else:
                self._finish(job, Status(None))

    def _search(self, job: Job) -> Handle | None:
        """Find a process that was started just before the runner died, too late to note its handle."""
        for pid in find_processes(f"digits.workers.{job.worker}", str(job.folder.path)):
            created = process_start(pid)
            if created is not None:
                held = psutil.Process(pid).environ().get("CUDA_VISIBLE_DEVICES", "")
                gpus = tuple(int(part) for part in held.split(",") if part)
                handle = Handle(pid=pid, created=created, gpus=gpus)
                self._ledger.note_started(job.id, handle)
                return handle
        return None

    # ---------------------------------------------------------------- each round

    def watch(self) -> None:
        """Let what the workers said count, and end the jobs whose process ended."""
        ended = []
        for job_id, live in self._live.items():
            status = self._executor.poll(live.handle)
            if status is not None:
                ended.append((job_id, live, status))
        self._index()
        for job_id, live, status in ended:
            del self._live[job_id]
            self._finish(live.job, status)

    def _index(self) -> None:
        now = time.monotonic()
        if now < self._next_index:
            return
        grown = {}
        for job_id, live in self._live.items():
            size = _size(live.job)
            if size != live.size:
                grown[job_id] = size
        if grown:
            finished = self._ledger.index_events(grown)
            for job_id, size in grown.items():
                self._live[job_id].size = size
            for job_id in finished:
                self._live[job_id].said_all = self._live[job_id].said_all or now
            self._next_index = time.monotonic() + INDEX_S
        for live in self._live.values():
            if live.said_all and now - live.said_all > LEAVE_S and not live.dying:
                _log.warning("job %s: its process does not leave and is killed", live.job.id)
                live.dying = True
                self._executor.stop(live.handle, 0)

    def stop_asked(self, jobs: Sequence[Job]) -> None:
        """Stop the processes of jobs that a person aborted or deleted."""
        for job in jobs:
            live = self._live.get(job.id)
            if live is None or not (job.stop_asked or job.deleted):
                continue
            if not live.stopping or (job.deleted and not live.job.deleted):
                live.stopping = True
                live.job = job
                grace = DELETE_GRACE_S if job.deleted else self._store.settings.stop_grace_s
                self._executor.stop(live.handle, grace)

    def drop_vanished(self, jobs: Sequence[Job]) -> set[str]:
        """Forget jobs whose folder somebody took away, processes and all; return their ids."""
        vanished = {job.id for job in jobs if not job.folder.path.is_dir()}
        for job_id in vanished:
            _log.warning("job %s: its folder was taken away", job_id)
            if live := self._live.pop(job_id, None):
                self._executor.stop(live.handle, 0)
                self._executor.poll(live.handle)
            self._ledger.forget(job_id)
        return vanished

    def carry_out(self, decisions: Sequence[Decision]) -> None:
        """Start what shall start, and say of the others what they wait for."""
        for decision in decisions:
            # A person may have aborted or deleted the job since the decision was made.
            with contextlib.suppress(JobError, NotFoundError):
                self._carry_out(decision)

    def _carry_out(self, decision: Decision) -> None:
        match decision:
            case Start(job, gpus):
                self._start(job, gpus)
            case Wait(job, reason, place):
                if (job.state, job.reason, job.queue_place) != (JobState.WAITING, reason, place):
                    self._ledger.set_waiting(job.id, reason, place)
            case GiveUp(job, state, reason):
                error = asdict(Trouble(reason)) if state is JobState.ERROR else None
                with self._store.change(job.id) as index:
                    index.move(state, reason=reason, error=error)

    def _start(self, job: Job, gpus: tuple[int, ...]) -> None:
        with self._store.change(job.id) as index:
            index.move(JobState.RUNNING)
        settings = self._store.settings
        try:
            command = Command(
                worker=job.worker,
                folder=job.folder.path,
                gpus=gpus,
                num_threads=settings.num_threads,
                environment=WorkerSettings.of(settings, processes=max(1, len(gpus))).to_environment(),
                python=interpreter(job.framework, settings.pythons),
            )
            job.folder.stop_file.unlink(missing_ok=True)
            handle = self._executor.start(command)
        except SetupError as error:
            with self._store.change(job.id, deleted=True) as index:
                index.move(JobState.ERROR, error=asdict(Trouble(error.message, hint=error.hint)))
            return
        except OSError as error:
            trouble = Trouble(f"The process could not be started: {error.strerror}.", where=error.filename or "")
            with self._store.change(job.id, deleted=True) as index:
                index.move(JobState.ERROR, error=asdict(trouble))
            return
        if handle is None:
            with self._store.change(job.id, deleted=True) as index:
                index.move(JobState.WAITING, reason="Waiting: the system has no room for another process")
            return
        _log.info("job %s: started as process %d", job.id, handle.pid)
        self._live[job.id] = _Live(job, handle)
        self._ledger.note_started(job.id, handle)

    def _finish(self, job: Job, status: Status) -> None:
        with self._store.change(job.id, deleted=True) as index:
            index.index_events()
            outcome = index.job["outcome"]
            match outcome.get("type"):
                case "done":
                    index.move(JobState.DONE)
                case _ if index.job["stop_asked"]:
                    index.move(JobState.ABORTED)
                case "stopped":
                    index.move(JobState.ABORTED, reason="The process was asked to stop by the system.")
                case "failed":
                    error = {key: outcome[key] for key in ("message", "where", "hint", "trace")}
                    index.move(JobState.ERROR, error=error)
                case _:
                    index.move(JobState.ERROR, error=asdict(died(status, job.folder.output_log)))
            _log.info("job %s: %s", job.id, index.state)


def _size(job: Job) -> int:
    try:
        return job.folder.events_file.stat().st_size
    except OSError:
        return -1
