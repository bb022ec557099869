from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from digits.core.errors import TrainingError
from digits.core.events import Failed, read_events
from digits.core.jobfolder import JobFolder, JobRecord
from digits.core.work import WorkerSettings
from digits.workers.job import failure


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path / "20261124-041512-7f3a")


def _start(folder: JobFolder, **spec: Any) -> subprocess.Popen[str]:
    record = JobRecord(
        id=folder.id, kind="model", extension="demo", title="Demo", name="d", created=0, worker="demo", spec=spec
    )
    folder.write(record)
    return subprocess.Popen(
        [sys.executable, "-m", "digits.workers.demo", str(folder.path)], stderr=subprocess.PIPE, text=True
    )


def _types(folder: JobFolder) -> list[str]:
    return [event.type for _, event in read_events(folder.events_file)]


def _wait_for_steps(folder: JobFolder) -> None:
    while len(_types(folder)) < 4:
        time.sleep(0.02)


def test_a_worker_says_done_last_and_exits_with_0(folder: JobFolder) -> None:
    worker = _start(folder, steps=2)

    assert (worker.wait(60), _types(folder)[-1]) == (0, "done")


def test_a_failure_is_said_in_words_with_its_traceback_in_the_log_and_exits_with_1(folder: JobFolder) -> None:
    worker = _start(folder, steps=2, misstep=1)
    _, log = worker.communicate(timeout=60)

    (_, event), *_ = read_events(folder.events_file)
    assert worker.returncode == 1
    assert isinstance(event, Failed)
    assert (event.message, event.hint) == ("Step 1 went wrong, as it was asked to.", "Ask for none.")
    assert "Traceback" in log


def test_a_job_that_another_version_wrote_is_refused_by_the_name_of_the_field(folder: JobFolder) -> None:
    worker = _start(folder, steps=2, colour="blue")
    worker.communicate(timeout=60)

    (_, event), *_ = read_events(folder.events_file)
    assert isinstance(event, Failed)
    assert event.where == "job.json: colour"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM; the stop file does it there")
def test_sigterm_stops_a_worker_in_good_order(folder: JobFolder) -> None:
    worker = _start(folder, steps=100_000)
    _wait_for_steps(folder)

    os.kill(worker.pid, signal.SIGTERM)

    assert (worker.wait(60), _types(folder)[-1]) == (0, "stopped")


def test_the_stop_file_alone_stops_a_worker_in_good_order(folder: JobFolder) -> None:
    worker = _start(folder, steps=100_000)
    _wait_for_steps(folder)

    folder.stop_file.touch()

    assert (worker.wait(60), _types(folder)[-1]) == (0, "stopped")


class _Form(BaseModel):
    epochs: int


def _bad_form() -> Exception:
    try:
        _Form.model_validate({"epochs": "many"})
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (
            TrainingError("The loss is not a number.", hint="Lower the rate."),
            "The loss is not a number.",
            "Lower the rate.",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "/x"),
            "The disk is full.",
            "Make room, then start it again.",
        ),
        (MemoryError(), "The memory ran out.", "A smaller batch size needs less."),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero", ""),
        (AssertionError(), "AssertionError", ""),
    ],
)
def test_failures_in_words(error: Exception, message: str, hint: str) -> None:
    said = failure(error)

    assert (said.message, said.hint) == (message, hint)


def test_a_field_out_of_bounds_is_named() -> None:
    assert failure(_bad_form()).where == "job.json: epochs"


def test_a_worker_reads_the_settings_that_its_runner_wrote() -> None:
    given = WorkerSettings(num_threads=7, device="cpu", spool="/s")

    assert WorkerSettings.from_environment(given.to_environment()) == given
    assert WorkerSettings.from_environment({}) == WorkerSettings()
