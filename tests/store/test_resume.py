from __future__ import annotations

from typing import Any

import pytest

from digits.core.errors import JobError, NotFoundError
from digits.core.events import Done, Event, Failed, Progress, Resumed, Snapshot, Warned
from digits.core.jobfolder import SNAPSHOT_FACTS, SNAPSHOT_STATE
from digits.core.states import JobState
from digits.store import Job, Store
from digits.store.ledger import Ledger
from tests.store.jobs import all_rows, dataset, move, say


def training(store: Store, *, epochs: int = 10, depends_on: str = "") -> Job:
    """A training that runs."""
    job = store.submit(
        kind="model", extension="caffe", title="Model", name="lenet", worker="train", depends_on=depends_on,
        spec={"train_epochs": epochs},
    )  # fmt: skip
    move(store, job, JobState.RUNNING)
    return job


def at(epoch: float, total: int = 10, time: float = 0.0) -> Progress:
    more: dict[str, Any] = {"time": time} if time else {}
    return Progress(task="train", done=epoch, total=total, unit="epochs", text=f"Epoch {epoch} of {total}", **more)


def keeps(job: Job, *epochs: int) -> None:
    """Write snapshots as the trainer does: the two newest can be gone on from."""
    for epoch in epochs:
        place = job.folder.snapshots / f"epoch_{epoch}"
        place.mkdir(parents=True)
        for name in (SNAPSHOT_FACTS, SNAPSHOT_STATE) if epoch in epochs[-2:] else (SNAPSHOT_FACTS,):
            (place / name).write_text("{}")
        say(job, Snapshot(epoch=epoch, step=10 * epoch, file=f"snapshots/epoch_{epoch}", bytes=4), at(epoch))


def ends(store: Store, job: Job, state: JobState, *events: Event) -> None:
    say(job, *events)
    move(
        store,
        job,
        state,
        error={"message": "no", "where": "", "hint": "", "trace": ""} if state is JobState.ERROR else None,
    )


@pytest.mark.parametrize("state", [JobState.ERROR, JobState.ABORTED])
def test_a_job_that_is_over_waits_again_as_the_same_job(store: Store, state: JobState) -> None:
    job = training(store)
    keeps(job, 1, 2)
    if state is JobState.ABORTED:
        store.abort(job.id)
    ends(store, job, state, Failed(message="no"))

    resumed = store.resume(job.id, by="fred")

    assert (resumed.id, resumed.state, resumed.attempt) == (job.id, JobState.WAITING, 2)
    assert (resumed.error, resumed.stop_asked, resumed.outcome, resumed.reason) == (None, None, {}, "")
    assert resumed.progress == pytest.approx(0.2)
    assert [row.epoch for row in store.snapshots(job.id)] == [1, 2]
    assert store.history(job.id)[-1].reason == "Resumed by fred."
    assert [line["by"] for line in job.folder.journal() if line["what"] == "resume"] == ["fred"]
    assert job.id in [each.id for each in Ledger(store).open_jobs()]


def test_what_came_after_the_snapshot_is_forgotten_and_the_history_says_where_it_went_on(store: Store) -> None:
    job = training(store)
    keeps(job, 1, 2, 3)
    ends(store, job, JobState.ERROR, Warned(message="The mean is odd."))
    store.resume(job.id)
    move(store, job, JobState.RUNNING)

    say(job, Warned(message="The mean is odd."), Resumed(step=20, attempt=2, epoch=2.0), at(2.5))
    Ledger(store).index_events([job.id])

    assert [row.epoch for row in store.snapshots(job.id)] == [1, 2]
    assert store.history(job.id)[-1].reason == "Resumed from epoch 2 (attempt 2)"
    assert [each["message"] for each in store.job(job.id).warnings] == ["The mean is odd."]
    before = all_rows(store)
    store.reindex()
    assert all_rows(store) == before


@pytest.mark.parametrize("state", [JobState.INITIALIZED, JobState.WAITING, JobState.RUNNING])
def test_a_job_on_its_way_is_not_resumed(store: Store, state: JobState) -> None:
    job = dataset(store)
    if state is not JobState.INITIALIZED:
        move(store, job, state)

    with pytest.raises(JobError, match=f"Job not resumed: it is {state} already"):
        store.resume(job.id)

    assert not any(line["what"] == "resume" for line in job.folder.journal())


def test_any_kind_of_job_can_be_resumed(store: Store) -> None:
    job = dataset(store)
    store.abort(job.id)

    assert store.resume(job.id).state is JobState.WAITING


def test_a_finished_training_goes_on_with_more_epochs_alone(store: Store) -> None:
    job = training(store)
    keeps(job, 9, 10)
    ends(store, job, JobState.DONE, Done())

    for epochs in (None, 10, 4):
        with pytest.raises(JobError, match="Job not resumed: all 10 epochs are done"):
            store.resume(job.id, epochs=epochs)
    longer = store.resume(job.id, epochs=25)

    assert longer.spec["train_epochs"] == 25
    assert job.folder.record().spec["train_epochs"] == 10  # what was submitted never changes
    assert job.folder.spec_changes() == {"train_epochs": 25}
    assert longer.progress == pytest.approx(0.4)
    assert store.lists.job(job.id).total_epochs == 25
    (task,) = store.tasks(job.id)
    assert (task.state, task.total) == (JobState.WAITING, 25)


def test_the_end_cannot_be_moved_before_what_is_done(store: Store) -> None:
    job = training(store)
    keeps(job, 3, 4)
    ends(store, job, JobState.ABORTED)

    with pytest.raises(JobError, match="Job not resumed: 4 epochs are done, so it cannot end at 3"):
        store.resume(job.id, epochs=3)

    assert store.resume(job.id, epochs=5).spec["train_epochs"] == 5


def test_without_its_dataset_a_training_is_not_resumed(store: Store) -> None:
    source = dataset(store, "digits")
    job = training(store, depends_on=source.id)
    ends(store, job, JobState.ERROR)
    store.abort(source.id)

    with pytest.raises(JobError, match='Job not resumed: its dataset "digits" is Aborted'):
        store.resume(job.id)
    Ledger(store).forget(source.id)
    with pytest.raises(JobError, match="Job not resumed: its dataset was deleted"):
        store.resume(job.id)


def test_a_training_whose_solver_states_are_gone_is_not_begun_anew_over_its_weights(store: Store) -> None:
    job = training(store)
    keeps(job, 1, 2, 3)
    ends(store, job, JobState.ABORTED)
    for epoch in (3, 2):
        store.drop_snapshot(job.id, epoch)

    with pytest.raises(JobError, match="Job not resumed: its snapshots hold weights alone"):
        store.resume(job.id)


def test_a_training_that_ended_early_goes_on_to_its_end_with_new_patience(store: Store) -> None:
    job = training(store)
    keeps(job, 1, 2, 3)
    say(job, Done(facts={"stopped_early": {"epoch": 3.0}}))
    Ledger(store).index_events([job.id])
    ends(store, job, JobState.DONE)

    with pytest.raises(JobError, match="3 epochs are done, so it cannot end at 3"):
        store.resume(job.id, epochs=3)
    store.resume(job.id)

    (line,) = [line for line in job.folder.journal() if line["what"] == "resume"]
    assert line["changes"] == {"early_stop": {"after": 3.0}}
    assert job.folder.spec_changes() == line["changes"]


def test_a_snapshot_is_deleted_for_good(store: Store) -> None:
    job = training(store)
    keeps(job, 1, 2, 3)
    Ledger(store).index_events([job.id])
    with pytest.raises(JobError, match="Snapshot not deleted: the job is Running"):
        store.drop_snapshot(job.id, 2)
    ends(store, job, JobState.ABORTED)

    store.drop_snapshot(job.id, 2)

    assert [row.epoch for row in store.snapshots(job.id)] == [1, 3]
    assert not (job.folder.snapshots / "epoch_2").exists()
    store.reindex()
    assert [row.epoch for row in store.snapshots(job.id)] == [1, 3]
    with pytest.raises(NotFoundError, match="no snapshot of epoch 2"):
        store.drop_snapshot(job.id, 2)


def test_the_time_that_a_job_stood_still_is_not_counted(store: Store) -> None:
    job = training(store)
    lines = [
        {"time": job.created + 60, "what": "state", "state": "Error"},
        {"time": job.created + 9000, "what": "resume", "by": ""},
        {"time": job.created + 9010, "what": "state", "state": "Running"},
        {"time": job.created + 9050, "what": "state", "state": "Aborted"},
    ]
    say(job, at(1, time=job.created + 10))
    with store.change(job.id) as index:
        index.index_events()
        index.job["started"] = job.created
        for line in lines[:3]:
            index.apply_line(line)
        index.apply_event(at(2, time=job.created + 9020))
        index.apply_line(lines[3])

    assert store.job(job.id).elapsed_s == pytest.approx(60 + 40)
    assert store.tasks(job.id)[0].elapsed_s == pytest.approx(50 + 30)
