"""Lists of jobs: filtered, sorted, grouped and counted by the database."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, select

from digits.core.events import Done, Metric, Progress
from digits.core.metrics import MetricsWriter
from digits.core.states import JobState
from digits.store import SeriesSummary, Store, migrations
from digits.store.ledger import Ledger
from digits.store.lists import Asked
from digits.store.schema import LISTED
from tests.store.jobs import all_rows, dataset, model, move, say


def trained(store: Store, name: str, accuracy: float | None, **more: Any) -> str:
    """Queue a model and end it, with an accuracy if one is given."""
    job = model(store, name, **more)
    move(store, job, JobState.RUNNING)
    if accuracy is not None:
        writer = MetricsWriter(job.folder.metrics)
        for step, value in enumerate((0.1, accuracy + 0.05, accuracy)):
            writer.append("accuracy/val", step=step, epoch=step, value=value)
        writer.close()
    move(store, job, JobState.DONE)
    return job.id


def names(store: Store, asked: Asked, **more: Any) -> list[str]:
    return [job.name for job in store.lists.page(asked, **({"limit": 100} | more))]


def test_models_are_sorted_by_a_curve_both_ways_with_those_that_lack_it_last(store: Store) -> None:
    trained(store, "good", 0.9)
    trained(store, "bad", 0.2)
    trained(store, "untold", None)

    assert names(store, Asked("model", sort="accuracy/val:last")) == ["bad", "good", "untold"]
    assert names(store, Asked("model", sort="-accuracy/val:max")) == ["good", "bad", "untold"]
    assert names(store, Asked("model", sort="-no such curve:last")) == ["untold", "bad", "good"]


def test_datasets_are_sorted_by_what_was_found_in_them(store: Store) -> None:
    for name, classes in (("two", 2), ("ten", 10), ("unknown", 0)):
        job = dataset(store, name)
        move(store, job, JobState.RUNNING)
        facts = {"labels": ["x"] * classes, "dbs": {"train": {"entries": 3}, "val": {"entries": classes}}}
        say(job, Done(facts=facts if classes else {}))
        move(store, job, JobState.DONE)

    listed = store.lists.page(Asked("dataset", sort="-classes"), limit=9)

    assert [(job.name, job.classes, job.pictures) for job in listed] == [
        ("ten", 10, 13), ("two", 2, 5), ("unknown", None, None),
    ]  # fmt: skip


def test_names_are_sorted_whatever_their_case_and_a_page_begins_where_the_last_one_ended(store: Store) -> None:
    for name in ("beta", "Alpha", "ÉTÉ", "alpha 2", "été 0"):
        dataset(store, name)

    asked = Asked("dataset", sort="name")

    assert names(store, asked) == ["Alpha", "alpha 2", "beta", "ÉTÉ", "été 0"]
    assert names(store, asked, limit=2, offset=2) == ["beta", "ÉTÉ"]


@pytest.mark.parametrize("sort", ["nonsense", "-name; DROP TABLE jobs", "", ":last", "job_id", "x:--"])
def test_an_unknown_order_is_the_usual_one(store: Store, sort: str) -> None:
    dataset(store, "first")
    dataset(store, "second")

    assert names(store, Asked("dataset", sort=sort)) == ["second", "first"]


def test_every_word_of_a_filter_must_be_found_and_wildcards_are_plain_letters(store: Store) -> None:
    dataset(store, "Digits 100%", username="fred", group="MNIST")
    dataset(store, "digits 1000", username="zoe")

    def found(*words: str) -> list[str]:
        return names(store, Asked("dataset", words=words))

    assert found("DIGITS", "mnist") == ["Digits 100%"]
    assert found("100%") == ["Digits 100%"]
    assert found("fred", "zoe") == []
    assert found("initialized") == ["digits 1000", "Digits 100%"]
    assert found("_") == []
    assert store.lists.count(Asked("dataset", words=("digits",))) == len(store.lists.ids(Asked("dataset"))) == 2


def test_a_framework_is_found_by_its_title_too(store: Store) -> None:
    model(store, "net")

    assert names(store, Asked("model", words=("coffee",), frameworks=(frozenset({"caffe"}),))) == ["net"]
    assert names(store, Asked("model", words=("coffee",), frameworks=(frozenset(),))) == []


def test_jobs_of_a_group_stand_together_where_its_first_job_is(store: Store) -> None:
    trained(store, "a1", 0.5, group="a")
    trained(store, "alone", 0.99)
    trained(store, "b1", 0.9, group="b")
    trained(store, "a2", 0.8, group="a")

    def order(sort: str) -> list[str]:
        return names(store, Asked("model", sort=sort, grouped=True))

    assert order("-submitted") == ["a2", "a1", "b1", "alone"]
    assert order("-accuracy/val:last") == ["b1", "a2", "a1", "alone"]
    assert order("accuracy/val:last") == ["a1", "a2", "b1", "alone"]
    facts = store.lists.groups(Asked("model"), ["a", "b", ""])
    assert (facts["a"].count, facts["a"].best, facts["a"].best_name) == (2, 0.8, "a2")
    assert (facts["b"].count, facts["b"].best) == (1, None)
    assert facts[""].count == 1


def test_while_a_model_trains_its_row_follows_what_is_told(store: Store) -> None:
    job = model(store)
    move(store, job, JobState.RUNNING)
    for step, loss in enumerate((2.0, 0.5, float("nan"), 0.7)):
        say(job, Metric(step=step, epoch=step, values={"loss/train": loss}))
    say(job, Progress(task="train", done=1, total=4, facts={"device": "cuda:1"}))
    Ledger(store).index_events([job.id])

    listed = store.lists.job(job.id)

    assert listed.summaries() == {"loss/train": SeriesSummary(last=0.7, min=0.5, max=2.0)}
    assert (listed.progress, listed.device, listed.spark) == (0.25, "GPU 1", "")


def test_a_deleted_job_is_in_no_list_though_its_process_still_ends(store: Store) -> None:
    job = dataset(store)
    move(store, job, JobState.RUNNING)
    store.delete(job.id)
    say(job, Progress(task="parse_folder", done=1, total=2))
    Ledger(store).index_events([job.id])

    with store.database.read() as connection:
        assert connection.execute(select(LISTED)).all() == []


def test_every_change_counts_and_a_look_does_not(store: Store) -> None:
    before = store.database.changes()
    job = dataset(store)
    after = store.database.changes()
    store.edit(job.id, name="renamed")
    last = store.database.changes()
    store.jobs()
    store.lists.all()

    assert before < after < last == store.database.changes()


def test_a_page_reads_no_wide_row_and_the_usual_one_goes_by_an_index(store: Store) -> None:
    asked: list[str] = []

    @event.listens_for(store.database.engine, "before_cursor_execute")
    def _(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    store.lists.page(Asked("model"), limit=100)

    assert not any("jobs" in statement for statement in asked)
    with store.database.read() as connection:
        chosen = next(statement for statement in asked if statement.startswith("SELECT"))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {chosen}", ("model", 100, 0)).all()
    words = " ".join(str(row[3]) for row in plan)
    assert "USING COVERING INDEX listed_by_kind" in words
    assert "TEMP B-TREE" not in words


def test_a_database_of_the_first_form_is_brought_up_with_its_lists_filled(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(store, "net", 0.9)
    dataset(store, group="g")
    rows, settings = all_rows(store), store.settings
    store.close()
    for file in settings.root.glob("digits.db*"):
        file.unlink()
    with (
        monkeypatch.context() as patch
    ):  # the program of that time: it knew one step, and did not fill what was not there
        patch.setattr(migrations, "head", lambda: "v0001_jobs")
        patch.setattr("alembic.command.upgrade", _to_the_first_step)
        patch.setattr("digits.store.reindex.rebuild_all", lambda *_: 0)
        Store(settings).close()

    upgraded = Store(settings)

    assert all_rows(upgraded) == rows
    upgraded.close()


def _to_the_first_step(config: Any, _: str) -> None:
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(config)
    steps = lambda revision, _context: script._upgrade_revs("v0001_jobs", revision)  # noqa: E731 - as alembic.command does
    with EnvironmentContext(config, script, fn=steps, destination_rev="v0001_jobs"):
        script.run_env()
