"""The runner with real workers: what becomes of jobs in good times."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from digits.core.errors import NotFoundError
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.core.work import WorkerSettings
from digits.extensions.executors.local.executor import LocalExecutor
from digits.runner.jobs import Jobs
from digits.runner.queue import Start
from digits.store import Store
from digits.store.ledger import Ledger
from tests.runner.standing import at_work, demo, finished, running, start_runner, wait_for


def test_a_job_runs_from_initialized_to_done(store: Store, settings: Settings) -> None:
    job = demo(store, steps=5)

    with running(settings):
        done = finished(store, job)

    assert (done.state, done.progress, done.facts, done.reason, done.error) == (
        JobState.DONE,
        1.0,
        {"steps": 5},
        "",
        None,
    )
    assert [row.state.value for row in store.history(job.id)] == ["Initialized", "Running", "Done"]
    assert store.tasks(job.id)[0].state is JobState.DONE
    assert done.latest == {"loss/train": 0.2}
    assert store.sparkline(done.id) == [1, 0.5, 0.3333, 0.25, 0.2]
    assert "counting to 5" in job.folder.output_log.read_text()


def test_a_job_that_fails_says_why_in_words(store: Store, settings: Settings) -> None:
    job = demo(store, steps=5, misstep=3)

    with running(settings):
        failed = finished(store, job)

    assert failed.state is JobState.ERROR
    assert str(failed.error) == "Step 3 went wrong, as it was asked to. Ask for none."
    assert store.tasks(job.id)[0].state is JobState.ERROR


def test_a_worker_that_cannot_even_start_is_an_error_with_its_last_lines(store: Store, settings: Settings) -> None:
    job = demo(store, worker="no_such_worker")

    with running(settings):
        failed = finished(store, job)

    assert failed.error is not None
    assert failed.error.message == "The process ended with exit code 1 before its work was done."
    assert "No module named digits.workers.no_such_worker" in failed.error.trace


def test_one_waits_for_the_other_and_says_so(store: Store, settings: Settings) -> None:
    first = demo(store, name="first", steps=10_000)
    second = demo(store, name="second", steps=1)
    third = demo(store, name="third", steps=1)
    store.prioritize(third.id, 1)

    with running(settings, cpu_slots=1):
        # The one of higher priority was first in line, and is over soon.
        assert finished(store, third).state is JobState.DONE
        at_work(store, first)
        waiting = wait_for(lambda: store.job(second.id) if store.job(second.id).queue_place else None)
        store.abort(first.id)
        assert finished(store, second).state is JobState.DONE

    assert waiting.state is JobState.WAITING
    assert waiting.reason == "Waiting: 1 of 1 training slots busy, 1st in the queue"
    assert store.job(second.id).reason == ""


def test_a_model_waits_for_its_dataset_and_is_aborted_with_it(store: Store, settings: Settings) -> None:
    good, bad = demo(store, kind="dataset", steps=3), demo(store, kind="dataset", name="bad", steps=3, misstep=1)
    follower = demo(store, depends_on=good.id, steps=2)
    orphan = demo(store, depends_on=bad.id, steps=2)

    with running(settings):
        assert finished(store, follower).state is JobState.DONE
        aborted = finished(store, orphan)

    assert (aborted.state, aborted.reason) == (JobState.ABORTED, 'Its dataset "bad" ended in Error.')
    assert store.job(follower.id).started > (store.job(good.id).finished or 0)  # type: ignore[operator]  # it is Done


def test_an_aborted_job_stops_in_good_order(store: Store, settings: Settings) -> None:
    job = demo(store, steps=10_000)

    with running(settings):
        at_work(store, job)
        store.abort(job.id)
        aborted = finished(store, job)

    assert aborted.state is JobState.ABORTED
    assert aborted.error is None
    assert aborted.outcome["type"] == "stopped"
    assert [row.state.value for row in store.history(job.id)] == ["Initialized", "Running", "Aborted"]


def test_a_waiting_job_that_is_aborted_never_starts(store: Store, settings: Settings) -> None:
    first, second = demo(store, steps=10_000), demo(store, steps=1)

    with running(settings, cpu_slots=1):
        wait_for(lambda: store.job(second.id).state is JobState.WAITING)
        assert store.abort(second.id).state is JobState.ABORTED
        store.abort(first.id)
        finished(store, first)

    assert not second.folder.output_log.exists()
    assert [row.state.value for row in store.history(second.id)] == ["Initialized", "Waiting", "Aborted"]


def test_one_that_does_not_hear_is_killed_after_the_grace(store: Store, settings: Settings) -> None:
    job = demo(store, steps=100_000, deaf=True)

    with running(settings, stop_grace_s=0.3):
        at_work(store, job)
        store.abort(job.id)
        aborted = finished(store, job)

    assert (aborted.state, aborted.outcome) == (JobState.ABORTED, {})


def test_a_job_deleted_while_it_runs_is_hidden_then_gone_with_its_process(store: Store, settings: Settings) -> None:
    job = demo(store, steps=100_000)

    with running(settings):
        handle = at_work(store, job).handle
        store.delete(job.id)
        with pytest.raises(NotFoundError):
            store.job(job.id)
        wait_for(lambda: not job.folder.path.exists())
        wait_for(lambda: not list((settings.jobs / ".trash").iterdir()))

    assert handle is not None
    assert not psutil.pid_exists(handle.pid)


def test_a_job_whose_folder_is_taken_away_is_forgotten_and_others_go_on(store: Store, settings: Settings) -> None:
    job, other = demo(store, steps=100_000), demo(store, steps=200)

    with running(settings):
        handle = at_work(store, job).handle
        job.folder.path.rename(settings.root / "elsewhere")
        wait_for(lambda: job.id not in [each.id for each in store.jobs()])
        assert finished(store, other).state is JobState.DONE
        assert handle is not None
        wait_for(lambda: not psutil.pid_exists(handle.pid) or psutil.Process(handle.pid).status() == "zombie")


def test_nothing_starts_while_the_disk_is_below_its_floor(store: Store, settings: Settings) -> None:
    job = demo(store, steps=1)

    with running(settings, min_free_disk_bytes=10**18):
        waiting = wait_for(lambda: store.job(job.id) if store.job(job.id).reason else None)

    assert (waiting.state, waiting.reason) == (JobState.WAITING, "Waiting: disk below 1e+09 GB")
    with running(settings):
        assert finished(store, job).state is JobState.DONE


def test_a_second_runner_of_one_root_says_so_and_leaves(store: Store, settings: Settings) -> None:
    first = start_runner(settings)
    wait_for(store.runner_alive)

    second = start_runner(settings)
    _, words = second.communicate(timeout=60)

    assert second.returncode == 2
    assert words == f"Another runner (process {first.pid}) works on {settings.root}; one is enough.\n"
    assert store.runner_alive()
    first.terminate()
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert not store.runner_alive()


def test_a_runner_that_cannot_start_says_why_in_one_line(settings: Settings) -> None:
    settings.root.mkdir()
    (settings.root / "digits.toml").write_text("cpu_slots = -1\n")

    answer = subprocess.run(
        [sys.executable, "-m", "digits.runner", "--root", str(settings.root)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 2
    assert "cpu_slots" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_job_on_several_gpus_is_told_to_use_a_process_for_each(store: Store, settings: Settings) -> None:
    job, executor = demo(store, steps=100_000), LocalExecutor()
    jobs = Jobs(store, Ledger(store), executor)

    jobs.carry_out([Start(job, (0, 3))])

    process = psutil.Process(wait_for(lambda: store.job(job.id).handle).pid)
    environment = process.environ()
    assert WorkerSettings.from_environment(environment).processes == 2
    assert environment["CUDA_VISIBLE_DEVICES"] == "0,3"
    assert WorkerSettings.of(settings).processes == 1
