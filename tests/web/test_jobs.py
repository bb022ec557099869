from __future__ import annotations

import json
from pathlib import Path

import pytest

from digits.core.states import JobState
from digits.store import Job
from tests.web.conftest import draw_pictures, finish, model_of, submit_dataset
from tests.web.serving import Serving


@pytest.fixture
def dataset(empty: Serving, tmp_path: Path) -> Job:
    """Queue a dataset of fred's, who is logged in."""
    empty.login("fred")
    return submit_dataset(empty.store, draw_pictures(tmp_path / "pictures", classes=2, each=2))


def test_a_job_is_renamed_and_its_notes_are_changed(empty: Serving, dataset: Job) -> None:
    answer = empty.client.put(f"/jobs/{dataset.id}", data={"job_name": "  lines ", "job_notes": "one\r\ntwo"})

    assert (answer.status_code, answer.text) == (200, "Image Classification Dataset updated.")
    assert answer.headers["content-type"].startswith("text/plain")
    job = empty.store.job(dataset.id)
    assert (job.name, job.notes) == ("lines", "one\ntwo")

    empty.client.put(f"/jobs/{dataset.id}", data={"job_notes": ""})

    job = empty.store.job(dataset.id)
    assert (job.name, job.notes) == ("lines", "")


def test_a_name_cannot_be_blank(empty: Serving, dataset: Job) -> None:
    answer = empty.client.put(f"/jobs/{dataset.id}", data={"job_name": " "}, headers={"Accept": "application/json"})

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["message"] == "400: Bad Request"
    assert (error["type"], error["description"]) == ("BadRequest", "name cannot be blank")


@pytest.mark.parametrize(("method", "tail"), [("PUT", ""), ("DELETE", ""), ("POST", "/abort")])
def test_only_the_owner_changes_a_job(empty: Serving, dataset: Job, method: str, tail: str) -> None:
    empty.login("zoe")

    answer = empty.client.request(method, f"/jobs/{dataset.id}{tail}", data={"job_name": "mine"})

    assert answer.status_code == 403
    assert "belongs to &#39;fred&#39;" in answer.text
    assert empty.store.job(dataset.id).name == "bars"


def test_anybody_with_a_name_changes_a_job_without_an_owner(empty: Serving, tmp_path: Path) -> None:
    job = submit_dataset(empty.store, tmp_path, username="")
    empty.login("zoe")

    assert empty.client.put(f"/jobs/{job.id}", data={"job_name": "mine"}).status_code == 200


@pytest.mark.parametrize(("method", "path"), [
    ("PUT", "/jobs/{}"), ("DELETE", "/jobs/{}"), ("DELETE", "/datasets/{}"), ("DELETE", "/models/{}"), ("POST", "/jobs/{}/abort"),
    ("POST", "/models/{}/abort"), ("GET", "/jobs/{}"), ("GET", "/jobs/{}/table_data.json"), ("GET", "/clone/{}"), ("GET", "/datasets/{}.json"),
    ("GET", "/models/{}.json"), ("GET", "/models/{}/download"), ("GET", "/jobs/{}/events"),
])  # fmt: skip
def test_an_unknown_job_is_a_404_in_digits_words(empty: Serving, method: str, path: str) -> None:
    empty.login("fred")

    answer = empty.client.request(method, path.format("20261124-000000-abcd"), headers={"Accept": "application/json"})

    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["message"] == "404: Not Found"
    assert (error["type"], error["description"]) == ("NotFound", "Job not found")


@pytest.mark.parametrize("noun", ["jobs", "datasets", "models"])
def test_the_status_of_an_unknown_job_is_no_error(empty: Serving, noun: str) -> None:
    answer = empty.client.get(f"/{noun}/20261124-000000-abcd/status")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert json.loads(answer.text) == {"error": "Job not found."}


def test_the_status_of_a_job_has_digits_four_keys(empty: Serving, dataset: Job) -> None:
    answer = empty.client.get(f"/datasets/{dataset.id}/status")

    assert answer.headers["content-type"].startswith("text/html")
    assert list(json.loads(answer.text).items()) == [
        ("error", None), ("status", "Initialized"), ("name", "bars"), ("type", "Image Classification Dataset"),
    ]  # fmt: skip


def test_a_waiting_job_is_aborted_and_one_that_is_over_is_not(empty: Serving, dataset: Job) -> None:
    finish(empty.store, dataset.id, JobState.WAITING)

    answer = empty.client.post(f"/datasets/{dataset.id}/abort")
    again = empty.client.post(f"/datasets/{dataset.id}/abort", headers={"Accept": "application/json"})

    assert (answer.status_code, answer.text) == (200, "Job aborted.")
    assert empty.store.job(dataset.id).state is JobState.ABORTED
    assert again.status_code == 403
    assert again.json()["error"]["description"].startswith("Job not aborted")


def test_a_job_is_deleted_with_its_folder(empty: Serving, dataset: Job) -> None:
    finish(empty.store, dataset.id, JobState.DONE)

    answer = empty.client.delete(f"/datasets/{dataset.id}")

    assert (answer.status_code, answer.text) == (200, "Job deleted.")
    assert not dataset.folder.path.exists()
    assert empty.client.get(f"/datasets/{dataset.id}.json").status_code == 404


def test_a_dataset_that_models_depend_on_is_kept_with_their_names_said(empty: Serving, dataset: Job) -> None:
    finish(empty.store, dataset.id, JobState.DONE)
    for name in ("a", "b"):
        model_of(empty.store, dataset, name=name)

    answer = empty.client.delete(f"/jobs/{dataset.id}", headers={"Accept": "application/json"})

    assert answer.status_code == 403
    assert answer.json()["error"]["description"] == 'Cannot delete "bars" because 2 models depend on it: "a", "b"'


def test_a_dataset_goes_together_with_the_models_made_of_it(empty: Serving, dataset: Job) -> None:
    finish(empty.store, dataset.id, JobState.DONE)
    model = model_of(empty.store, dataset)
    finish(empty.store, model.id, JobState.ABORTED)

    answer = empty.client.request("DELETE", "/jobs", data={"job_ids[]": [dataset.id, model.id]})

    assert (answer.status_code, answer.text) == (200, "Jobs deleted.")
    assert empty.store.jobs() == []


def test_of_many_jobs_those_that_can_be_deleted_are_and_the_others_are_counted(
    empty: Serving, dataset: Job, tmp_path: Path
) -> None:
    others = submit_dataset(empty.store, tmp_path, username="zoe")
    ids = [dataset.id, others.id, "20261124-000000-abcd", "20261124-000000-abce"]

    answer = empty.client.request("DELETE", "/jobs", data={"job_ids[]": ids}, headers={"Accept": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["error"]["description"] == "2 jobs not found. 1 job not permitted to be deleted."
    assert [job.id for job in empty.store.jobs()] == [others.id]


def test_many_jobs_are_aborted(empty: Serving, dataset: Job) -> None:
    answer = empty.client.post("/abort_jobs", data={"job_ids[]": [dataset.id]})
    again = empty.client.post("/abort_jobs", data={"job_ids[]": [dataset.id]}, headers={"Accept": "application/json"})

    assert (answer.status_code, answer.text) == (200, "Jobs aborted.")
    assert (again.status_code, again.json()["error"]["description"]) == (400, "Job not aborted (bars).")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_jobs_are_put_into_a_group_and_out_of_it(empty: Serving, dataset: Job, method: str) -> None:
    given = {"job_ids[]": [dataset.id], "group_name": "lines"}
    send = {"params": given} if method == "GET" else {"data": given}

    answer = empty.client.request(method, "/group", **send)  # type: ignore[arg-type]  # both are dicts of text

    assert (answer.status_code, answer.text) == (200, "Jobs regrouped.")
    assert empty.store.job(dataset.id).group == "lines"
    empty.client.post("/group", data={"job_ids[]": [dataset.id], "group_name": ""})
    assert empty.store.job(dataset.id).group == ""


def test_jobs_of_nobody_knows_what_or_of_others_are_not_regrouped(empty: Serving, dataset: Job) -> None:
    empty.login("zoe")
    ids = [dataset.id, "nonsense"]

    answer = empty.client.post("/group", data={"job_ids[]": ids}, headers={"Accept": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["error"]["description"] == "1 job not found. 1 job not permitted to be regrouped."


@pytest.mark.parametrize("path", ["/group", "/abort_jobs"])
def test_an_action_on_many_jobs_needs_jobs(empty: Serving, path: str) -> None:
    empty.login("fred")

    answer = empty.client.post(path, headers={"Accept": "application/json"})

    assert (answer.status_code, answer.json()["error"]["description"]) == (400, "job_ids[] is a required field")


def test_the_address_of_a_job_leads_to_its_page_and_clone_to_its_form(empty: Serving, dataset: Job) -> None:
    model = model_of(empty.store, dataset)

    def led(path: str) -> str:
        answer = empty.client.get(path)
        assert answer.status_code == 302
        return answer.headers["location"]

    assert led(f"/jobs/{dataset.id}") == f"/datasets/{dataset.id}"
    assert led(f"/jobs/{model.id}") == f"/models/{model.id}"
    assert led(f"/clone/{dataset.id}") == f"/datasets/images/classification/new?clone={dataset.id}"
    assert led(f"/clone/{model.id}") == f"/models/images/classification/new?clone={model.id}"


def test_events_are_told_from_where_one_left_off(empty: Serving, dataset: Job) -> None:
    from digits.core.events import EventWriter, Progress

    say = EventWriter(dataset.folder.events_file)
    say(Progress(task="parse_folder", done=1, total=2))
    first = empty.json(f"/jobs/{dataset.id}/events")
    say(Progress(task="parse_folder", done=2, total=2))
    second = empty.json(f"/jobs/{dataset.id}/events.json", after=first["next"])

    assert [event["done"] for event in first["events"]] == [1]
    assert [event["done"] for event in second["events"]] == [2]
    assert empty.json(f"/jobs/{dataset.id}/events", after=second["next"]) == {"next": second["next"], "events": []}
