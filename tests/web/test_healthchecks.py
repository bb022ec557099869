from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digits.core.events import Done, EventWriter
from digits.core.states import JobState
from digits.core.work import WorkerSettings
from digits.store import Job
from digits.workers.health import check_health
from tests.web.conftest import build_dataset, draw_pictures, finish, model_of
from tests.web.serving import Serving


def draw_faulty(folder: Path) -> Path:
    """Draw class folders with noise, and twelve copies under wrong labels."""
    rng = np.random.default_rng(1)
    pictures = draw_pictures(folder, classes=3, each=12)
    for number in range(12):
        image = Image.fromarray(rng.integers(0, 255, (12, 12), dtype=np.uint8))
        image.save(pictures / "class_0" / f"same_{number}.png")
        image.save(pictures / "class_1" / f"same_{number}.png")
    return pictures


def start(site: Serving, dataset: Job, **form: str) -> str:
    answer = site.client.post(f"/datasets/{dataset.id}/health.json", data=form)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "Initialized"
    return str(answer.json()["id"])


def work(site: Serving, check_id: str) -> None:
    """Do what runner and worker do."""
    job = site.store.job(check_id)
    emit = EventWriter(job.folder.events_file)
    emit(Done(facts=check_health(job.folder.record(), job.folder, emit, lambda: False, WorkerSettings())))
    emit.close()
    finish(site.store, check_id, JobState.DONE)


@pytest.fixture
def dataset(empty: Serving, tmp_path: Path) -> Job:
    empty.login("fred")
    return build_dataset(empty.store, draw_faulty(tmp_path / "pictures"), random_seed=3)


def test_before_the_first_check_nothing_is_known_and_the_page_offers_one(empty: Serving, dataset: Job) -> None:
    answer = empty.json(f"/datasets/{dataset.id}/health.json")

    assert answer["status"] is None
    assert answer["leaks"] == answer["exact_duplicates"] == answer["suspects"] == []
    assert "Check health" in empty.client.get(f"/datasets/{dataset.id}").text
    assert "Check health" in empty.client.get(f"/datasets/{dataset.id}/health").text


def test_a_check_finds_what_was_planted_and_shows_it_with_pictures(empty: Serving, dataset: Job) -> None:
    check = start(empty, dataset)
    assert empty.json(f"/datasets/{dataset.id}/health.json")["status"] == "Initialized"

    work(empty, check)

    found = empty.json(f"/datasets/{dataset.id}/health.json")
    assert found["status"] == "Done"
    assert found["counts"]["conflicts"] == 12
    assert {item["label"] for item in found["conflicts"][0]} == {"class 0", "class 1"}
    assert set(found["conflicts"][0][0]) >= {"db", "key", "path", "label"}
    page = empty.client.get(f"/datasets/{dataset.id}/health").text
    item = found["conflicts"][0][0]
    assert f'data-db="{item["db"]}" data-key="{item["key"]}"' in page
    assert f"/datasets/{dataset.id}/picture/{item['db']}/{item['index']}" in page
    assert (
        page.index("Leaks between train, val and test")
        < page.index("Conflicting labels")
        < page.index("Exact duplicates")
    )
    assert empty.client.get(f"/files/{check}/conflicts.csv").text.startswith("group,db,key,label,path")
    assert "show=conflicts" in empty.client.get(f"/datasets/{dataset.id}").text


def test_one_finding_alone_is_paged_through(empty: Serving, dataset: Job) -> None:
    work(empty, start(empty, dataset))

    page = empty.client.get(f"/datasets/{dataset.id}/health", params={"show": "conflicts"}).text

    assert "1 to 12 of 12" in page
    assert "Leaks between" not in page.split("<main")[1]


def test_a_clean_dataset_is_told_to_be_clean(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")
    pictures = draw_pictures(tmp_path / "pictures", classes=2, each=30, side=24)
    rng = np.random.default_rng(0)
    for path in pictures.rglob("*.png"):
        Image.fromarray(rng.integers(0, 255, (24, 24), dtype=np.uint8)).save(path)
    dataset = build_dataset(empty.store, pictures)

    work(empty, start(empty, dataset))

    assert "Nothing found" in empty.client.get(f"/datasets/{dataset.id}/health").text


def test_a_check_is_in_no_list_and_goes_with_its_dataset(empty: Serving, dataset: Job) -> None:
    check = start(empty, dataset)

    listed = empty.json("/completed_jobs.json")
    assert [row["id"] for rows in listed.values() for row in rows if isinstance(row, dict)] == [dataset.id]
    assert [row["id"] for row in empty.json("/index.json")["datasets"]] == [dataset.id]
    assert "No jobs running" in empty.client.get("/").text
    answer = empty.client.get(f"/jobs/{check}")
    assert (answer.status_code, answer.headers["location"]) == (302, f"/datasets/{dataset.id}/health")

    assert empty.client.delete(f"/datasets/{dataset.id}").status_code == 200

    assert empty.client.get(f"/jobs/{check}").status_code == 404
    assert not (empty.settings.jobs / check).exists()


def test_one_check_runs_at_a_time_and_the_same_one_is_not_doubled(empty: Serving, dataset: Job) -> None:
    check = start(empty, dataset)

    again = empty.client.post(f"/datasets/{dataset.id}/health.json").json()
    other = empty.client.post(f"/datasets/{dataset.id}/health.json", data={"snapshot_epoch": "3"})

    assert again["id"] == check
    assert other.status_code == 403
    assert "under way" in other.text


def test_findings_stay_until_a_newer_check_has_some(empty: Serving, dataset: Job) -> None:
    first = start(empty, dataset)
    work(empty, first)
    second = start(empty, dataset)
    finish(empty.store, second, JobState.ERROR)

    found = empty.json(f"/datasets/{dataset.id}/health.json")
    assert (found["status"], found["found_by"], found["counts"]["conflicts"]) == ("Error", first, 12)

    work(empty, start(empty, dataset))
    work(empty, start(empty, dataset))
    assert len(empty.store.jobs(kind="health", parent=dataset.id)) == 2, "those before the last are removed"


@pytest.mark.parametrize("model", ["20261124-041512-0000", "itself", "untrained"])
def test_a_model_that_cannot_be_asked_is_a_problem_of_its_field(empty: Serving, dataset: Job, model: str) -> None:
    ids = {"itself": dataset.id, "untrained": model_of(empty.store, dataset).id}

    answer = empty.client.post(f"/datasets/{dataset.id}/health.json", data={"model": ids.get(model, model)})

    assert answer.status_code == 400
    assert "model" in answer.json()["errors"]


def test_the_form_of_a_new_dataset_asks_for_a_check_that_waits_for_it(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")
    form = {
        "method": "folder",
        "folder_train": str(draw_pictures(tmp_path / "p")),
        "dataset_name": "d",
        "check_health": "true",
    }

    made = empty.client.post("/datasets/images/classification.json", data=form).json()

    check = empty.store.jobs(kind="health", parent=made["id"])[0]
    assert check.depends_on == made["id"]
