"""Trainings on masks: the measures are those of all pixels that count, a training goes on to the bit, mistakes are told in words."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

from digits.core.errors import NetworkError, TrainingError
from digits.core.evaluationspec import EvaluationSpec
from digits.core.extensions import extension, load
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder, JobRecord, new_job_id
from digits.core.metrics import points, series_names
from digits.core.trainspec import CustomNetwork, TrainSpec
from digits.core.trainspec.augmentation import Augmentation
from digits.core.work import StoppedError, WorkerSettings
from digits.data.reader import PairSample
from digits.extensions.datasets.segmentation.spec import SegmentationSpec
from digits.store.curves import summaries
from digits.training import snapshots
from digits.training.dataset import Dataset
from digits.training.inference import Predictor
from digits.workers.evaluate import evaluate
from tests.training.conftest import Heard, new_model_job
from tests.training.streets import CAFFE_FCN, SIZE, TORCH_FCN, segmentation, streets

Framework = Literal["torch", "caffe"]
TEXTS = {"torch": TORCH_FCN, "caffe": CAFFE_FCN}
MOVED = Augmentation(rot=8, scale=0.1, flip="fliplr")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Jobs with a dataset of 24 + 8 streets, of which the poles (class 6) are ignored."""
    return streets(tmp_path_factory.mktemp("streets"), ignore_label=6)


@pytest.fixture
def jobs(drawn: tuple[Path, str], tmp_path: Path) -> Path:
    shutil.copytree(drawn[0], tmp_path / "jobs")
    return tmp_path / "jobs"


def model(jobs: Path, dataset: str, framework: Framework, **fields: Any) -> tuple[JobFolder, TrainSpec]:
    defaults: dict[str, Any] = {
        "dataset": dataset, "name": "model", "framework": framework, "train_epochs": 2, "batch_size": 8, "random_seed": 5,
        "learning_rate": 0.05, "network": CustomNetwork(text=TEXTS[framework]), "device": "cpu", "use_mean": "none",
    }  # fmt: skip
    return new_model_job(jobs, TrainSpec(**(defaults | fields)))


def run(made: tuple[JobFolder, TrainSpec], stop: Callable[[], bool] = lambda: False) -> Heard:
    folder, spec = made
    heard = Heard()
    train = import_module(f"digits.training.{spec.framework}_trainer").train
    train(spec, folder, WorkerSettings(num_threads=1, python_layers=True), heard, stop)
    return heard


def predictor_of(folder: JobFolder, monkeypatch: pytest.MonkeyPatch) -> Predictor:
    monkeypatch.setenv("DIGITS_WORKER_SETTINGS", WorkerSettings(python_layers=True).model_dump_json())
    found: Predictor = load(extension("frameworks", folder.record().extension).predictor)(folder)
    return found


@pytest.mark.parametrize("framework", ["torch", "caffe"])
def test_curves_answers_and_evaluations_agree_with_numbers_from_elsewhere(
    framework: Framework, jobs: Path, drawn: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, spec = model(jobs, drawn[1], framework)
    run((folder, spec))

    dataset = Dataset.open(folder, drawn[1])
    reader, predictor = dataset.reader("val"), predictor_of(folder, monkeypatch)
    pairs = [reader[index] for index in range(len(reader))]
    said = predictor.answers([each.image_HWC for each in pairs])
    truth = np.stack([each.label for each in pairs if isinstance(each, PairSample)])
    counts = truth != 6
    present = np.unique(truth[counts])
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    ious = metrics.jaccard_score(truth[counts], said[counts], labels=present, average=None, zero_division=0)
    last = {name: points(folder.metrics, name)[-1][2] for name in series_names(folder.metrics)}

    assert said.dtype == np.uint8
    assert said.shape == (8, *SIZE)
    assert last["pixel_accuracy/val"] == pytest.approx(metrics.accuracy_score(truth[counts], said[counts]))
    assert last["mean_iou/val"] == pytest.approx(ious.mean())
    assert {
        name: last[f"iou/{dataset.labels[each]}/val"] for name, each in zip(present, present, strict=True)
    } == pytest.approx(dict(zip(present, ious, strict=True)))
    assert "iou/Pole/val" not in last
    assert {"mean_iou/val", "pixel_accuracy/val"} < set(summaries(folder))
    assert not any(name.startswith("iou/") for name in summaries(folder))  # lists have no column for each class

    evaluation = JobFolder(jobs / new_job_id(jobs))
    evaluation.write(
        JobRecord(
            id=evaluation.id, kind="evaluation", extension="", title="", name="", created=0.0, worker="evaluate",
            parent=folder.id, spec=EvaluationSpec(dataset=drawn[1], db="val").model_dump(mode="json"),
        )
    )  # fmt: skip
    facts = evaluate(
        evaluation.record(), evaluation, Heard(), lambda: False, WorkerSettings(num_threads=2, python_layers=True)
    )
    result = read_json(evaluation.path / "metrics.json")

    assert facts["count"] == 8
    assert facts["metrics"]["mean_iou"] == pytest.approx(ious.mean())
    assert sum(count for *_, count in result["confusion"]) == counts.sum()
    most = np.bincount(truth[counts]).argmax()
    assert result["floor"]["label"] == dataset.labels[most]
    assert result["floor"]["pixel_accuracy"] == pytest.approx((truth[counts] == most).mean())
    assert read_json(folder.path / "model.json")["palette"] == dataset.facts["palette"]


@pytest.mark.parametrize("framework", ["torch", "caffe"])
def test_a_training_on_masks_that_was_stopped_goes_on_to_the_bit(
    framework: Framework, jobs: Path, drawn: tuple[Path, str]
) -> None:
    fields: dict[str, Any] = {"crop_size": 32, "augmentation": MOVED, "class_balance": "weights"}
    whole, broken = model(jobs, drawn[1], framework, **fields), model(jobs, drawn[1], framework, **fields)
    left = iter(range(9))

    run(whole)
    with pytest.raises(StoppedError):
        run(broken, lambda: next(left, None) is None)
    assert 0 < snapshots.read_facts(broken[0].snapshot_folders()[-1]).step < 6
    run(broken)

    for name in (snapshots.WEIGHTS, snapshots.STATE):
        bits = [(made[0].snapshot_folders()[-1] / name).read_bytes() for made in (whole, broken)]
        assert bits[0] == bits[1]
    curves = [
        {
            name: [(step, value) for step, _, value in points(made[0].metrics, name)]
            for name in series_names(made[0].metrics)
        }
        for made in (whole, broken)
    ]
    assert curves[0] == curves[1]


def test_an_output_of_another_size_is_refused_with_both_sizes_before_a_picture_is_read(
    jobs: Path, drawn: tuple[Path, str]
) -> None:
    small = TORCH_FCN.replace(
        "nn.ConvTranspose2d(24, params.num_classes, 4, stride=2, padding=1)", "nn.Conv2d(24, 11, 1)"
    )
    with pytest.raises(NetworkError, match=r"24 × 18.*48 × 36"):
        run(model(jobs, drawn[1], "torch", network=CustomNetwork(text=small)))

    short = CAFFE_FCN.replace("kernel_size: 4 stride: 2 pad: 1 bias_term", "kernel_size: 2 stride: 1 bias_term")
    with pytest.raises(NetworkError, match=r"25 x 19 places for labels of 48 x 36") as refusal:
        run(model(jobs, drawn[1], "caffe", network=CustomNetwork(text=short)))
    assert "Crop" in refusal.value.hint


@pytest.mark.parametrize("framework", ["torch", "caffe"])
def test_pictures_of_several_sizes_are_learned_one_by_one(framework: Framework, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    for number, (width, height) in enumerate([(24, 16), (32, 20), (16, 24), (20, 20), (28, 12)]):
        mask = np.zeros((height, width), np.uint8)
        mask[:, width // (2 + number % 2) :] = 1
        image = np.clip(mask[:, :, None] * 100 + rng.integers(0, 30, (height, width, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(image).save(tmp_path / "images" / f"{number}.png")
        Image.fromarray(mask).save(tmp_path / "labels" / f"{number}.png")
    spec = SegmentationSpec.model_validate({
        "name": "loose", "random_seed": 1, "folder_pct_val": 40, "storage": {"force_same_shape": 0},
        "feature_folder": str(tmp_path / "images"), "label_folder": str(tmp_path / "labels"),
    })  # fmt: skip
    dataset = segmentation(tmp_path / "jobs", spec)
    text = (
        TEXTS[framework]
        .replace("num_output: 11 group: 11", "num_output: 2 group: 2")
        .replace("num_output: 11", "num_output: 2")
    )

    with pytest.raises(TrainingError, match="batch size must be 1"):
        run(model(tmp_path / "jobs", dataset, framework, network=CustomNetwork(text=text), batch_size=2))
    folder, made = model(
        tmp_path / "jobs", dataset, framework, network=CustomNetwork(text=text), batch_size=1, train_epochs=12,
        augmentation=Augmentation(flip="fliplr"), learning_rate=0.02,
    )  # fmt: skip
    run((folder, made))

    assert points(folder.metrics, "pixel_accuracy/val")[-1][2] > 0.8
