"""Trainings whose answers are pictures: what is learned, measured and answered is told in the colours and the range of the pictures themselves."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import safetensors.numpy
from PIL import Image

from digits.caffe.commands.test import measure
from digits.caffe.definitions import State, read_net
from digits.caffeproto.caffemodel import write_caffemodel
from digits.core.errors import NetworkError
from digits.core.evaluationspec import EvaluationSpec
from digits.core.extensions import extension, load
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder, JobRecord, new_job_id
from digits.core.trainspec import CustomNetwork, FixedPolicy, TrainSpec
from digits.core.work import WorkerSettings
from digits.extensions.datasets.building.spec import Size
from digits.extensions.datasets.processing.build import build
from digits.extensions.datasets.processing.spec import ProcessingSpec
from digits.training.dataset import Dataset
from digits.workers.evaluate import evaluate
from tests.training.conftest import new_model_job

Framework = Literal["torch", "caffe"]
SIDE = 12
TEXTS: dict[Framework, str] = {
    "torch": """
from torch import nn


class Mixing(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix = nn.Conv2d(3, 3, 1)

    def forward(self, data):
        return self.mix(data / 255)


def build_model(params):
    return Mixing()
""",
    "caffe": """
layer { name: "scale" type: "Power" bottom: "data" top: "scaled" power_param { scale: 0.003921569 } }
layer { name: "mix" type: "Convolution" bottom: "scaled" top: "mix"
  convolution_param { num_output: 3 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "mix" bottom: "label" top: "loss" loss_weight: 0.01 exclude { stage: "deploy" } }
""",
}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A dataset of 32 + 8 coloured pictures that are to lose a third of their red, and its id."""
    root = tmp_path_factory.mktemp("red")
    rng = np.random.default_rng(3)
    for folder in ("given", "wanted"):
        (root / folder).mkdir()
    for number in range(40):
        picture = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(picture).save(root / "given" / f"{number:02d}.png")
        paler = (picture * np.array([0.67, 1, 1])).astype(np.uint8)
        Image.fromarray(paler).save(root / "wanted" / f"{number:02d}.png")
    spec = ProcessingSpec(
        name="red", feature_folder=str(root / "given"), label_folder=str(root / "wanted"), folder_pct_val=20, random_seed=1,
        size=Size(width=SIDE, height=SIDE),
    )  # fmt: skip
    job = JobFolder(root / "jobs" / new_job_id(root / "jobs"))
    job.write(
        JobRecord(
            id=job.id, kind="dataset", extension="image-processing", title="Dataset", name="red", created=0.0, worker="build",
            spec=spec.model_dump(mode="json"),
        )
    )  # fmt: skip
    build(spec, job, WorkerSettings(num_threads=1), lambda event: None, lambda: False)
    return root / "jobs", job.id


def trained(jobs: tuple[Path, str], framework: Framework, **fields: Any) -> tuple[JobFolder, dict[str, float]]:
    given: dict[str, Any] = {
        "train_epochs": 60, "batch_size": 8, "solver_type": "ADAM", "learning_rate": 0.02, "lr": FixedPolicy(), "use_mean": "none",
        "val_interval": 60, "snapshot_interval": 60, "random_seed": 1, "network": CustomNetwork(text=TEXTS[framework]),
    }  # fmt: skip
    spec = TrainSpec(name="m", dataset=jobs[1], framework=framework, device="cpu", **given | fields)
    folder, spec = new_model_job(jobs[0], spec)
    train = import_module(f"digits.training.{framework}_trainer").train
    facts = train(spec, folder, WorkerSettings(num_threads=1, python_layers=True), lambda event: None, lambda: False)
    return folder, facts["metrics"]


@pytest.mark.parametrize("framework", ["torch", "caffe"])
def test_a_network_answers_with_pictures_in_their_own_colours(
    framework: Framework, jobs: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, metrics = trained(jobs, framework)

    monkeypatch.setenv("DIGITS_WORKER_SETTINGS", WorkerSettings(python_layers=True).model_dump_json())
    reader = Dataset.open(folder, jobs[1]).reader("val")
    pairs: list[Any] = [reader[index] for index in range(len(reader))]
    predictor = load(extension("frameworks", framework).predictor)(folder)
    said = predictor.answers([each.image_HWC for each in pairs])
    wanted = np.stack([each.label for each in pairs])
    off = (said.astype(float) - wanted) / 255
    report = _evaluated(folder, jobs[1])

    assert said.shape == wanted.shape == (8, SIDE, SIDE, 3)
    assert metrics["mae/val"] < 0.01
    assert metrics["mae/val"] == pytest.approx(np.abs(off).mean(), abs=0.002)  # answers are rounded to bytes
    decibels = -10 * np.log10((off**2).mean(axis=(1, 2, 3))).mean()
    assert report["mae"] == pytest.approx(np.abs(off).mean(), rel=1e-4)
    assert report["psnr"] == pytest.approx(decibels, rel=1e-4)
    assert metrics["psnr/val"] > 38
    if framework == "caffe":  # and Caffe's own command finds the same on the same files
        state = safetensors.numpy.load_file(folder.path / "snapshots" / "epoch_60" / "weights.safetensors")
        net = read_net(folder.path / "train_val.prototxt")
        (folder.path / "w.caffemodel").write_bytes(write_caffemodel(net.message, state))
        found = measure(
            folder.path / "train_val.prototxt", weights=[folder.path / "w.caffemodel"], iterations=1, state=State("TEST")
        )  # fmt: skip
        assert found["loss"] == pytest.approx(metrics["loss/val"], rel=1e-3)


def test_an_answer_of_another_size_is_refused_before_a_picture_is_read(jobs: tuple[Path, str]) -> None:
    smaller = TEXTS["torch"].replace("nn.Conv2d(3, 3, 1)", "nn.Conv2d(3, 3, 3)")

    with pytest.raises(NetworkError, match=r"answers with 1 × 3 × 10 × 10, and is to make pictures of 12 × 12"):
        trained(jobs, "torch", network=CustomNetwork(text=smaller))


def _evaluated(model: JobFolder, dataset: str) -> dict[str, Any]:
    """The metrics of an evaluation of the validation set."""
    spec = EvaluationSpec(dataset=dataset, db="val")
    folder = JobFolder(model.path.parent / new_job_id(model.path.parent))
    record = JobRecord(
        id=folder.id, kind="evaluation", extension="evaluation", title="E", name="e", created=0.0, worker="evaluate",
        parent=model.id, spec=spec.model_dump(mode="json"),
    )  # fmt: skip
    folder.write(record)
    evaluate(record, folder, lambda event: None, lambda: False, WorkerSettings(python_layers=True, num_threads=1))
    found: dict[str, Any] = read_json(folder.path / "metrics.json")["metrics"]
    return found
