"""The runner's loop: ten looks a second while something happens; when nothing does, a look costs one PRAGMA."""

from __future__ import annotations

import logging
import os
import threading
import time

from digits.core.errors import SetupError
from digits.core.executor import Executor
from digits.core.extensions import extension, load
from digits.core.files import write_json
from digits.core.platform import process_start
from digits.core.settings import Settings
from digits.runner.jobs import Jobs
from digits.runner.queue import plan
from digits.runner.resources import find_gpus, measure
from digits.runner.services import Services
from digits.runner.spool import clean
from digits.store import Gpu, Store
from digits.store.ledger import Ledger
from digits.store.store import RUNNER_FILE

LOOK_S = 0.1
FULL_LOOK_S = 2.0  # free disk space and folders that vanish tell nobody
ASK_S = 0.5  # how often a database is asked that does not tell when it changed
AFTER_ERROR_S = 1.0
_log = logging.getLogger(__name__)


class Runner:
    """Starts, watches and ends jobs and services until it is asked to stop; trainings go on then."""

    def __init__(self, settings: Settings) -> None:
        """Open the store and the executor.

        Raises:
            SetupError: one of them cannot be opened.
        """
        self.settings = settings
        self.store = Store(settings)
        self.ledger = Ledger(self.store)
        self.executor = make_executor(settings)
        self.gpus = find_gpus(settings)
        self.jobs = Jobs(self.store, self.ledger, self.executor)
        self.services = Services(self.store, self.executor)
        self._stop = threading.Event()
        self._seen: int | None = None
        self._next_full = 0.0
        self._soon = False

    def stop(self) -> None:
        """Leave the loop soon; safe in a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Take over what is there, then work until ``stop``."""
        pid = os.getpid()
        runner_file = self.settings.root / RUNNER_FILE
        write_json(runner_file, {"pid": pid, "created": process_start(pid)})
        try:
            self.take_over()
            while not self._stop.is_set():
                try:
                    self.tick()
                    pause = LOOK_S
                except Exception:  # a full disk, a database that is locked: said, and tried again
                    _log.exception("a round of the runner failed")
                    pause = AFTER_ERROR_S
                self._stop.wait(pause)
        finally:
            self.services.stop_all()
            runner_file.unlink(missing_ok=True)
            self.store.close()

    def take_over(self) -> None:
        """Find jobs and processes that an earlier runner left."""
        found = self.ledger.recover()
        if found:
            _log.info("%d jobs were on the disk and not in the database", found)
        jobs = self.ledger.open_jobs()
        vanished = self.jobs.drop_vanished(jobs)
        self.jobs.take_over([job for job in jobs if job.id not in vanished])
        self.services.take_over()
        self._empty_trash()
        left = clean(self.settings.root / "spool")
        if left:
            _log.info("%d files that killed processes had left in the spool are removed", left)

    def tick(self) -> None:
        """Make one round; a short one where nothing runs and nothing changed."""
        version = self.store.database.version()
        changed = version != self._seen or time.monotonic() >= self._next_full
        self._seen = version
        if self.jobs:
            before = len(self.jobs)
            self.jobs.watch()
            changed = changed or len(self.jobs) != before
        if changed or self._soon:
            self._full_round()
            self._next_full = time.monotonic() + (ASK_S if version is None else FULL_LOOK_S)

    def _full_round(self) -> None:
        jobs = self.ledger.open_jobs()
        vanished = self.jobs.drop_vanished(jobs)
        jobs = [job for job in jobs if job.id not in vanished]
        self.jobs.stop_asked(jobs)
        removed = [job for job in jobs if job.deleted and not job.is_running and self.store.remove_if_over(job.id)]
        if removed:
            self._empty_trash()
        open_jobs = [job for job in jobs if not job.deleted or job.is_running]
        datasets = self.ledger.states({job.depends_on for job in open_jobs if job.depends_on})
        resources = measure(self.settings, tuple(gpu.index for gpu in self.gpus))
        self.jobs.carry_out(plan(open_jobs, resources, datasets))
        holders = self.jobs.holders()
        self.ledger.set_gpus(
            [Gpu(gpu.index, gpu.name, gpu.memory_bytes, holders.get(gpu.index, "")) for gpu in self.gpus]
        )
        self._soon = self.services.tick(tuple(gpu for gpu in resources.gpus if gpu not in holders))

    def _empty_trash(self) -> None:
        # In a thread: a dataset of raw files may take minutes to remove.
        threading.Thread(target=self.store.empty_trash, daemon=True, name="trash").start()


def make_executor(settings: Settings) -> Executor:
    """Return the executor that the settings name.

    Raises:
        SetupError: its options are not right.
    """
    kind = extension("executors", settings.executor)
    try:
        spec = kind.spec(**settings.executor_options)
    except ValueError as error:
        raise SetupError(f"The setting 'executor_options' does not fit: {error}") from error
    executor: Executor = load(kind.executor)(spec)
    return executor
