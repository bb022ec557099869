"""Datasets over HTTP: made by the form, looked into, and shown picture by picture."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
from PIL import Image

from digits.core.jobfolder import JobFolder
from digits.core.states import JobState
from digits.data.records import read_datum
from digits.extensions.datasets.classification.sources.folder.spec import FolderSource
from digits.extensions.datasets.classification.spec import ClassificationSpec
from digits.web.png import png
from tests.web.conftest import build_dataset, draw_pictures, finish, submit_dataset
from tests.web.serving import Serving

CREATE = "/datasets/images/classification"


def form(folder: Path, **more: str) -> dict[str, tuple[None, str]]:
    """Return the tutorial's form, as curl -F sends it."""
    fields = {
        "folder_train": str(folder), "encoding": "png", "resize_channels": "1", "resize_width": "12", "resize_height": "12",
        "method": "folder", "dataset_name": "bars",
    } | more  # fmt: skip
    return {name: (None, value) for name, value in fields.items()}


def test_a_dataset_is_queued_and_on_disk_before_the_answer(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")
    pictures = draw_pictures(tmp_path / "pictures")

    answer = empty.client.post(f"{CREATE}.json", files=form(pictures, group_name="lines"))

    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["id", "name", "status"]
    assert (body["name"], body["status"]) == ("bars", "Initialized")
    record = JobFolder(empty.settings.jobs / body["id"]).record()
    assert (record.kind, record.extension, record.worker) == ("dataset", "image-classification", "build")
    assert (record.title, record.group, record.username) == ("Image Classification Dataset", "lines", "fred")
    assert [task.title for task in record.tasks] == [
        "Parse Folder (train/val)", "Create DB (train)", "Create DB (val)",
    ]  # fmt: skip
    assert ClassificationSpec.model_validate(record.spec).source == FolderSource(train=str(pictures))
    assert empty.json("/completed_jobs.json")["running"][0]["id"] == body["id"]


def test_a_page_is_led_to_the_new_dataset(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")

    answer = empty.client.post(CREATE, files=form(draw_pictures(tmp_path / "pictures")))

    assert answer.status_code == 302
    job = empty.store.jobs()[0]
    assert answer.headers["location"] == f"/datasets/{job.id}"


def test_json_is_taken_as_the_nested_spec(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")
    body = {"name": "bars", "resize_width": 12, "source": {"train": str(draw_pictures(tmp_path / "pictures"))}}

    good = empty.client.post(f"{CREATE}.json", json=body)
    typo = empty.client.post(f"{CREATE}.json", json=body | {"resize_with": 12})

    assert good.status_code == 200
    assert empty.store.job(good.json()["id"]).spec["resize_width"] == 12
    assert (typo.status_code, typo.json()) == (400, {"errors": {"resize_with": ["There is no field of this name."]}})


def test_every_problem_of_a_form_is_told_at_its_field(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")

    answer = empty.client.post(
        f"{CREATE}.json", files=form(tmp_path, resize_width="0", encoding="gif", dataset_name="")
    )
    missing = empty.client.post(f"{CREATE}.json", files=form(tmp_path / "none"))
    one_class = empty.client.post(f"{CREATE}.json", files=form(draw_pictures(tmp_path / "one", classes=1)))

    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"resize_width", "encoding", "dataset_name", "folder_train"}
    assert missing.json()["errors"]["folder_train"] == [f"{tmp_path / 'none'} does not exist."]
    assert "two classes" in one_class.json()["errors"]["folder_train"][0]
    assert empty.store.jobs() == []


def test_a_refused_form_comes_back_whole_as_a_page(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")

    answer = empty.client.post(
        CREATE, files=form(tmp_path / "none", dataset_name="my <b>bars</b>", resize_width="wide")
    )

    assert answer.status_code == 400
    assert "alert-danger" in answer.text
    assert 'value="wide"' in answer.text
    assert "This is not a whole number: &#39;wide&#39;." in answer.text
    assert "my &lt;b&gt;bars&lt;/b&gt;" in answer.text
    assert "New Image Classification Dataset" in answer.text


@pytest.mark.parametrize("where", ["params", "data"])
def test_a_clone_overrides_what_is_posted(empty: Serving, tmp_path: Path, where: str) -> None:
    empty.login("fred")
    pictures = draw_pictures(tmp_path / "pictures")
    first = empty.client.post(f"{CREATE}.json", files=form(pictures, folder_pct_val="40", encoding="jpg")).json()

    given: Any = {where: {"clone": first["id"]}}
    clone = empty.client.post(f"{CREATE}.json", files=form(tmp_path, encoding="none"), **given).json()

    one, two = (empty.json(f"/datasets/{job['id']}.json") for job in (first, clone))
    for changing in ("id", "directory"):
        assert one.pop(changing) != two.pop(changing)
    assert one == two
    assert empty.store.job(clone["id"]).spec == empty.store.job(first["id"]).spec


def test_a_clone_has_the_name_and_the_group_that_the_original_has_by_now(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")
    job = submit_dataset(empty.store, draw_pictures(tmp_path / "pictures"))
    empty.client.put(f"/jobs/{job.id}", data={"job_name": "new name"})
    empty.client.post("/group", data={"job_ids[]": [job.id], "group_name": "new group"})

    page = empty.client.get(f"/datasets/images/classification/new?clone={job.id}").text
    clone = empty.store.job(empty.client.post(f"{CREATE}.json", data={"clone": job.id}).json()["id"])

    assert (clone.name, clone.group) == ("new name", "new group")
    assert all(f'value="{value}"' in page for value in ("new name", "new group"))


def test_a_dataset_made_of_no_dataset_is_refused(empty: Serving) -> None:
    empty.login("fred")

    answer = empty.client.post(f"{CREATE}.json", data={"dataset_name": "none", "method": "derived"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["method"])


def test_the_clone_of_a_dataset_takes_its_pictures_by_the_same_chance(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")
    job = build_dataset(empty.store, draw_pictures(tmp_path / "pictures"))

    clone = empty.client.post(f"{CREATE}.json", data={"clone": job.id}).json()

    assert job.spec["random_seed"] is None
    assert empty.store.job(clone["id"]).spec == job.spec | {"random_seed": job.facts["random_seed"]}


@pytest.mark.parametrize(("encoding", "kind"), [("png", "PNG"), ("jpg", "JPEG"), ("none", "PNG")])
def test_a_stored_picture_is_shown_as_it_was_drawn(empty: Serving, tmp_path: Path, encoding: str, kind: str) -> None:
    pictures = draw_pictures(tmp_path / "pictures", channels=3)
    dataset = build_dataset(empty.store, pictures, encoding=encoding, resize_channels=3)
    query = {"job_id": dataset.id, "db": "train"}

    item = empty.json(f"{CREATE}/explore.json", **query)["items"][0]
    answer = empty.client.get(item["url"])

    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    shown = Image.open(io.BytesIO(answer.content))
    assert (shown.format, shown.size) == (kind, (12, 12))
    drawn = np.asarray(Image.open(item["path"]))
    assert np.abs(np.asarray(shown).astype(int) - drawn).mean() <= (0 if kind == "PNG" else 25)


def test_records_are_told_page_by_page_with_the_keys_of_the_database(empty: Serving, tmp_path: Path) -> None:
    dataset = build_dataset(empty.store, draw_pictures(tmp_path / "pictures"))
    with lmdb.open(str(dataset.folder.path / "train_db"), readonly=True, lock=False) as env, env.begin() as transaction:
        keys = [key.decode() for key in transaction.cursor().iternext(values=False)]
        labels = [read_datum(record).label for record in transaction.cursor().iternext(keys=False)]

    pages = [
        empty.json(f"{CREATE}/explore.json", job_id=dataset.id, db="train_db", size=7, page=page) for page in range(4)
    ]

    assert [page["total"] for page in pages] == [len(keys)] * 4
    items = [item for page in pages for item in page["items"]]
    assert [item["key"] for item in items] == keys
    assert [item["label"] for item in items] == [f"class {label}" for label in labels]
    assert pages[0]["counts"] == [labels.count(label) for label in range(3)]
    assert [len(page["items"]) for page in pages] == [7, 7, 4, 0]


def test_records_are_filtered_by_class_and_found_by_path(empty: Serving, tmp_path: Path) -> None:
    dataset = build_dataset(empty.store, draw_pictures(tmp_path / "pictures"))
    query = {"job_id": dataset.id, "db": "train", "size": 100}

    of_class = empty.json(f"{CREATE}/explore.json", **query, label=1)
    found = empty.json(f"{CREATE}/explore.json", **query, search="CLASS_2/0")
    both = empty.json(f"{CREATE}/explore.json", **query, label=1, search="class_2")

    assert {item["label"] for item in of_class["items"]} == {"class 1"}
    assert of_class["total"] == of_class["counts"][1]
    assert found["total"] > 0
    assert all("/class_2/0" in item["path"] for item in found["items"])
    assert (both["total"], both["items"]) == (0, [])


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"db": "nothing"}, 400, "No create_db task for nothing"),
        ({"db": "test"}, 404, "No create_db task for test"),
        ({"label": "9"}, 400, "There is no class 9"),
        ({"page": "x"}, 400, "page is not a whole number"),
        ({"size": "0"}, 400, "size must be between"),
        ({"size": "100000"}, 400, "size must be between"),
        ({"job_id": ""}, 400, "job_id is a required field"),
    ],
)
def test_what_cannot_be_explored_is_said(
    empty: Serving, tmp_path: Path, query: dict[str, str], status: int, words: str
) -> None:
    dataset = build_dataset(empty.store, draw_pictures(tmp_path / "pictures"))

    answer = empty.client.get(f"{CREATE}/explore.json", params={"job_id": dataset.id} | query)

    assert answer.status_code == status
    assert words in answer.json()["error"]["description"]


def test_an_unfinished_dataset_is_not_explored_and_its_state_is_said(empty: Serving, tmp_path: Path) -> None:
    dataset = submit_dataset(empty.store, tmp_path)
    finish(empty.store, dataset.id, JobState.ABORTED)

    answer = empty.client.get(f"{CREATE}/explore.json", params={"job_id": dataset.id})

    assert answer.status_code == 403
    assert "status should be 'D' but is 'A'" in answer.json()["error"]["description"]


@pytest.mark.parametrize("tail", ["train/999", "train/-1", "train/x", "train/00000000000000000001", "test/0", "none/0"])
def test_a_picture_that_is_not_stored_is_not_found(empty: Serving, tmp_path: Path, tail: str) -> None:
    dataset = build_dataset(empty.store, draw_pictures(tmp_path / "pictures"))

    assert empty.client.get(f"/datasets/{dataset.id}/picture/{tail}").status_code in (400, 404)


def test_the_json_of_a_real_dataset_has_the_builders_counts(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")
    created = empty.client.post(f"{CREATE}.json", files=form(draw_pictures(tmp_path / "pictures"))).json()
    assert [task["entries"] for task in empty.json(f"/datasets/{created['id']}.json")["CreateDbTasks"]] == [None, None]

    dataset = build_dataset(empty.store, tmp_path / "pictures")

    assert json.loads(empty.client.get(f"/datasets/{dataset.id}/status").text)["status"] == "Done"
    assert empty.client.get(f"/files/{dataset.id}/labels.txt").text.split("\n")[:3] == ["class 0", "class 1", "class 2"]
    assert empty.json(f"/datasets/{dataset.id}/refused") == []


def test_our_png_is_read_by_others_pixel_for_pixel() -> None:
    rng = np.random.default_rng(1)
    for channels in (1, 3):
        pixels = rng.integers(0, 256, (5, 7, channels), dtype=np.uint8)

        picture = Image.open(io.BytesIO(png(pixels.tobytes(), width=7, height=5, channels=channels)))

        assert (np.asarray(picture).reshape(5, 7, channels) == pixels).all()


def test_a_dataset_that_came_to_no_end_goes_on_and_one_that_is_done_does_not(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")
    pictures = draw_pictures(tmp_path / "pictures")
    broken = submit_dataset(empty.store, pictures)
    finish(empty.store, broken.id, JobState.ABORTED)
    done = build_dataset(empty.store, pictures)

    page = empty.client.get(f"/datasets/{broken.id}")
    answer = empty.client.post(f"/datasets/{broken.id}/resume.json")
    again = empty.client.post(f"/datasets/{broken.id}/resume.json")
    refused = empty.client.post(f"/datasets/{done.id}/resume.json")

    assert f'data-url="/datasets/{broken.id}/resume"' in page.text
    assert (answer.status_code, answer.json()["id"]) == (200, broken.id)
    assert empty.store.job(broken.id).state is JobState.WAITING
    assert again.status_code == 403
    assert (refused.status_code, "it is Done" in refused.text) == (403, True)
    assert "/resume" not in empty.client.get(f"/datasets/{done.id}").text


def test_only_its_owner_lets_a_dataset_go_on(empty: Serving, tmp_path: Path) -> None:
    job = submit_dataset(empty.store, draw_pictures(tmp_path / "pictures"), username="fred")
    finish(empty.store, job.id, JobState.ABORTED)
    empty.login("mary")

    assert empty.client.post(f"/datasets/{job.id}/resume.json").status_code == 403
    assert empty.store.job(job.id).state is JobState.ABORTED
