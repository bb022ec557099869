"""Trainings on answers that are no single class: several classes a picture, and numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import safetensors.numpy
from PIL import Image, ImageDraw

from digits.caffe.commands.test import measure
from digits.caffe.definitions import State, read_net
from digits.caffeproto.caffemodel import write_caffemodel
from digits.core.events import Event
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder, JobRecord, TaskPlan, new_job_id
from digits.core.trainspec import CustomNetwork, FixedPolicy, StandardNetwork, TrainSpec
from digits.core.work import WorkerSettings
from digits.extensions.datasets.classification.build import build
from digits.extensions.datasets.classification.reader import open_reader
from digits.extensions.datasets.classification.sources.textfile.spec import TextfileSource
from digits.extensions.datasets.classification.spec import ClassificationSpec
from digits.extensions.frameworks.caffe.check import check
from digits.training.caffe_predictor import open_predictor
from digits.training.caffe_trainer import train
from digits.workers.infer import Inference
from digits.workers.warm import WarmModel

SIDE = 16
NETWORK = """
layer {{ name: "scale" type: "Power" bottom: "data" top: "scaled" power_param {{ scale: 0.0078 shift: -1 }} }}
layer {{ name: "conv" type: "Convolution" bottom: "scaled" top: "conv"
  convolution_param {{ num_output: 8 kernel_size: 4 stride: 2 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "relu" type: "ReLU" bottom: "conv" top: "conv" }}
layer {{ name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param {{ weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "loss" type: "{loss}" bottom: "ip" bottom: "label" top: "loss" exclude {{ stage: "deploy" }} }}
{answer}
"""
SIGMOID = NETWORK.format(
    loss="SigmoidCrossEntropyLoss", answer='layer { name: "prob" type: "Sigmoid" bottom: "ip" top: "prob" }'
)
PLACE = NETWORK.format(
    loss="EuclideanLoss",
    answer='layer { name: "place" type: "Power" bottom: "ip" top: "place" }',
)


def draw(path: Path, what: tuple[int, ...], x: int, y: int) -> None:
    """A bar (0), a disc (1) and a frame (2) on white, each where it is asked for; the disc at (x, y)."""
    picture = Image.new("L", (SIDE, SIDE), 255)
    brush = ImageDraw.Draw(picture)
    if 0 in what:
        brush.rectangle((0, 6, SIDE, 8), fill=120)
    if 1 in what:
        brush.ellipse((x - 2, y - 2, x + 2, y + 2), fill=0)
    if 2 in what:
        brush.rectangle((0, 0, SIDE - 1, SIDE - 1), outline=60)
    picture.save(path)


def lists(folder: Path, kind: Literal["multi", "float"], counts: tuple[int, int] = (160, 40)) -> dict[str, Any]:
    """Draw pictures, and write the lists of them."""
    rng = np.random.default_rng(4)
    folder.mkdir()
    for db, count in zip(("train", "val"), counts, strict=True):
        lines = []
        for number in range(count):
            name = f"{db}{number}.png"
            what = tuple(each for each in range(3) if rng.random() < 0.5) if kind == "multi" else (1,)
            x, y = (int(value) for value in rng.integers(3, SIDE - 3, 2))
            draw(folder / name, what, x, y)
            multi = ",".join(map(str, what)) or "-"
            lines.append(f"{name} {multi if kind == 'multi' else f'{x / SIDE} {y / SIDE}'}\n")
        (folder / f"{db}.txt").write_text("".join(lines))
    (folder / "labels.txt").write_text("bar\ndisc\nframe\n" if kind == "multi" else "x\ny\n")
    names = {"train_images": "train.txt", "val_images": "val.txt", "labels_file": "labels.txt"}
    return {f"local_{field}": str(folder / name) for field, name in names.items()}


NewModel = Callable[..., tuple[JobFolder, TrainSpec]]


@pytest.fixture
def new_kind(tmp_path: Path) -> NewModel:
    """A model job on a dataset of lists of one kind, which is built for it."""

    def make(
        kind: Literal["multi", "float"], backend: Literal["lmdb", "hdf5"] = "lmdb", **fields: Any
    ) -> tuple[JobFolder, TrainSpec]:
        jobs = tmp_path / "jobs"
        jobs.mkdir(exist_ok=True)
        source = TextfileSource(use_local_files=True, label_kind=kind, **lists(tmp_path / kind, kind))
        made = ClassificationSpec(
            name="kinds", resize_channels=1, resize_width=SIDE, resize_height=SIDE, backend=backend, source=source, random_seed=2,
        )  # fmt: skip
        dataset = _job(jobs, "dataset", "image-classification", made.model_dump())
        build(made, dataset, WorkerSettings(num_threads=1), _ignore, lambda: False)
        text = SIGMOID if kind == "multi" else PLACE
        given: dict[str, Any] = {
            "train_epochs": 10, "batch_size": 20, "learning_rate": 0.1, "lr": FixedPolicy(), "use_mean": "none", "random_seed": 3,
            "val_interval": 5, "snapshot_interval": 5, "network": CustomNetwork(text=text),
        }  # fmt: skip
        spec = TrainSpec(name="m", dataset=dataset.id, device="cpu", **given | fields)
        return _job(jobs, "model", "caffe", spec.model_dump(), dataset.id), spec

    return make


def _ignore(_event: Event, /) -> None:
    """Events are not looked at here."""


def _job(
    jobs: Path, kind: Literal["dataset", "model"], extension: str, spec: dict[str, Any], parent: str = ""
) -> JobFolder:
    folder = JobFolder(jobs / new_job_id(jobs))
    folder.write(
        JobRecord(
            id=folder.id, kind=kind, extension=extension, title=kind, name=kind, created=0.0, depends_on=parent,
            worker="build" if kind == "dataset" else "train", tasks=(TaskPlan(name="t", title="T"),), spec=spec,
        )
    )  # fmt: skip
    return folder


def trained(folder: JobFolder, spec: TrainSpec) -> dict[str, float]:
    facts = train(spec, folder, WorkerSettings(num_threads=1), _ignore, lambda: False)
    metrics: dict[str, float] = facts["metrics"]
    return metrics


def measured(folder: JobFolder) -> dict[str, float]:
    """What ``digits caffe test`` says of the last weights on the 40 pictures for validation."""
    definition = folder.path / "train_val.prototxt"
    state = safetensors.numpy.load_file(folder.path / "snapshots" / "epoch_10" / "weights.safetensors")
    weights = folder.path / "w.caffemodel"
    weights.write_bytes(write_caffemodel(read_net(definition).message, state))
    return measure(definition, weights=[weights], iterations=2, state=State("TEST"))


@pytest.mark.parametrize("backend", ["lmdb", pytest.param("hdf5", marks=pytest.mark.slow)])
def test_a_network_learns_to_name_all_that_a_picture_holds(new_kind: NewModel, backend: str) -> None:
    folder, spec = new_kind("multi", backend)

    metrics = trained(folder, spec)

    assert metrics["label_accuracy/val"] > 0.95
    assert metrics["label_f1/val"] > 0.9
    if backend == "hdf5":  # and Caffe's own command finds the same on the same files
        assert measured(folder)["loss"] == pytest.approx(metrics["loss/val"], rel=1e-4)
    reader = open_reader(JobFolder(folder.path.parent / spec.dataset), "val")
    chances = open_predictor(folder, device="cpu").classify([reader[index].image_HWC for index in range(len(reader))])
    assert ((chances >= 0.5) == reader.targets()).mean() == pytest.approx(metrics["label_accuracy/val"])


@pytest.mark.slow
def test_a_network_learns_numbers_and_answers_with_them(new_kind: NewModel, tmp_path: Path) -> None:
    folder, spec = new_kind("float", learning_rate=0.02, train_epochs=12)

    metrics = trained(folder, spec)

    assert metrics["mae/val"] < 0.07  # of a side: about a pixel; the mean place is 0.14 away
    draw(tmp_path / "one.png", (1,), 4, 12)
    model = WarmModel(open_predictor(folder, device="cpu"), WorkerSettings())
    answer = Inference(model).classify({"paths": [str(tmp_path / "one.png")]})
    assert answer["target_kind"] == "vector"
    assert [label for _, label, _ in answer["results"][0]["top"]] == ["x", "y"]
    assert [value for _, _, value in answer["results"][0]["top"]] == pytest.approx([4 / SIDE, 12 / SIDE], abs=0.15)


@pytest.mark.parametrize("kind", ["float", pytest.param("multi", marks=pytest.mark.slow)])
def test_a_standard_network_learns_them_too(new_kind: NewModel, kind: Literal["multi", "float"]) -> None:
    folder, spec = new_kind(
        kind, network=StandardNetwork(name="lenet"), train_epochs=3, val_interval=3, snapshot_interval=3, learning_rate=0.001,
        solver_type="ADAM",
    )  # fmt: skip

    metrics = trained(folder, spec)

    assert check(spec, read_json(folder.path.parent / spec.dataset / "dataset.json")) == {}
    written = (folder.path / "train_val.prototxt").read_text("utf-8")
    assert "EuclideanLoss" in written if kind == "float" else "SigmoidCrossEntropyLoss" in written
    assert "Softmax" not in written
    assert metrics["mae/val"] < 0.25 if kind == "float" else metrics["label_accuracy/val"] > 0.55
    answers = open_predictor(folder, device="cpu").predict([np.zeros((SIDE, SIDE, 1), np.uint8)])
    assert list(answers) == (["ip2"] if kind == "float" else ["sigmoid"])
