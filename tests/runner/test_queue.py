from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from digits.core.executor import Handle
from digits.core.jobfolder import JobFolder, JobKind
from digits.core.states import JobState
from digits.runner.queue import Decision, GiveUp, Start, Wait, plan
from digits.runner.resources import Resources
from digits.store import Job


def _job(
    name: str, state: JobState = JobState.INITIALIZED, kind: JobKind = "model", held: tuple[int, ...] = (), **more: Any
) -> Job:
    facts: dict[str, Any] = {
        "id": name, "kind": kind, "extension": "", "title": "", "name": name, "group": "", "username": "", "notes": "",
        "state": state, "reason": "", "created": 0.0, "started": None, "finished": None, "progress": 0.0, "text": "",
        "rate": None, "parent": "", "depends_on": "", "worker": "demo", "num_gpus": 0, "wanted_gpus": (), "gpus": held,
        "latest": {}, "error": None, "attempt": 1, "priority": 0, "queue_place": None, "stop_asked": None,
        "deleted": False, "handle": Handle(pid=1, created="", gpus=held) if held else None,
        "folder": JobFolder(Path("/none") / name), "texts": {},
    }  # fmt: skip
    return Job(**(facts | more))


def _running(name: str, **more: Any) -> Job:
    return _job(name, JobState.RUNNING, **more)


def _resources(gpus: int = 0, slots: int = 1, free: int = 10**12) -> Resources:
    return Resources(tuple(range(gpus)), slots, slots, 2 * 10**9, free)


def _words(decisions: list[Decision]) -> dict[str, str]:
    """Each job with what becomes of it, in one line."""
    words = {}
    for decision in decisions:
        match decision:
            case Start(job, gpus):
                words[job.name] = f"start {list(gpus)}"
            case Wait(job, reason):
                words[job.name] = reason
            case GiveUp(job, state, reason):
                words[job.name] = f"{state}: {reason}"
    return words


def test_those_who_wait_for_a_slot_are_told_how_many_are_busy_and_their_place() -> None:
    jobs = [_running("a"), _job("b"), _job("c"), _job("d")]

    assert _words(plan(jobs, _resources(slots=1), {})) == {
        "b": "Waiting: 1 of 1 training slots busy, 1st in the queue",
        "c": "Waiting: 1 of 1 training slots busy, 2nd in the queue",
        "d": "Waiting: 1 of 1 training slots busy, 3rd in the queue",
    }


def test_a_dataset_is_made_beside_a_training_but_not_beside_another_dataset() -> None:
    jobs = [_running("training"), _job("set", kind="dataset"), _job("other set", kind="dataset")]

    assert _words(plan(jobs, _resources(slots=1), {})) == {
        "set": "start []",
        "other set": "Waiting: 1 of 1 dataset slots busy, 1st in the queue",
    }


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (("d", JobState.RUNNING), "Waiting: its dataset is not Done"),
        (("d", JobState.ERROR), 'Aborted: Its dataset "d" ended in Error.'),
        (("d", JobState.ABORTED), 'Aborted: Its dataset "d" was aborted.'),
        (None, "Aborted: Its dataset was deleted."),
        (("d", JobState.DONE), "start []"),
    ],
)
def test_a_model_follows_its_dataset(dataset: tuple[str, JobState] | None, words: str) -> None:
    jobs = [_job("m", depends_on="set")]

    assert _words(plan(jobs, _resources(), {"set": dataset} if dataset else {})) == {"m": words}


def test_a_model_that_waits_for_its_dataset_holds_nobody_up() -> None:
    jobs = [_job("first", depends_on="set"), _job("second")]

    assert _words(plan(jobs, _resources(), {"set": ("d", JobState.RUNNING)}))["second"] == "start []"


def test_nothing_starts_below_the_floor_of_the_disk() -> None:
    assert _words(plan([_job("a")], _resources(free=10**9), {})) == {"a": "Waiting: disk below 2 GB"}


def test_trainings_take_the_next_free_gpus_or_those_they_name() -> None:
    jobs = [
        _running("held", held=(0,)),
        _job("two", num_gpus=2),
        _job("named", num_gpus=1, wanted_gpus=(0,)),
        _job("last", num_gpus=1),
        _job("none left", num_gpus=1),
    ]

    assert _words(plan(jobs, _resources(gpus=4), {})) == {
        "two": "start [1, 2]",
        "named": "Waiting: GPU 0 is busy, 1st in the queue",
        "last": "start [3]",
        "none left": "Waiting: 4 of 4 GPUs busy, 2nd in the queue",
    }


def test_a_training_that_wants_many_gpus_is_not_starved_by_later_ones_that_want_few() -> None:
    jobs = [_running("held", held=(0,)), _job("wide", num_gpus=2), _job("narrow", num_gpus=1)]

    assert _words(plan(jobs, _resources(gpus=2), {})) == {
        "wide": "Waiting: 1 of 2 GPUs busy, 1st in the queue",
        "narrow": "Waiting: 1 of 2 GPUs busy, 2nd in the queue",
    }


def test_more_gpus_than_there_are_means_all_of_them_and_without_any_a_slot() -> None:
    wish = [_job("a", num_gpus=8)]

    assert _words(plan(wish, _resources(gpus=2), {})) == {"a": "start [0, 1]"}
    assert _words(plan(wish, _resources(gpus=0), {})) == {"a": "start []"}


def test_a_gpu_that_does_not_exist_is_an_error_in_words() -> None:
    jobs = [_job("a", wanted_gpus=(0, 7))]

    assert _words(plan(jobs, _resources(gpus=2), {})) == {"a": "Error: GPU 7 is not in this machine, or not for jobs."}
