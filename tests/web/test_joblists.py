"""The lists of all jobs over HTTP: DIGITS' keys for every kind, 304 while nothing changed, ids that match, the queue's order."""

from __future__ import annotations

import os
from typing import Any

import pytest

from digits.core.events import EventWriter, Metric
from digits.core.files import write_json
from digits.core.metrics import MetricsWriter
from digits.core.platform import process_start
from digits.core.states import JobState
from digits.store import Job
from digits.store.ledger import Ledger
from digits.store.store import RUNNER_FILE
from tests.web.conftest import World, finish, model_of, submit_dataset
from tests.web.markup import read
from tests.web.serving import Serving

COMMON = {
    "id", "name", "group", "status", "status_css", "submitted", "elapsed", "progress", "type", "username",
}  # fmt: skip


@pytest.fixture
def dataset(empty: Serving, tmp_path: Any) -> Job:
    """Log fred in, and make a dataset of his that is done."""
    empty.login("fred")
    job = submit_dataset(empty.store, tmp_path)
    return finish(empty.store, job.id, JobState.DONE)


def pretrained(empty: Serving, name: str = "weights") -> Job:
    return empty.store.submit(
        kind="pretrained_model", extension="caffe", title="Pretrained Model", name=name, worker="upload",
        username="fred", spec={"framework": "caffe"},
    )  # fmt: skip


def test_rows_of_every_kind_have_digits_keys(empty: Serving, dataset: Job) -> None:
    model = model_of(empty.store, dataset)
    writer = MetricsWriter(model.folder.metrics)
    for step in range(3):
        writer.append("loss/train", step=step, epoch=step, value=1 / (1 + step))
        writer.append('odd "name"/val', step=step, epoch=step, value=step)
        writer.append("lr", step=step, epoch=step, value=0.01)
    writer.close()
    finish(empty.store, model.id, JobState.ABORTED)
    finish(empty.store, pretrained(empty).id, JobState.DONE)

    lists = empty.json("/completed_jobs.json")

    assert set(lists) == {"running", "datasets", "models", "pretrained_models", "model_output_fields"}
    assert set(lists["datasets"][0]) == COMMON | {"backend", "refs"}
    assert lists["datasets"][0]["refs"] == 1
    assert set(lists["pretrained_models"][0]) == COMMON | {"framework", "has_labels"}
    row = lists["models"][0]
    outputs = {f"{name} {word}" for name in ("loss (train)", 'odd "name" (val)') for word in ("last", "min", "max")}
    assert set(row) == COMMON | {"framework", "dataset_id", "sparkline"} | outputs
    assert (row["framework"], row["dataset_id"]) == ("caffe", dataset.id)
    assert (row["status"], row["status_css"], row["type"], row["progress"]) == ("Aborted", "warning", "model", 0.0)
    assert row["sparkline"] == [1.0, 0.5, 0.3333]
    assert [row[f"loss (train) {word}"] for word in ("last", "min", "max")] == [1 / 3, 1 / 3, 1.0]
    assert lists["model_output_fields"] == sorted(outputs)


def test_a_job_is_in_the_lists_from_the_moment_it_exists(empty: Serving, dataset: Job) -> None:
    model = model_of(empty.store, dataset)

    lists = empty.json("/completed_jobs.json")

    assert [row["id"] for row in lists["running"]] == [model.id]
    assert (lists["running"][0]["elapsed"], lists["running"][0]["sparkline"]) == (0, [])
    assert [row["id"] for row in empty.json("/index.json")["models"]] == [model.id]


def test_a_model_that_trains_shows_what_it_told(empty: Serving, dataset: Job) -> None:
    model = model_of(empty.store, dataset)
    with empty.store.change(model.id) as index:
        index.move(JobState.RUNNING)
    writer = MetricsWriter(model.folder.metrics)
    writer.append("loss/train", step=1, epoch=0.1, value=2.5)
    writer.close()
    EventWriter(model.folder.events_file)(Metric(step=1, epoch=0.1, values={"loss/train": 2.5}))
    Ledger(empty.store).index_events([model.id])

    row = empty.json("/completed_jobs.json")["running"][0]

    assert (row["loss (train) last"], row["sparkline"]) == (2.5, [2.5])
    assert row["elapsed"] > 0
    assert "2.5000" in empty.client.get("/?tab=2").text


@pytest.mark.parametrize("path", ["/", "/?tab=1&q=bars", "/completed_jobs.json", "/index.json"])
def test_a_list_is_sent_again_only_after_a_change(empty: Serving, dataset: Job, path: str) -> None:
    first = empty.client.get(path)
    known = {"If-None-Match": first.headers["etag"]}

    unchanged = empty.client.get(path, headers=known)
    empty.store.edit(dataset.id, name="bars renamed")
    changed = empty.client.get(path, headers=known)

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert changed.status_code == 200
    assert "bars renamed" in changed.text
    assert changed.headers["etag"] != first.headers["etag"]


def test_what_one_may_do_is_not_taken_for_what_another_may(empty: Serving, dataset: Job) -> None:
    finish(empty.store, model_of(empty.store, dataset).id, JobState.WAITING)
    first = empty.client.get("/")
    empty.login("zoe")

    other = empty.client.get("/", headers={"If-None-Match": first.headers["etag"]})

    assert other.status_code == 200
    assert "The job belongs to fred." in other.text


def test_the_ids_of_all_that_match_are_given_out(empty: Serving, dataset: Job) -> None:
    nets = [model_of(empty.store, dataset, name=name).id for name in ("one", "two", "three")]

    assert empty.json("/jobs/ids.json") == {"job_ids": nets[::-1]}
    assert empty.json("/jobs/ids.json", tab="2", q="TWO caffe fred") == {"job_ids": [nets[1]]}
    assert empty.json("/jobs/ids.json", tab="1") == {"job_ids": [dataset.id]}
    assert empty.json("/jobs/ids.json", tab="3") == {"job_ids": []}
    assert empty.client.get("/jobs/ids.json", params={"tab": "9"}).status_code == 400


@pytest.mark.parametrize("query", [
    "tab=9", "tab=2&page=-1", "page=²", "page=99999999999999999999", "sort=';DROP TABLE jobs", "sort=-:last", "sort=%25&q=%25_\\",
    "q=" + "x " * 500, "group=0&group=1", "sort=refs&tab=2", "sort=loss/val:max&tab=1",
])  # fmt: skip
def test_no_address_of_the_home_page_is_an_error(world: World, query: str) -> None:
    answer = world.site.client.get("/?" + query)

    assert answer.status_code == 200
    assert read(answer.text).one(id="job-rows")


def test_a_name_that_is_html_stays_a_name(empty: Serving, dataset: Job) -> None:
    evil = "<img src=x onerror=alert(1)>\"'</td></table><script>alert(2)</script>"
    empty.client.put(f"/jobs/{dataset.id}", data={"job_name": evil})
    empty.client.post("/group", data={"job_ids[]": [dataset.id], "group_name": evil})

    page = empty.client.get("/?tab=1").text
    lists = empty.json("/completed_jobs.json")

    assert "<img src=x" not in page
    assert "<script>alert" not in page
    row = next(row for row in read(page).one(id="job-rows").find("tr") if "data-id" in row.attributes)
    assert row.find("a")[0].text == evil
    assert (lists["datasets"][0]["name"], lists["datasets"][0]["group"]) == (evil, evil)


def test_a_waiting_job_is_put_before_others_by_its_owner(empty: Serving, dataset: Job) -> None:
    first, second = model_of(empty.store, dataset, name="first"), model_of(empty.store, dataset, name="second")

    answer = empty.client.post(f"/jobs/{second.id}/priority", data={"priority": "5"})

    assert (answer.status_code, answer.json()) == (
        200, {"id": second.id, "name": "second", "status": "Initialized", "priority": 5, "queue_place": None},
    )  # fmt: skip
    assert [job.id for job in Ledger(empty.store).open_jobs()] == [second.id, first.id]


@pytest.mark.parametrize(("given", "code", "words"), [
    ({}, 400, "priority is a required field"), ({"priority": "soon"}, 400, "not a whole number"),
    ({"priority": "1e9"}, 400, "not a whole number"), ({"priority": "2000000"}, 400, "between"),
])  # fmt: skip
def test_a_priority_that_is_none_is_refused(
    empty: Serving, dataset: Job, given: dict[str, str], code: int, words: str
) -> None:
    job = model_of(empty.store, dataset)

    answer = empty.client.post(f"/jobs/{job.id}/priority.json", data=given)

    assert answer.status_code == code
    assert words in answer.json()["error"]["description"]


def test_the_priority_of_a_finished_or_foreign_job_is_not_changed(empty: Serving, dataset: Job) -> None:
    over = empty.client.post(f"/jobs/{dataset.id}/priority.json", data={"priority": "1"})
    empty.login("zoe")
    foreign = empty.client.post(f"/jobs/{dataset.id}/priority.json", data={"priority": "1"})

    assert over.status_code == foreign.status_code == 403
    assert over.json()["error"]["description"] == "Priority not changed. The job is Done already."
    assert "belongs to 'fred'" in foreign.json()["error"]["description"]


def test_waiting_jobs_stand_in_the_order_of_the_queue_and_the_later_ones_can_go_first(
    empty: Serving, dataset: Job
) -> None:
    for place, name in ((2, "later"), (1, "next")):
        job = model_of(empty.store, dataset, name=name)
        words = f"Waiting: 1 of 1 training slots busy, {place} in the queue"
        Ledger(empty.store).set_waiting(job.id, words, place)

    running = read(empty.client.get("/").text).one(id="running")

    rows = running.find("tr")[1:]
    assert [row.find("a")[0].text for row in rows] == ["next", "later"]
    assert "1 of 1 training slots busy, 2 in the queue" in rows[1].text
    buttons = [[button.text for button in row.find("button")] for row in rows]
    assert buttons == [["Abort"], ["Start next", "Abort"]]


def test_of_a_long_queue_the_first_are_shown_and_the_others_are_counted(empty: Serving, dataset: Job) -> None:
    for _ in range(53):
        model_of(empty.store, dataset)

    running = read(empty.client.get("/").text).one(id="running")

    assert len(running.find("tr")) == 1 + 50
    assert "3 more jobs wait" in running.text


def test_jobs_that_wait_for_a_runner_that_is_gone_say_so(empty: Serving, dataset: Job) -> None:
    model_of(empty.store, dataset)
    without = empty.client.get("/")
    pid = os.getpid()
    write_json(empty.settings.root / RUNNER_FILE, {"pid": pid, "created": process_start(pid)})

    with_runner = empty.client.get("/", headers={"If-None-Match": without.headers["etag"]})
    (empty.settings.root / RUNNER_FILE).unlink()

    assert "The job runner of this server does not run" in without.text
    assert with_runner.status_code == 200
    assert "The job runner" not in with_runner.text
