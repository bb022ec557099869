from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from digits.core.events import Done, Failed, Metric, Progress, Resumed, Snapshot, Warned
from digits.core.jobfolder import JobFolder
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.store import Store
from digits.store.ledger import Ledger
from tests.store.jobs import all_rows, dataset, model, move, say


def _many_lives(store: Store) -> None:
    """Jobs in every state, with all kinds of lines and events, in awkward orders."""
    ledger = Ledger(store)
    done = dataset(store, "done", group="g", username="fred", notes="n")
    move(store, done, JobState.WAITING)
    move(store, done, JobState.RUNNING)
    say(done, Progress(task="parse_folder", done=1, total=1, state="done"), Warned(message="w"))
    ledger.index_events([done.id])
    store.edit(done.id, name="renamed")
    say(done, Progress(task="create_train_db", done=4, total=9, facts={"entries": 9}), Done(facts={"bytes": 3}))
    move(store, done, JobState.DONE)

    failed = model(store, "failed", depends_on=done.id)
    move(store, failed, JobState.RUNNING)
    say(failed, Metric(step=3, epoch=0.1, values={"loss/train": 2.0}), Snapshot(epoch=1, step=10, file="s/1", bytes=4))
    say(failed, Snapshot(epoch=2, step=20, file="s/2", bytes=4), Resumed(step=10, attempt=2), Failed(message="no"))
    move(store, failed, JobState.ERROR, error={"message": "no", "where": "a", "hint": "b", "trace": "c"})
    say(failed, Warned(message="said after the end"))
    ledger.index_events([failed.id])

    aborted = dataset(store, "aborted")
    store.prioritize(aborted.id, 3)
    store.abort(aborted.id)
    running = dataset(store, "running")
    move(store, running, JobState.RUNNING)
    say(running, Progress(task="parse_folder", done=1, total=4, rate=2.0))
    ledger.index_events([running.id])
    store.abort(running.id)
    deleted = dataset(store, "deleted while it runs")
    move(store, deleted, JobState.RUNNING)
    store.delete(deleted.id)
    dataset(store, "fresh")


def test_an_index_rebuilt_from_the_job_folders_equals_the_one_that_was_lost(store: Store, settings: Settings) -> None:
    _many_lives(store)
    before = all_rows(store)
    store.close()
    for file in settings.root.glob("digits.db*"):
        file.unlink()

    rebuilt = Store(settings)
    count = rebuilt.reindex()

    assert count == 6
    assert len(before["jobs"]) == 6
    assert all_rows(rebuilt) == before
    rebuilt.close()


def test_reindexing_a_whole_index_changes_nothing(store: Store) -> None:
    _many_lives(store)
    before = all_rows(store)

    store.reindex()

    assert all_rows(store) == before


def test_a_job_whose_row_was_lost_in_a_crash_is_found_again(store: Store) -> None:
    job = dataset(store)
    before = all_rows(store)
    with store.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM jobs")  # as if killed between the journal and the row

    assert Ledger(store).recover() == 1

    assert all_rows(store) == before
    assert store.job(job.id) == job


def test_a_job_that_the_runner_found_before_its_row_was_written_is_there_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = JobFolder.note

    def note_and_be_found(folder: JobFolder, what: str, **facts: Any) -> dict[str, Any]:
        line = note(folder, what, **facts)
        assert Ledger(store).recover() == 1  # a runner that starts at this very moment
        return line

    monkeypatch.setattr(JobFolder, "note", note_and_be_found)

    job = dataset(store)

    assert [each.id for each in store.jobs()] == [job.id]


def test_a_job_that_could_not_be_submitted_does_not_turn_up_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("digits.store.rows.add", full)
    with pytest.raises(OSError, match="No space"):
        dataset(store)
    monkeypatch.undo()

    assert Ledger(store).recover() == 0
    assert list(store.settings.jobs.iterdir()) == []


def test_a_line_of_the_journal_that_the_rows_missed_counts_at_the_next_start(store: Store) -> None:
    job = dataset(store)
    job.folder.note("state", state="Aborted", events=0)  # as if killed between the journal and the row

    Ledger(store).recover()

    assert store.job(job.id).state is JobState.ABORTED


def test_a_torn_line_costs_itself_alone(store: Store) -> None:
    job = dataset(store)
    with job.folder.journal_file.open("ab") as file:
        file.write(b'{"time": 1, "what": "ed')

    store.edit(job.id, name="after the power cut")
    store.reindex()

    assert store.job(job.id).name == "after the power cut"


def test_a_folder_that_cannot_be_read_is_left_out_and_the_others_stay(store: Store, tmp_path: Path) -> None:
    good, bad = dataset(store, "good"), dataset(store, "bad")
    bad.folder.record_file.write_text("{")
    shutil.copytree(good.folder.path, store.settings.jobs / "a copy by hand")

    assert store.reindex() == 1

    assert [job.name for job in store.jobs()] == ["good"]
