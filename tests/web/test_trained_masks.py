"""Models of masks over HTTP: a small network learns drawn streets by the worker's own code, is shown with its classes, tested and evaluated."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from digits.core.events import Done, Emit, EventWriter
from digits.core.jobfolder import JobFolder, JobRecord
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.core.trainspec import TrainSpec
from digits.core.work import StopCheck, WorkerSettings
from digits.download.streets import CLASSES, draw_street
from digits.training.caffe_trainer import train
from digits.web.pages import words
from digits.workers.evaluate import evaluate
from tests.web.conftest import finish
from tests.web.markup import read
from tests.web.serving import Serving, serving
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
