"""Evaluations over HTTP: a small network is trained and answers its databases by the worker's own code."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from digits.core.events import Done, EventWriter
from digits.core.jobfolder import JobFolder
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.core.trainspec import CustomNetwork, FixedPolicy, TrainSpec
from digits.core.work import StoppedError, WorkerSettings
from digits.store import Job
from digits.training.caffe_trainer import train
from digits.workers.evaluate import evaluate
from tests.web.conftest import build_dataset, draw_pictures, finish
from tests.web.serving import Serving, serving

FORMULA = "=1+1"
NETWORK = """
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" exclude { stage: "deploy" } }
layer { name: "softmax" type: "Softmax" bottom: "ip" top: "softmax" include { stage: "deploy" } }
"""


class Trained:
    """A server with a dataset of four classes, two of which look the same, and a model of it."""

    def __init__(self, site: Serving, dataset: Job, model: Job, pictures: Path) -> None:
        self.site, self.dataset, self.model, self.pictures = site, dataset, model, pictures

    def start(self, **form: str) -> str:
        answer = self.site.client.post(f"/models/{self.model.id}/evaluations.json", data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def refused(self, **form: str) -> dict[str, list[str]]:
        answer = self.site.client.post(f"/models/{self.model.id}/evaluations.json", data=form)
        assert answer.status_code == 400
        errors: dict[str, list[str]] = answer.json()["errors"]
        return errors

    def work(self, job_id: str) -> None:
        """Do what runner and worker do."""
        job = self.site.store.job(job_id)
        emit = EventWriter(job.folder.events_file)
        emit(Done(facts=evaluate(job.folder.record(), job.folder, emit, lambda: False, WorkerSettings(device="cpu"))))
        emit.close()
        finish(self.site.store, job_id, JobState.DONE)

    def done(self, **form: str) -> str:
        job_id = self.start(**form)
        self.work(job_id)
        return job_id


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp("trained")
    pictures = draw_pictures(folder / "pictures", classes=3, each=16)
    (pictures / "class_2").rename(pictures / FORMULA)
    twin = pictures / "twin of class 0"
    twin.mkdir()
    for path in (pictures / "class_0").iterdir():
        (twin / path.name).write_bytes(path.read_bytes())
    with serving(Settings(root=folder / "root")) as site:
        site.login("fred")
        dataset = build_dataset(site.store, pictures, random_seed=1)
        spec = TrainSpec(
            name="net", dataset=dataset.id, network=CustomNetwork(text=NETWORK), train_epochs=4, batch_size=8,
            learning_rate=0.0001, lr=FixedPolicy(), use_mean="none", random_seed=1, device="cpu",
        )  # fmt: skip
        model = site.store.submit(
            kind="model", extension="caffe", title="Image Classification Model", name="net", username="fred", worker="train",
            spec=spec.model_dump(mode="json"), depends_on=dataset.id,
        )  # fmt: skip
        emit = EventWriter(model.folder.events_file)
        train(spec, JobFolder(model.folder.path), WorkerSettings(num_threads=1), emit, lambda: False)
        emit(Done())
        emit.close()
        yield Trained(site, dataset, finish(site.store, model.id, JobState.DONE), pictures)


def test_an_evaluation_is_a_job_and_its_json_agrees_with_its_files(trained: Trained) -> None:
    job_id = trained.start()
    before = trained.site.json(f"/evaluations/{job_id}.json")
    assert (before["status"], before["metrics"], before["db"]) == ("Initialized", {}, "val")
    assert trained.start() == job_id  # what is under way is not doubled

    trained.work(job_id)

    found = trained.site.json(f"/evaluations/{job_id}.json")
    assert found.keys() >= {
        "id",
        "status",
        "model_id",
        "dataset_id",
        "db",
        "snapshot_epoch",
        "count",
        "metrics",
        "per_class",
        "confusion",
    }
    assert (found["status"], found["model_id"], found["dataset_id"]) == ("Done", trained.model.id, trained.dataset.id)
    assert (found["snapshot_epoch"], found["count"]) == (4, 16)
    rows = list(csv.DictReader(io.StringIO(trained.site.client.get(f"/files/{job_id}/predictions.csv").text)))
    right = [row["label"] == row["prediction"] for row in rows]
    assert found["metrics"]["accuracy"] == pytest.approx(sum(right) / len(right))
    assert sum(count for *_, count in found["confusion"]) == len(rows) == 16
    pairs = {(true, said): count for true, said, count in found["confusion"]}
    assert pairs["class 1", "class 1"] == 4
    assert [row["label"] for row in found["per_class"]] == trained.dataset.facts["labels"]
    for name in ("metrics.json", "per_class.csv", "confusion.csv"):
        assert trained.site.client.get(f"/files/{job_id}/{name}").status_code == 200
    trained.site.client.delete(f"/evaluations/{job_id}")


def test_the_best_snapshot_is_evaluated_by_that_word(trained: Trained) -> None:
    answer = trained.site.client.post(f"/models/{trained.model.id}/evaluations.json", data={"snapshot_epoch": "best"})

    job = trained.site.store.job(answer.json()["id"])
    assert job.spec["epoch"] == trained.site.json(f"/models/{trained.model.id}.json")["best snapshot"]
    trained.site.client.delete(f"/evaluations/{job.id}")


def test_no_name_is_a_formula_in_a_table(trained: Trained) -> None:
    job_id = trained.done()

    assert FORMULA in [row["label"] for row in trained.site.json(f"/evaluations/{job_id}.json")["per_class"]]
    for name in ("per_class.csv", "confusion.csv", "predictions.csv"):
        cells = [
            cell
            for row in csv.reader(io.StringIO(trained.site.client.get(f"/files/{job_id}/{name}").text))
            for cell in row
        ]
        assert f"'{FORMULA}" in cells
        assert not [cell for cell in cells if cell.startswith("=")]
    trained.site.client.delete(f"/evaluations/{job_id}")


def test_a_cell_of_the_matrix_opens_its_pictures_which_can_be_relabelled(trained: Trained) -> None:
    job_id = trained.done(db="train", snapshot_epoch="2")
    found = trained.site.json(f"/evaluations/{job_id}.json")
    true, said, count = max((cell for cell in found["confusion"] if cell[0] != cell[1]), key=lambda cell: cell[2])
    labels = trained.dataset.facts["labels"]
    query = f"true={labels.index(true)}&predicted={labels.index(said)}"

    page = trained.site.client.get(f"/evaluations/{job_id}").text
    cell = trained.site.client.get(f"/evaluations/{job_id}?{query}").text

    assert f"/evaluations/{job_id}?{query.replace('&', '&amp;')}" in page
    for title in ("Worst pairs", "How far its confidence can be trusted", "Reliability", "Most confident mistakes"):
        assert title in page
    assert cell.count("data-key=") == count
    assert cell.count('data-db="train"') == count
    assert f'data-label="{true}"' in cell
    assert 'id="relabel"' in cell
    trained.site.client.delete(f"/evaluations/{job_id}")


def test_a_dataset_that_is_not_one_for_the_model_is_refused_in_words(trained: Trained, tmp_path: Path) -> None:
    store = trained.site.store
    large = build_dataset(store, trained.pictures, name="large", resize_width=20)
    colour = build_dataset(store, trained.pictures, name="colour", resize_channels=3)
    others = build_dataset(store, draw_pictures(tmp_path / "others", classes=4), name="others")
    fewer = draw_pictures(tmp_path / "fewer", classes=2)

    assert "12 × 12 with 1 channel; the dataset has 20 × 12" in trained.refused(dataset_id=large.id)["dataset_id"][0]
    assert "the dataset has 12 × 12 with 3 channels" in trained.refused(dataset_id=colour.id)["dataset_id"][0]
    assert "knows no class 'class 2'" in trained.refused(dataset_id=others.id)["dataset_id"][0]
    assert trained.refused(dataset_id="nix")["dataset_id"] == ["There is no dataset 'nix'."]
    assert trained.refused(dataset_id=trained.model.id)["dataset_id"]
    assert "has no test with pictures in it" in trained.refused(db="test")["db"][0]
    assert trained.refused(db="all")["db"]
    answer = trained.site.client.post(f"/models/{trained.model.id}/evaluations.json", data={"snapshot_epoch": "9"})
    assert (answer.status_code, "snapshots of epoch" in answer.text) == (400, True)
    with_fewer = trained.done(dataset_id=build_dataset(store, fewer, name="fewer").id)
    assert trained.site.json(f"/evaluations/{with_fewer}.json")["metrics"]["accuracy"] > 0.4


def test_the_model_lists_its_evaluations_and_they_go_with_it_alone(trained: Trained) -> None:
    first, second = trained.done(), trained.done(snapshot_epoch="1")
    client = trained.site.client

    listed = trained.site.json(f"/models/{trained.model.id}/evaluations.json")["evaluations"]
    page = client.get(f"/models/{trained.model.id}").text

    assert {row["id"] for row in listed} >= {first, second}
    assert f"/evaluations/{first}" in page
    assert ">Evaluate</button>" in page
    assert f"/evaluations/{second}" in client.get(f"/evaluations/{first}").text  # the same pictures
    assert client.get(f"/jobs/{first}", follow_redirects=False).headers["location"].endswith(f"/evaluations/{first}")
    assert first not in client.get("/completed_jobs.json").text
    assert client.delete(f"/evaluations/{first}").status_code == 200
    assert client.get(f"/evaluations/{first}.json").status_code == 404
    assert client.get(f"/models/{trained.model.id}.json").status_code == 200


def test_an_aborted_evaluation_leaves_no_result(trained: Trained) -> None:
    job_id = trained.start(db="train")
    job = trained.site.store.job(job_id)

    with pytest.raises(StoppedError):
        evaluate(job.folder.record(), job.folder, lambda _: None, lambda: True, WorkerSettings(device="cpu"))

    assert trained.site.client.post(f"/evaluations/{job_id}/abort").text == "Job aborted."
    assert not (job.folder.path / "metrics.json").exists()
    assert not (job.folder.path / "predictions.csv").exists()
    assert "ended as Aborted" in trained.site.client.get(f"/evaluations/{job_id}").text
