"""Roots, runners and demo jobs for tests: real processes, ended at the end of each test."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from digits.core.jobfolder import TaskPlan
from digits.core.settings import Settings
from digits.runner.loop import Runner
from digits.store import Job, Store

PATIENCE_S = 60.0  # only a broken program waits so long


def wait_for(true: Callable[[], Any], what: str = "") -> Any:
    """Return the first truthy answer."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := true()):
        assert time.monotonic() < deadline, f"waited in vain {what}"
        time.sleep(0.02)
    return answer


def demo(
    store: Store, *, name: str = "demo", worker: str = "demo", depends_on: str = "", kind: Any = "model", **spec: Any
) -> Job:
    """Submit a job of the demo worker."""
    return store.submit(
        kind=kind, extension="demo", title="Demo", name=name, worker=worker, depends_on=depends_on, spec=spec,
        tasks=[TaskPlan(name="count", title="Count")],
    )  # fmt: skip


@contextmanager
def running(settings: Settings, **changes: Any) -> Iterator[Runner]:
    """Run the runner of a root in a thread; its workers are processes all the same."""
    runner = Runner(settings.model_copy(update=changes))
    thread = threading.Thread(target=runner.run)
    thread.start()
    try:
        yield runner
    finally:
        runner.stop()
        thread.join(PATIENCE_S)


def start_runner(settings: Settings) -> subprocess.Popen[str]:
    """Start the runner of a root as a process, which can be killed."""
    given = {
        "DIGITS_MIN_FREE_DISK_BYTES": str(settings.min_free_disk_bytes),
        "DIGITS_CPU_SLOTS": str(settings.cpu_slots),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "digits.runner", "--root", str(settings.root)],
        env=os.environ | given, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def kill(runner: subprocess.Popen[str]) -> None:
    """Kill a runner as a power cut would."""
    runner.kill()
    runner.communicate()


def finished(store: Store, job: Job) -> Job:
    """Return the job once it is over."""

    def over() -> Job | None:
        now = store.job(job.id)
        return None if now.is_running else now

    answer: Job = wait_for(over, f"for {job.name}")
    return answer


def at_work(store: Store, job: Job, steps: int = 1) -> Job:
    """Return the job once its worker has taken some steps."""

    def begun() -> Job | None:
        now = store.job(job.id)
        return now if now.handle and store.tasks(job.id)[0].done >= steps else None

    answer: Job = wait_for(begun, f"for {job.name} to begin")
    return answer
