"""What an executor has to hold: workers that outlive who started them, are found again, asked, and stopped."""

from __future__ import annotations

import time
from pathlib import Path

from digits.core.executor import Command, Executor, Handle, Status
from digits.core.extensions import ExecutorExtension, extension, load
from digits.core.jobfolder import JobFolder, JobRecord, new_job_id
from digits.core.spec import Spec
from digits.testing.promises import check_import, check_name, check_spec, holds

_GRACE_S = 60.0


def check_executor(name: str, folder: Path, *, spec: Spec | None = None, limit_s: float = 120.0) -> None:
    """Hold the installed executor ``name`` against everything that the runner relies on.

    Args:
        name: of its entry point in ``digits.executors``.
        folder: where job folders may be made; the workers' machines must see it too.
        spec: its settings, where the defaults do not do.
        limit_s: how long a start or an end may take.

    Raises:
        AssertionError: a promise is broken; the words say which.
        NotFoundError: no extension of that name is installed.
    """
    kind: ExecutorExtension = extension("executors", name)
    check_name(kind.name, kind.title)
    check_import(kind.spec.__module__)
    asked = spec or kind.spec()
    check_spec(kind.spec, asked)

    def made() -> Executor:
        executor: Executor = load(kind.executor)(asked)
        return executor

    executor = made()
    handle = _started(executor, folder, limit_s)
    holds(executor.poll(handle) is None, "A worker at work has not ended.")
    executor.stop(handle, _GRACE_S)
    status = _ended(executor, handle, limit_s)
    holds(status == Status(0), "Asked to stop, a worker leaves in good order: its status is 0.", status)

    handle = _started(executor, folder, limit_s)
    other, found = made(), Handle.model_validate_json(handle.model_dump_json())
    holds(other.adopt(found), "Another runner takes over a worker by its handle, as read back from the store.")
    stranger = found.model_copy(update={"created": "another start"})
    holds(
        not made().adopt(stranger), "A handle of a process that is gone is not taken over, whoever has its number now."
    )
    other.stop(found, 0)
    _ended(executor, handle, limit_s)
    holds(not made().adopt(found), "A worker that has ended is not taken over.")


def _started(executor: Executor, folder: Path, limit_s: float) -> Handle:
    job = JobFolder(folder / new_job_id(folder))
    job.write(
        JobRecord(
            id=job.id,
            kind="model",
            extension="demo",
            title="Conformance",
            name="conformance",
            created=0.0,
            worker="demo",
            spec={"steps": 1_000_000, "seconds": 0.01},
        )
    )
    handle = executor.start(Command("demo", job.path))
    if handle is None:
        raise AssertionError("An idle executor has room for a worker.")
    until = time.monotonic() + limit_s
    while not job.events_file.exists():
        holds(time.monotonic() < until, f"A worker that was started says something within {limit_s:g} s.")
        time.sleep(0.02)
    return handle


def _ended(executor: Executor, handle: Handle, limit_s: float) -> Status:
    until = time.monotonic() + limit_s
    while (status := executor.poll(handle)) is None:
        holds(time.monotonic() < until, f"A worker that was stopped ends within {limit_s:g} s.")
        time.sleep(0.02)
    return status
