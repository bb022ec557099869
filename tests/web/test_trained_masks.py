"""Models of masks over HTTP: a small network learns drawn streets by the worker's own code, is shown with its classes, tested and evaluated."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from digits.cli.main import cli
from digits.client import Client
from digits.core.events import Done, Emit, EventWriter
from digits.core.jobfolder import JobFolder, JobRecord
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.core.trainspec import TrainSpec
from digits.core.work import StopCheck, WorkerSettings
from digits.data.images import encode_png
from digits.download.streets import CLASSES, draw_street
from digits.training.caffe_trainer import train
from digits.web.pages import words
from digits.workers.evaluate import evaluate
from digits.workers.infer import setup
from tests.web.conftest import finish
from tests.web.markup import read
from tests.web.serving import Serving, serving
from tests.web.standin import service
from tests.web.test_segmentation import streets

NETWORK = """
layer { name: "colours" type: "Convolution" bottom: "data" top: "colours" convolution_param { num_output: 11 kernel_size: 1 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "colours" bottom: "label" top: "loss" exclude { stage: "deploy" } }
layer { name: "softmax" type: "Softmax" bottom: "colours" top: "softmax" include { stage: "deploy" } }
"""
"""Knows nothing before it learns, as its weights are zero: all scores are equal, and the first class is said everywhere."""


@dataclass(frozen=True)
class Masks:
    """A server with a model that says Sky everywhere."""

    site: Serving
    dataset: str
    model: str

    def run(self, job_id: str, worker: Callable[..., dict[str, Any]]) -> None:
        """Do what runner and worker do."""
        job = self.site.store.job(job_id)
        emit = EventWriter(job.folder.events_file)
        facts = worker(job.folder.record(), job.folder, emit, lambda: False, WorkerSettings(device="cpu"))
        emit(Done(facts=facts))
        emit.close()
        finish(self.site.store, job_id, JobState.DONE)


def learn(
    record: JobRecord, folder: JobFolder, emit: Emit, stop: StopCheck, settings: WorkerSettings
) -> dict[str, Any]:
    """Train as the worker does."""
    return train(TrainSpec.model_validate(record.spec), folder, settings, emit, stop)


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Masks]:
    """Train for two epochs at a rate of nothing."""
    folder = tmp_path_factory.mktemp("masks")
    with serving(Settings(root=folder / "root")) as site:
        dataset = str(streets(site, folder / "streets")["id"])
        fields = {
            "dataset": dataset, "model_name": "net", "method": "custom", "custom_network": NETWORK, "framework": "caffe",
            "train_epochs": "2", "learning_rate": "0", "batch_size": "2", "device": "cpu",
        }  # fmt: skip
        answer = site.client.post("/models/images/generic.json", data=fields)
        assert answer.status_code == 200, answer.text
        found = Masks(site, dataset, str(answer.json()["id"]))
        found.run(found.model, learn)
        yield found


@pytest.fixture(scope="module")
def answering(masks: Masks) -> Iterator[Masks]:
    """Let the model answer, by the code of its worker."""
    site = masks.site
    handlers = setup(
        JobFolder(site.settings.jobs / masks.model),
        None,
        WorkerSettings(device="cpu", spool=str(site.settings.root / "spool")),
    )

    def answer(path: str, question: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return 200, handlers[path](question)

    with service(site.store, "infer", answer, job_id=masks.model, epoch=2.0):
        yield masks


def pixels() -> np.ndarray:
    """Return how many validation pixels are of each class."""
    labels = np.concatenate([draw_street(64, 48, seed=(0, 1, at)).label_HW.ravel() for at in range(2)])
    return np.bincount(labels, minlength=len(CLASSES))


def test_the_page_says_in_words_that_one_class_is_said_everywhere_and_what_each_reached(masks: Masks) -> None:
    share = pixels()[0] / pixels().sum()

    tree = read(masks.site.client.get(f"/models/{masks.model}").text)

    assert f"It says {CLASSES[0]} everywhere." in tree.one(id="words-on").text
    assert f"{share:.3f} of the validation pixels are {CLASSES[0]}" in tree.one(id="words-on").text
    rows = {
        row.find("td")[0].text.strip(): row.find("td")[1].text
        for row in tree.one(id="class-rates").one("tbody").find("tr")
    }
    assert rows[CLASSES[0]] == words.percent(share)
    assert set(rows) == {label for label, count in zip(CLASSES, pixels(), strict=True) if count}
    assert rows["Road"] == "0.00"
    actions = {
        each.attributes["action"].rpartition("/")[2] for each in tree.find("form") if "action" in each.attributes
    }
    assert {"infer_one", "infer_many", "evaluations"} <= actions
    assert "classify_one" not in actions


def test_an_evaluation_counts_pixels_and_tells_the_overlap_of_each_class(masks: Masks) -> None:
    client = masks.site.client
    job_id = client.post(f"/models/{masks.model}/evaluations.json", data={"db": "val"}).json()["id"]
    masks.run(job_id, evaluate)
    share, present = pixels()[0] / pixels().sum(), int((pixels() > 0).sum())

    told = masks.site.json(f"/evaluations/{job_id}.json")
    page = client.get(f"/evaluations/{job_id}").text
    tree = read(page)
    table = list(csv.DictReader(io.StringIO(client.get(f"/files/{job_id}/per_class.csv").text)))

    assert told["metrics"]["pixel_accuracy"] == pytest.approx(share)
    assert told["metrics"]["mean_iou"] == pytest.approx(share / present)
    assert {row["label"]: int(row["pixels"]) for row in table} == dict(zip(CLASSES, pixels().tolist(), strict=True))
    assert f"{pixels()[1:].sum():,}" in tree.one("div", **{"class": "panel-body figures"}).text
    heads = [each.text for each in tree.one(id="per-class").one("thead").find("button")]
    assert heads == ["Class", "IoU, %", "Recall, %", "Pixels"]
    assert "Most wrong pixels" in tree.one(id="pictures").text
    assert f"dataset_id={masks.dataset}&amp;db=val&amp;record=" in page
    listed = read(client.get(f"/models/{masks.model}").text).one(id="evaluation-rows").text
    assert f"{words.percent(share / present)} %" in listed
    chosen = client.get(f"/evaluations/{job_id}", params={"show": "all", "true": "1", "predicted": "0"})
    assert chosen.status_code == 200


def test_an_archive_is_answered_picture_by_picture_and_what_is_none_passes(answering: Masks) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for at in range(3):
            archive.writestr(f"day/{at}.png", encode_png(draw_street(64, 48, seed=(1, 0, at)).image_HWC))
        archive.writestr("day/notes.txt", "three streets")
        archive.writestr("__MACOSX/day/._0.png", b"\x89PNG\r\n\x1a\n")
    files = {"image_list": ("streets.zip", packed.getvalue())}

    told = answering.site.client.post(
        "/models/images/generic/infer_many.json", data={"job_id": answering.model}, files=files
    ).json()
    page = answering.site.client.post(
        "/models/images/generic/infer_many", data={"job_id": answering.model}, files=files
    )
    empty = answering.site.client.post(
        "/models/images/generic/infer_many.json",
        data={"job_id": answering.model},
        files={"image_list": ("a.zip", b"PK\x05\x06" + bytes(18))},
    )

    assert list(told["outputs"]) == ["day/0.png", "day/1.png", "day/2.png"]
    assert np.shape(told["outputs"]["day/0.png"]["softmax"]) == (1, 11, 48, 64)
    assert page.status_code == 200
    assert "day/0.png" in page.text
    assert "holds no picture" in empty.json()["error"]["description"]


def test_a_dataset_is_answered_by_the_command_line_too(answering: Masks) -> None:
    with Client(answering.site.address) as client:
        found = client.model.infer_many(answering.model, dataset=answering.dataset, db="val").outputs

    assert len(found) == 2
    assert all(np.shape(outputs["softmax"]) == (1, 11, 48, 64) for outputs in found.values())
    asked = [
        "model",
        "infer",
        answering.model,
        "--dataset",
        answering.dataset,
        "--db",
        "val",
        "--server",
        answering.site.address,
        "--json",
    ]
    out = CliRunner().invoke(cli, asked)
    assert out.exit_code == 0, out.output
    assert json.loads(out.output).keys() == found.keys()
