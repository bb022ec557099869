"""The runner and its workers killed at bad moments: nothing is lost, and no state lies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from digits.core.events import Metric, Progress, read_events
from digits.core.executor import Command, Handle
from digits.core.platform import process_start
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.core.work import WorkerSettings
from digits.extensions.executors.local.executor import LocalExecutor
from digits.store import Store, metrics
from digits.store.ledger import Ledger
from tests.runner.standing import at_work, demo, finished, kill, running, start_runner, wait_for
from tests.store.jobs import all_rows, move


def test_a_killed_runner_stops_no_job_and_the_next_one_counts_every_event_once(
    store: Store, settings: Settings
) -> None:
    job = demo(store, steps=400, seconds=0.005)
    runner = start_runner(settings)
    handle = at_work(store, job, steps=50).handle
    assert handle is not None

    kill(runner)
    steps = store.tasks(job.id)[0].done
    wait_for(lambda: len(metrics.points(job.folder, "loss/train")) > steps + 50)  # it goes on
    with running(settings):
        done = finished(store, job)

    assert done.state is JobState.DONE
    assert [line["handle"]["pid"] for line in job.folder.journal() if line["what"] == "started"] == [handle.pid]
    events = [event for _, event in read_events(job.folder.events_file)]
    assert [event.step for event in events if isinstance(event, Metric)] == list(range(1, 401))
    assert [event.done for event in events if isinstance(event, Progress)] == [*range(1, 401), 400]
    before = all_rows(store)
    store.reindex()
    assert all_rows(store) == before


def test_a_job_that_ended_while_no_runner_watched_is_told_by_its_last_event(store: Store, settings: Settings) -> None:
    done, failed = demo(store, steps=300, seconds=0.01), demo(store, steps=300, seconds=0.01, misstep=300)
    runner = start_runner(settings)
    pids = [at_work(store, job).handle.pid for job in (done, failed)]  # type: ignore[union-attr]  # at work, so it has one

    kill(runner)
    wait_for(lambda: not any(process_start(pid) for pid in pids))
    assert [store.job(job.id).state for job in (done, failed)] == [JobState.RUNNING] * 2
    with running(settings):
        assert finished(store, done).state is JobState.DONE
        assert str(finished(store, failed).error).startswith("Step 300 went wrong")


def test_a_killed_worker_is_an_error_that_names_the_signal_and_its_last_lines(store: Store, settings: Settings) -> None:
    job = demo(store, steps=100_000)

    with running(settings):
        handle = at_work(store, job).handle
        assert handle is not None
        os.kill(handle.pid, signal.SIGKILL)
        failed = finished(store, job)

    assert failed.state is JobState.ERROR
    assert failed.error is not None
    assert failed.error.message == "The process was killed by SIGKILL."
    assert failed.error.trace == "counting to 100000"


def test_a_worker_killed_while_no_runner_watched_is_an_error_too(store: Store, settings: Settings) -> None:
    job = demo(store, steps=100_000)
    runner = start_runner(settings)
    handle = at_work(store, job).handle
    assert handle is not None
    kill(runner)
    os.kill(handle.pid, signal.SIGKILL)

    with running(settings):
        failed = finished(store, job)

    assert failed.state is JobState.ERROR
    assert failed.error is not None
    assert failed.error.message == "The process ended without a last word, while no server watched it."


def test_a_worker_that_the_system_asked_to_stop_is_aborted_with_the_reason(store: Store, settings: Settings) -> None:
    job = demo(store, steps=100_000)

    with running(settings):
        handle = at_work(store, job).handle
        assert handle is not None
        os.kill(handle.pid, signal.SIGTERM)
        stopped = finished(store, job)

    assert (stopped.state, stopped.reason) == (JobState.ABORTED, "The process was asked to stop by the system.")


def test_a_pid_that_is_another_process_by_now_is_not_taken_over(store: Store, settings: Settings) -> None:
    job = demo(store, steps=5)
    job.folder.output_log.touch()
    move(store, job, JobState.RUNNING)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        Ledger(store).note_started(job.id, Handle(pid=stranger.pid, created="an earlier boot:1"))

        with running(settings):
            failed = finished(store, job)

        assert failed.state is JobState.ERROR
        assert psutil.pid_exists(stranger.pid)
        stranger.communicate(b"\n")
        assert stranger.returncode == 0


def test_a_runner_killed_before_it_started_what_it_decided_starts_it_after_all(
    store: Store, settings: Settings
) -> None:
    job = demo(store, steps=3)
    move(store, job, JobState.RUNNING)  # decided, and no process yet

    with running(settings):
        assert finished(store, job).state is JobState.DONE


def test_a_runner_killed_before_it_noted_what_it_started_finds_the_process(store: Store, settings: Settings) -> None:
    job = demo(store, steps=100_000)
    move(store, job, JobState.RUNNING)
    environment = WorkerSettings.of(settings).to_environment()
    handle = LocalExecutor().start(Command("demo", job.folder.path, environment=environment))
    assert handle is not None
    wait_for(job.folder.events_file.exists)

    with running(settings):
        found = at_work(store, job)
        store.abort(job.id)
        ended = finished(store, job)

    assert found.handle == handle
    assert ended.state is JobState.ABORTED
    assert len(metrics.points(job.folder, "loss/train")) == store.tasks(job.id)[0].done


def test_an_abort_asked_while_no_runner_watches_stops_the_job(store: Store, settings: Settings) -> None:
    job = demo(store, steps=100_000)
    runner = start_runner(settings)
    at_work(store, job)
    kill(runner)

    store.abort(job.id)
    with running(settings):
        assert finished(store, job).state is JobState.ABORTED


@pytest.mark.slow
def test_a_runner_killed_again_and_again_loses_nothing(store: Store, settings: Settings) -> None:
    jobs = [demo(store, name=str(number), steps=150, seconds=0.005) for number in range(6)]
    runner = start_runner(settings)
    for _ in range(12):
        wait_for(store.runner_alive)
        kill(runner)
        runner = start_runner(settings)

    ended = [finished(store, job) for job in jobs]
    runner.terminate()
    runner.communicate()

    assert [job.state for job in ended] == [JobState.DONE] * 6
    for job in jobs:
        steps = [event.step for _, event in read_events(job.folder.events_file) if isinstance(event, Metric)]
        assert steps == list(range(1, 151))
    before = all_rows(store)
    store.reindex()
    assert all_rows(store) == before
