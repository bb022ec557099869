"""Models over HTTP: made by the form, alone or as a sweep, refused in words, downloaded, and their networks looked at."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from digits.core.jobfolder import JobFolder
from digits.core.states import JobState
from digits.core.trainspec import CustomNetwork, StandardNetwork, TrainSpec
from digits.store import Job
from tests.web.conftest import World, build_dataset, draw_pictures, finish, submit_dataset
from tests.web.serving import Serving
from tests.web.standin import service
from tests.web.test_classify import forget
from tests.web.test_contract import MODEL_KEYS

CREATE = "/models/images/classification"
NETWORK = """layer { name: "data" type: "Data" top: "data" top: "label" }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" exclude { stage: "deploy" } }
layer { name: "softmax" type: "Softmax" bottom: "ip" top: "softmax" include { stage: "deploy" } }
"""


@pytest.fixture
def dataset(empty: Serving, tmp_path: Path) -> Job:
    """Make a small dataset; fred is logged in."""
    empty.login("fred")
    return build_dataset(empty.store, draw_pictures(tmp_path / "pictures"))


def form(trained_on: Job, **more: Any) -> dict[str, tuple[None, str]]:
    """Return the tutorial's form, as curl -F sends it."""
    fields = {
        "method": "standard", "standard_networks": "lenet", "train_epochs": "30", "framework": "caffe", "model_name": "net",
        "dataset": trained_on.id,
    } | more  # fmt: skip
    return {name: (None, value) for name, value in fields.items()}


def spec_of(site: Serving, job_id: str) -> TrainSpec:
    """Return the spec in a model's job.json."""
    return TrainSpec.model_validate(JobFolder(site.settings.jobs / job_id).record().spec)


def test_a_model_is_queued_with_digits_answer(empty: Serving, dataset: Job) -> None:
    answer = empty.client.post(f"{CREATE}.json", files=form(dataset))

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert list(body) == [*MODEL_KEYS, "dataset content hash"]
    assert body["dataset content hash"] == dataset.facts["content_hash"]
    assert body["image dimensions"] == [12, 12, 1]
    assert body["snapshot file"] == "no snapshots"
    record = JobFolder(empty.settings.jobs / body["id"]).record()
    assert (record.kind, record.worker, record.extension) == ("model", "train", "caffe")
    assert (record.title, record.depends_on, record.username) == ("Image Classification Model", dataset.id, "fred")
    assert [task.title for task in record.tasks] == ["Train Caffe Model"]
    assert (record.num_gpus, record.gpus) == (1, ())
    spec = spec_of(empty, body["id"])
    assert (spec.network, spec.train_epochs, spec.learning_rate) == (StandardNetwork(name="lenet"), 30, 0.01)


def test_a_page_is_led_to_the_new_model_and_a_sweep_home(empty: Serving, dataset: Job) -> None:
    one = empty.client.post(CREATE, files=form(dataset))
    many = empty.client.post(CREATE, files=form(dataset, learning_rate="0.1,0.01"))

    assert one.status_code == many.status_code == 302
    assert one.headers["location"].startswith("/models/2")
    assert many.headers["location"] == "/"


def test_a_sweep_is_a_job_for_each_combination_in_one_group(empty: Serving, dataset: Job) -> None:
    files = form(dataset, learning_rate="0.1, 0.01", batch_size="[32, 64]")

    jobs = empty.client.post(f"{CREATE}.json", files=files).json()["jobs"]

    assert [job["name"] for job in jobs] == [
        f"net learning_rate:{rate} batch_size:{size}" for rate in ("0.1", "0.01") for size in ("32", "64")
    ]
    specs = [spec_of(empty, job["id"]) for job in jobs]
    assert [(spec.learning_rate, spec.batch_size) for spec in specs] == [(0.1, 32), (0.1, 64), (0.01, 32), (0.01, 64)]
    assert {empty.store.job(job["id"]).group for job in jobs} == {"net"}


def test_one_bad_value_of_a_sweep_makes_no_job(empty: Serving, dataset: Job) -> None:
    answer = empty.client.post(f"{CREATE}.json", files=form(dataset, learning_rate="0.1,fast", batch_size="0,64"))

    assert answer.status_code == 400
    errors = answer.json()["errors"]
    assert errors["learning_rate"] == ["This is not a number: 'fast'."]
    assert errors["batch_size"] == ["Must be between 1 and 1,000,000."]
    assert empty.store.jobs(kind="model") == []


def test_a_custom_network_is_kept_with_the_line_ends_of_its_text(empty: Serving, dataset: Job) -> None:
    files = form(dataset, method="custom", custom_network=NETWORK.replace("\n", "\r\n"))

    answer = empty.client.post(f"{CREATE}.json", files=files)

    assert answer.status_code == 200, answer.text
    assert spec_of(empty, answer.json()["id"]).network == CustomNetwork(text=NETWORK)


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ({"dataset": "20261124-000000-abcd"}, "dataset", "Unknown dataset job_id"),
        ({"dataset": "../../etc"}, "dataset", "Unknown dataset job_id"),
        ({"framework": "torch9"}, "framework", "No extension 'torch9'"),
        ({"standard_networks": "lenot"}, "standard_networks", "lenot"),
        ({"method": "custom", "custom_network": ""}, "custom_network", "required"),
        ({"method": "custom", "custom_network": "this is no network"}, "custom_network", "Not a valid NetParameter"),
        ({"method": "previous"}, "previous_networks", "required"),
        ({"crop_size": "13"}, "crop_size", "larger than the pictures"),
        ({"model_name": ""}, "model_name", "required"),
        ({"select_gpus": "0,0"}, "select_gpus", "twice"),
        ({"lr_policy": "step", "lr_step_size": "0"}, "lr_step_size", "greater than 0"),
    ],
)
def test_what_cannot_be_trained_is_said_at_its_field(
    empty: Serving, dataset: Job, more: dict[str, str], field: str, words: str
) -> None:
    answer = empty.client.post(f"{CREATE}.json", files=form(dataset, **more))

    assert answer.status_code == 400, answer.text
    assert list(answer.json()["errors"]) == [field]
    assert words in answer.json()["errors"][field][0]


def test_a_refused_form_comes_back_whole_as_a_page(empty: Serving, dataset: Job) -> None:
    answer = empty.client.post(
        CREATE, files=form(dataset, learning_rate="fast", method="custom", custom_network="</textarea><b>")
    )

    assert answer.status_code == 400
    assert "alert-danger" in answer.text
    assert "This is not a number: &#39;fast&#39;." in answer.text
    assert "&lt;/textarea&gt;&lt;b&gt;" in answer.text
    assert "New Image Classification Model" in answer.text


def test_a_dataset_that_failed_is_not_trained_on_and_one_in_the_making_is(
    empty: Serving, dataset: Job, tmp_path: Path
) -> None:
    failed, running = (submit_dataset(empty.store, tmp_path, name=name) for name in ("failed", "running"))
    finish(empty.store, failed.id, JobState.ERROR)

    refused = empty.client.post(f"{CREATE}.json", files=form(failed))
    taken = empty.client.post(f"{CREATE}.json", files=form(running))

    assert refused.json()["errors"]["dataset"] == ["'failed' is Error; choose a dataset that is done."]
    assert taken.status_code == 200
    assert taken.json()["image dimensions"] == [12, 12, 1]


@pytest.mark.parametrize(
    ("more", "gpus", "count"),
    [
        ({}, (), 1), ({"select_gpu": "next"}, (), 1), ({"select_gpu": "2"}, (2,), 1), ({"select_gpus_list": "0, 3"}, (0, 3), 2),
        ({"select_gpus": "1,2", "select_gpu": "0"}, (1, 2), 2), ({"select_gpu_count": "4"}, (), 4), ({"select_gpu_count": ""}, (), 1),
        ({"select_gpu_count": "4", "select_gpus": "0"}, (0,), 1), ({"device": "cpu", "select_gpus": "0"}, (), 0),
    ],
)  # fmt: skip
def test_gpus_are_chosen_by_any_of_digits_fields(
    empty: Serving, dataset: Job, more: dict[str, str], gpus: tuple[int, ...], count: int
) -> None:
    answer = empty.client.post(f"{CREATE}.json", files=form(dataset, **more))

    record = JobFolder(empty.settings.jobs / answer.json()["id"]).record()
    assert (record.gpus, record.num_gpus) == (gpus, count)


def test_a_clone_overrides_what_is_posted(empty: Serving, dataset: Job) -> None:
    first = empty.client.post(
        f"{CREATE}.json", files=form(dataset, lr_policy="poly", lr_poly_power="2", shuffle="false")
    ).json()

    clone = empty.client.post(f"{CREATE}.json?clone={first['id']}", files={"train_epochs": (None, "5")}).json()

    assert spec_of(empty, clone["id"]) == spec_of(empty, first["id"])
    for changing in ("id", "job id", "creation time"):
        assert first.pop(changing) != clone.pop(changing)
    assert first == clone


def caffemodel(site: Serving) -> Any:
    """Return an answer of the inspector that converts any snapshot into a few bytes."""

    def answer(path: str, question: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert path == "/export"
        file = site.settings.root / "spool" / "converted.caffemodel"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(f"weights of epoch {question['epoch']:g}".encode())
        return 200, {"file": str(file)}

    return answer


@pytest.mark.parametrize(
    ("tail", "query", "name"),
    [
        ("", "", "{}_epoch_-1.tar.gz"), (".tar.gz", "", "{}_epoch_-1.tar.gz"), (".tgz", "epoch=-1", "{}_epoch_-1.0.tgz"),
        (".tar.bz2", "epoch=3", "{}_epoch_3.0.tar.bz2"), (".tar", "snapshot_epoch=3", "{}_epoch_3.0.tar"), (".zip", "epoch=10", "{}_epoch_10.0.zip"),
    ],
)  # fmt: skip
def test_a_download_holds_digits_files_flat(world: World, tail: str, query: str, name: str) -> None:
    job = world.ids["done"]
    (world.site.settings.jobs / job / "labels.txt").write_text("0\n1\n")
    with service(world.site.store, "inspect", caffemodel(world.site)):
        answer = world.site.client.get(f"/models/{job}/download{tail}?{query}")
    forget(world.site.store)

    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="{name.format(job)}"'
    found = members(answer.content, tail)
    epoch = 3 if "3" in query else 10
    weights = f"snapshot_iter_{epoch * 704}.caffemodel"
    expected = {
        "solver.prototxt",
        "train_val.prototxt",
        "deploy.prototxt",
        "original.prototxt",
        "labels.txt",
        weights,
        "info.json",
    }
    assert expected == set(found)
    assert found[weights] == f"weights of epoch {epoch}".encode()
    info = json.loads(found["info.json"])
    assert list(info) == sorted(MODEL_KEYS)
    assert info["snapshot file"] == weights
    assert b'\n    "caffe flavor"' in found["info.json"]
    assert list((world.site.settings.root / "spool").iterdir()) == []


def members(data: bytes, tail: str) -> dict[str, bytes]:
    """Return the files of an archive."""
    if tail == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            return {name: file.read(name) for name in file.namelist()}
    with tarfile.open(fileobj=io.BytesIO(data)) as file:
        return {info.name: file.extractfile(info).read() for info in file}  # type: ignore[union-attr]  # all are files


def test_a_download_without_a_name_on_disk_is_refused_in_words(world: World) -> None:
    def refused(job: str, tail: str) -> Any:
        answer = world.site.client.get(
            f"/models/{world.ids[job]}/download{tail}", headers={"Accept": "application/json"}
        )
        return answer.status_code, answer.json()["error"]["description"]

    assert refused("done", ".rar") == (400, "Invalid extension. Known: tar, tar.gz, tgz, tar.bz2, zip.")
    assert refused("done", ".tar?epoch=77")[1].startswith("Invalid epoch. The model has snapshots of epoch 1, 2")
    assert refused("done", ".tar?epoch=x") == (400, "Invalid epoch. 'x' is neither a number nor 'best'.")
    assert refused("waiting", "")[1].startswith("The model has no snapshot yet.")


def test_a_snapshot_has_the_name_that_digits_gave_it(world: World) -> None:
    with service(world.site.store, "inspect", caffemodel(world.site)):
        found = world.site.client.get(f"/files/{world.ids['done']}/snapshot_iter_2112.caffemodel")
        missing = world.site.client.get(f"/files/{world.ids['done']}/snapshot_iter_1.caffemodel")
    forget(world.site.store)

    assert found.content == b"weights of epoch 3"
    assert found.headers["content-disposition"] == 'attachment; filename="snapshot_iter_2112.caffemodel"'
    assert missing.status_code == 404


def test_a_standard_network_is_given_out_to_be_changed(empty: Serving, dataset: Job) -> None:
    answer = empty.client.post("/models/customize?network=lenet&framework=caffe")

    body = json.loads(answer.text)
    assert list(body) == ["network"]
    assert 'type: "InnerProduct"' in body["network"]
    job = empty.client.post(f"{CREATE}.json", files=form(dataset)).json()
    of_a_waiting_job = json.loads(empty.client.post(f"/models/customize?network={job['id']}&framework=caffe").text)
    assert of_a_waiting_job == {"network": body["network"], "snapshot": None, "python_layer": None}
    unknown = empty.client.post("/models/customize?network=lenot&framework=caffe")
    assert unknown.status_code == 404


def test_the_address_of_the_form_sets_choices_and_numbers_but_no_code(empty: Serving, dataset: Job) -> None:
    page = empty.client.get(
        f"{CREATE}/new",
        params={
            "dataset": dataset.id,
            "class_balance": "sampling",
            "train_epochs": "7",
            "custom_network": "import os",
            "aug_flip": "fliplr",
        },
    ).text

    assert '<option value="sampling" selected>' in page
    assert 'name="train_epochs" id="train_epochs" value="7"' in page
    assert "import os" not in page


def test_classes_that_cannot_be_weighed_are_told_at_their_field(empty: Serving, dataset: Job) -> None:
    text = NETWORK.replace("SoftmaxWithLoss", "HingeLoss")
    answer = empty.client.post(
        f"{CREATE}.json", files=form(dataset, method="custom", custom_network=text, class_balance="weights")
    )

    assert answer.status_code == 400
    assert "SoftmaxWithLoss" in answer.json()["errors"]["class_balance"][0]


def test_the_preview_of_augmentation_asks_the_inspector_about_the_datasets_pictures(
    empty: Serving, dataset: Job
) -> None:
    place = "/models/augmentation-preview.json"
    fields = {"dataset": dataset.id, "aug_rot": "15", "crop_size": "8", "seed": "2"}

    with service(empty.store, "inspect", lambda _path, _question: (200, {"pictures": []})) as asked:
        answer = empty.client.post(place, data=fields)
        refused = empty.client.post(place, data=fields | {"aug_rot": "200"})
        unknown = empty.client.post(place, data={"dataset": "nothing"})

    assert answer.json() == {"pictures": []}
    ((path, question),) = asked
    assert path == "/augmentation"
    assert (question["folder"], question["crop_px"], question["seed"]) == (str(dataset.folder.path), 8, 2)
    assert (question["augmentation"]["rot"], question["augmentation"]["flip"]) == (15, "none")
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["aug_rot"])
    assert unknown.status_code == 404
