from __future__ import annotations

import json

import pytest

from digits.core.errors import JobError, NotFoundError
from digits.core.events import Done, Metric, Preview, Progress, Snapshot, Warned
from digits.core.metrics import MetricsWriter
from digits.core.states import JobState
from digits.store import SeriesSummary, Store
from digits.store.ledger import Ledger
from tests.store.jobs import dataset, model, move, say


def test_a_submitted_job_is_in_its_folder_and_in_the_index(store: Store) -> None:
    job = dataset(store, username="fred", group="g", notes="first try")

    assert store.job(job.id) == job
    assert (job.state, job.name, job.username, job.group, job.notes) == (
        JobState.INITIALIZED,
        "digits",
        "fred",
        "g",
        "first try",
    )
    assert job.spec == {"name": "digits", "side": 28}
    assert json.loads(job.folder.record_file.read_text())["spec"]["side"] == 28
    assert [line["what"] for line in job.folder.journal()] == ["submit", "edit"]
    assert [task.title for task in store.tasks(job.id)] == ["Parse Folder (train/val)", "Create DB (train)"]
    assert [row.state for row in store.history(job.id)] == [JobState.INITIALIZED]


def test_jobs_are_listed_newest_first_and_can_be_narrowed_down(store: Store) -> None:
    first, second = dataset(store, "a"), dataset(store, "b 100%")
    third = model(store, "c", depends_on=first.id)
    move(store, first, JobState.RUNNING)
    move(store, first, JobState.DONE)

    assert [job.name for job in store.jobs()] == ["c", "b 100%", "a"]
    assert [job.name for job in store.jobs("dataset", running=True)] == ["b 100%"]
    assert [job.name for job in store.jobs(running=False)] == ["a"]
    assert [job.name for job in store.jobs(depends_on=first.id)] == ["c"]
    assert [job.name for job in store.jobs(limit=1, offset=1)] == ["b 100%"]
    assert [job.name for job in store.jobs(search="100%")] == ["b 100%"]
    assert store.jobs(search="_") == []
    assert store.counts() == {"dataset": 2, "model": 1}
    assert store.lists.refs() == store.lists.refs([first.id, second.id]) == {first.id: 1}
    assert third.depends_on == first.id


def test_what_a_worker_says_shows_in_its_job_and_its_tasks(store: Store) -> None:
    job = dataset(store)
    move(store, job, JobState.RUNNING)
    say(
        job,
        Progress(task="parse_folder", done=10, total=10, state="done", facts={"label_count": 2}),
        Progress(task="create_train_db", done=3, total=12, unit="images", text="3 of 12", rate=7.5),
        Metric(step=1, epoch=0.1, values={"loss/train": 2.5, "lr": float("nan")}),
        Warned(message="odd"),
        Preview(name="mean", file="mean.jpg"),
    )

    Ledger(store).index_events([job.id])

    job = store.job(job.id)
    parse, create = store.tasks(job.id)
    assert (parse.state, parse.progress, parse.facts) == (JobState.DONE, 1.0, {"label_count": 2})
    assert (create.state, create.done, create.total, create.unit, create.rate) == (
        JobState.RUNNING,
        3,
        12,
        "images",
        7.5,
    )
    assert job.progress == (1 + 0.25) / 2
    assert (job.text, job.latest, job.previews) == ("3 of 12", {"loss/train": 2.5, "lr": None}, {"mean": "mean.jpg"})
    assert job.warnings[0]["message"] == "odd"
    assert job.eta_s is not None
    assert job.eta_s == pytest.approx(job.elapsed_s * 0.375 / 0.625, rel=0.5)


def test_events_count_once_however_often_they_are_read(store: Store) -> None:
    job = dataset(store)
    say(job, *(Warned(message=str(number)) for number in range(3)))
    ledger = Ledger(store)

    ledger.index_events([job.id])
    ledger.index_events([job.id])
    say(job, Warned(message="3"))
    ledger.index_events([job.id])

    assert [warning["message"] for warning in store.job(job.id).warnings] == ["0", "1", "2", "3"]


def test_half_a_line_waits_for_its_other_half(store: Store) -> None:
    job = dataset(store)
    line = Warned(message="whole").model_dump_json().encode() + b"\n"
    ledger = Ledger(store)

    job.folder.events_file.write_bytes(line[:20])
    ledger.index_events([job.id])
    before = store.job(job.id).warnings
    job.folder.events_file.write_bytes(line)
    ledger.index_events([job.id])

    assert before == []
    assert [warning["message"] for warning in store.job(job.id).warnings] == ["whole"]


def test_a_finished_job_is_whole_and_its_parts_too(store: Store) -> None:
    job = dataset(store)
    move(store, job, JobState.RUNNING)
    say(job, Progress(task="parse_folder", done=1, total=2), Done(facts={"bytes": 7}))

    move(store, job, JobState.DONE)

    job = store.job(job.id)
    assert (job.state, job.progress, job.facts, job.eta_s) == (JobState.DONE, 1.0, {"bytes": 7}, None)
    assert [(task.state, task.progress) for task in store.tasks(job.id)] == [(JobState.DONE, 1.0)] * 2


def test_the_part_that_failed_is_the_one_that_was_at_work(store: Store) -> None:
    job = dataset(store)
    move(store, job, JobState.RUNNING)
    say(
        job,
        Progress(task="parse_folder", done=2, total=2, state="done"),
        Progress(task="create_train_db", done=1, total=2),
    )

    move(store, job, JobState.ERROR, error={"message": "no", "where": "", "hint": "", "trace": ""})

    assert [task.state for task in store.tasks(job.id)] == [JobState.DONE, JobState.ERROR]
    assert str(store.job(job.id).error) == "no"


def test_a_move_that_the_table_forbids_leaves_no_trace(store: Store) -> None:
    job = dataset(store)
    move(store, job, JobState.ABORTED)
    lines = job.folder.journal_file.read_bytes()

    with pytest.raises(JobError, match="Aborted cannot become Running"):
        move(store, job, JobState.RUNNING)

    assert store.job(job.id).state is JobState.ABORTED
    assert job.folder.journal_file.read_bytes() == lines


def test_a_wait_of_less_than_a_second_is_left_out_of_the_history(store: Store) -> None:
    job = dataset(store)

    for state in (JobState.WAITING, JobState.RUNNING, JobState.DONE):
        move(store, job, state)

    assert [row.state.value for row in store.history(job.id)] == ["Initialized", "Running", "Done"]


def test_aborting_a_waiting_job_ends_it_and_aborting_again_is_refused(store: Store) -> None:
    job = dataset(store)

    assert store.abort(job.id).state is JobState.ABORTED
    with pytest.raises(JobError, match="Job not aborted") as caught:
        store.abort(job.id)

    assert caught.value.http_status == 403


def test_aborting_a_running_job_asks_its_worker(store: Store) -> None:
    job = dataset(store)
    move(store, job, JobState.RUNNING)

    job = store.abort(job.id)

    assert job.state is JobState.RUNNING
    assert job.stop_asked is not None
    assert job.folder.stop_file.exists()


def test_edits_are_kept_and_what_is_not_given_stays(store: Store) -> None:
    job = dataset(store, notes="n")

    job = store.edit(job.id, name="new", group="g")
    job = store.edit(job.id, notes="")

    assert (job.name, job.group, job.notes) == ("new", "g", "")


def test_a_deleted_job_is_gone_with_its_folder_and_its_children(store: Store) -> None:
    job = model(store)
    child = store.submit(
        kind="evaluation", extension="caffe", title="E", name="e", worker="evaluate", spec={}, parent=job.id
    )

    store.delete(job.id)
    store.empty_trash()

    for gone in (job, child):
        with pytest.raises(NotFoundError):
            store.job(gone.id)
        assert not gone.folder.path.exists()
    assert list(store.settings.jobs.rglob("*.json*")) == []


def test_a_dataset_that_models_were_made_of_is_not_deleted(store: Store) -> None:
    job = dataset(store, "x")
    first = model(store, "a", depends_on=job.id)
    model(store, "b", depends_on=job.id)

    with pytest.raises(JobError) as caught:
        store.delete(job.id)

    assert caught.value.message == 'Cannot delete "x" because 2 models depend on it: "a", "b"'
    store.delete(first.id)
    assert store.job(job.id).name == "x"


def test_a_running_job_is_hidden_when_deleted_and_its_folder_stays_until_it_ended(store: Store) -> None:
    job = dataset(store)
    move(store, job, JobState.RUNNING)

    store.delete(job.id)

    with pytest.raises(NotFoundError):
        store.job(job.id)
    assert store.jobs() == []
    assert job.folder.stop_file.exists()
    move(store, job, JobState.ABORTED)
    assert store.remove_if_over(job.id)
    assert not job.folder.path.exists()


def test_snapshots_come_in_order_and_an_inference_worker_is_asked_for_one_that_is(store: Store) -> None:
    job = model(store)
    with pytest.raises(NotFoundError, match="no snapshot yet"):
        store.ask_service("infer", job.id)
    say(
        job,
        *(
            Snapshot(epoch=epoch, step=int(epoch * 10), file=f"snapshots/epoch_{epoch:g}", bytes=5)
            for epoch in (1.0, 2.0)
        ),
    )
    Ledger(store).index_events([job.id])

    assert [snapshot.epoch for snapshot in store.snapshots(job.id)] == [1.0, 2.0]
    assert store.ask_service("infer", job.id).epoch == 2.0
    assert store.ask_service("infer", job.id, 1.0).epoch == 1.0
    with pytest.raises(NotFoundError, match="no snapshot of epoch 3"):
        store.ask_service("infer", job.id, 3)


def test_asking_again_returns_the_same_service_and_after_a_failure_a_new_one(store: Store) -> None:
    first = store.ask_service("inspect")
    same = store.ask_service("inspect")
    store.services.set(first.id, "failed")
    other = store.ask_service("inspect")

    assert first.state == "wanted"
    assert same.id == first.id
    assert other.id != first.id
    assert store.service(first.id).state == "failed"


def test_events_are_handed_out_from_a_place_on(store: Store) -> None:
    job = dataset(store)
    say(job, *(Warned(message=str(number)) for number in range(5)))

    place, first = store.events(job.id, limit=2)
    end, rest = store.events(job.id, place)

    assert [event["message"] for event in first + rest] == ["0", "1", "2", "3", "4"]
    assert store.events(job.id, end) == (end, [])


def test_a_sparkline_shows_the_training_loss_while_it_runs_and_after(store: Store) -> None:
    job = model(store)
    move(store, job, JobState.RUNNING)
    writer = MetricsWriter(job.folder.metrics)
    for step in range(1, 201):
        writer.append("accuracy/train", step=step, epoch=step / 100, value=9.0)
        writer.append("loss/train", step=step, epoch=step / 100, value=1 / step)
    writer.close()

    running = store.sparkline(job.id)
    move(store, job, JobState.DONE)
    done = store.lists.job(job.id)

    assert running == store.sparkline(job.id) == json.loads(done.spark)
    assert (len(running), running[0], running[-1]) == (50, 1.0, 1 / 200)
    assert done.summaries()["loss/train"] == SeriesSummary(last=1 / 200, min=1 / 200, max=1.0)


def test_an_unknown_id_is_not_found(store: Store) -> None:
    for ask in (store.job, store.abort, store.delete, store.edit, store.service):
        with pytest.raises(NotFoundError):
            ask("../../etc/passwd")
