"""Detectors trained on drawn cars: by Torch to the bit, by Caffe as DetectNet; labels that hold nothing to learn; boxes of pictures of other sizes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from digits.core.errors import TrainingError
from digits.core.extensions import extension, load
from digits.core.jobfolder import JobFolder, JobRecord, new_job_id
from digits.core.metrics import points
from digits.core.trainspec import CustomNetwork, TrainSpec
from digits.core.trainspec.augmentation import Augmentation
from digits.core.work import StoppedError, WorkerSettings
from digits.data.boxes import box_targets
from digits.data.images import encode_png
from digits.extensions.datasets.detection.build import build
from digits.extensions.datasets.detection.spec import DetectionSpec
from digits.training import snapshots, torch_export
from digits.training.caffe_boxes import tables_of
from digits.workers.outputs import Outputs
from digits.workers.viewing import Viewing
from digits.workers.warm import WarmModel
from tests.extensions.datasets.detection.making import Boxes, write_kitti
from tests.training.conftest import Heard, new_model_job

WIDTH, HEIGHT = 64, 48
TORCH = """
from torch import nn

def build_model(params):
    layers = [nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU()]
    return {"model": nn.Sequential(*layers, nn.Conv2d(16, params.num_classes + 4, 3, padding=1)), "use_mean": "none"}
"""
_GROUND = """detectnet_groundtruth_param { stride: 8 scale_cvg: 0.4 gridbox_type: GRIDBOX_MIN min_cvg_len: 16 obj_norm: true
    image_size_x: 64 image_size_y: 48 crop_bboxes: true object_class { src: %d dst: 0 } }
  transform_param { mean_value: 60 }"""
DETECTNET = """
layer { name: "train_data" type: "Data" top: "data" include { stage: "train" } }
layer { name: "train_label" type: "Data" top: "label" include { stage: "train" } }
layer { name: "val_data" type: "Data" top: "data" include { stage: "val" } }
layer { name: "val_label" type: "Data" top: "label" include { stage: "val" } }
layer { name: "train_transform" type: "DetectNetTransformation" bottom: "data" bottom: "label" top: "transformed_data" top: "transformed_label"
  GROUND detectnet_augmentation_param { crop_prob: 1 shift_x: 2 shift_y: 2 flip_prob: 0.5 rotation_prob: 0 } include { stage: "train" } }
layer { name: "val_transform" type: "DetectNetTransformation" bottom: "data" bottom: "label" top: "transformed_data" top: "transformed_label"
  GROUND include { stage: "val" } }
layer { name: "deploy_transform" type: "Power" bottom: "data" top: "transformed_data" power_param { shift: -60 } include { stage: "deploy" } }
layer { name: "slice" type: "Slice" bottom: "transformed_label" top: "foreground-label" top: "bbox-label" top: "size-label" top: "obj-label"
  top: "coverage-label" slice_param { axis: 1 slice_point: 1 slice_point: 5 slice_point: 7 slice_point: 8 } exclude { stage: "deploy" } }
layer { name: "block" type: "Concat" bottom: "foreground-label" bottom: "foreground-label" bottom: "foreground-label" bottom: "foreground-label"
  top: "coverage-block" exclude { stage: "deploy" } }
layer { name: "scaled" type: "Power" bottom: "transformed_data" top: "scaled" power_param { scale: 0.02 } }
layer { name: "conv1" type: "Convolution" bottom: "scaled" top: "conv1" convolution_param { num_output: 16 kernel_size: 8 stride: 8 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "conv2" type: "Convolution" bottom: "conv1" top: "conv2" convolution_param { num_output: 32 kernel_size: 5 pad: 2 weight_filler { type: "xavier" } } }
layer { name: "relu2" type: "ReLU" bottom: "conv2" top: "conv2" }
layer { name: "cvg" type: "Convolution" bottom: "conv2" top: "cvg" convolution_param { num_output: 1 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "coverage/sig" type: "Sigmoid" bottom: "cvg" top: "coverage" }
layer { name: "bbox" type: "Convolution" bottom: "conv2" top: "bboxes" convolution_param { num_output: 4 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "bbox_mask" type: "Eltwise" bottom: "bboxes" bottom: "coverage-block" top: "bboxes-masked" eltwise_param { operation: PROD } exclude { stage: "deploy" } }
layer { name: "bbox_loss" type: "L1Loss" bottom: "bboxes-masked" bottom: "bbox-label" top: "loss_bbox" loss_weight: 0.02 exclude { stage: "deploy" } }
layer { name: "coverage_loss" type: "EuclideanLoss" bottom: "coverage" bottom: "coverage-label" top: "loss_coverage" exclude { stage: "deploy" } }
layer { name: "cluster" type: "Python" bottom: "coverage" bottom: "bboxes" top: "bbox-list" exclude { stage: "train" }
  python_param { module: "caffe.layers.detectnet.clustering" layer: "ClusterDetections" param_str: "64, 48, 8, 0.5, 1, 0.4, 8, 1" } }
layer { name: "cluster_gt" type: "Python" bottom: "coverage-label" bottom: "bbox-label" top: "bbox-list-label" include { stage: "val" }
  python_param { module: "caffe.layers.detectnet.clustering" layer: "ClusterGroundtruth" param_str: "64, 48, 8, 1" } }
layer { name: "score" type: "Python" bottom: "bbox-list-label" bottom: "bbox-list" top: "bbox-list-scored" include { stage: "val" }
  python_param { module: "caffe.layers.detectnet.mean_ap" layer: "ScoreDetections" } }
layer { name: "mAP" type: "Python" bottom: "bbox-list-scored" top: "mAP" top: "precision" top: "recall" include { stage: "val" }
  python_param { module: "caffe.layers.detectnet.mean_ap" layer: "mAP" } }
"""


def draw(place: Path, count: int, seed: int) -> Boxes:
    """Draw bright cars on dark ground; the last two pictures hold nothing, and nothing but what is to be ignored."""
    chance, boxes = np.random.default_rng(seed), dict[str, Any]()
    (place / "images").mkdir(parents=True)
    for number in range(count):
        picture = chance.integers(0, 60, (HEIGHT, WIDTH, 3), np.uint8)
        width, height = chance.integers(20, 34), chance.integers(18, 28)
        left, top = chance.integers(0, WIDTH - width), chance.integers(0, HEIGHT - height)
        if number != count - 2:
            picture[top : top + height, left : left + width] = chance.integers(190, 250, 3)
        Image.fromarray(picture).save(place / "images" / f"{number:02d}.png")
        name = "DontCare" if number == count - 1 else "Car"
        boxes[f"{number:02d}"] = [] if number == count - 2 else [(name, left, top, left + width, top + height)]
    write_kitti(place / "labels", boxes)
    return boxes


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Jobs with a dataset of 10 + 6 pictures."""
    root = tmp_path_factory.mktemp("cars")
    draw(root / "train", 10, seed=1)
    draw(root / "val", 6, seed=2)
    folder = JobFolder(root / "jobs" / new_job_id(root / "jobs"))
    spec = DetectionSpec(
        name="cars", train_image_folder=str(root / "train/images"), train_label_folder=str(root / "train/labels"),
        val_image_folder=str(root / "val/images"), val_label_folder=str(root / "val/labels"), val_min_box_size=0,
        padding_image_width=None, padding_image_height=None, random_seed=1,
    )  # fmt: skip
    record = JobRecord(
        id=folder.id, kind="dataset", extension="image-object-detection", title="Dataset", name="cars", created=0.0,
        worker="build", spec=spec.model_dump(mode="json"),
    )  # fmt: skip
    folder.write(record)
    build(spec, folder, WorkerSettings(), lambda event: None, lambda: False)
    return root / "jobs", folder.id


@pytest.fixture
def jobs(drawn: tuple[Path, str], tmp_path: Path) -> Path:
    shutil.copytree(drawn[0], tmp_path / "jobs")
    return tmp_path / "jobs"


def model(jobs: Path, dataset: str, framework: str, text: str, **fields: Any) -> tuple[JobFolder, TrainSpec]:
    defaults: dict[str, Any] = {
        "dataset": dataset, "name": "model", "framework": framework, "train_epochs": 2, "batch_size": 5, "random_seed": 5,
        "learning_rate": 0.003, "solver_type": "ADAM", "network": CustomNetwork(text=text), "device": "cpu", "use_mean": "none",
    }  # fmt: skip
    return new_model_job(jobs, TrainSpec(**(defaults | fields)))


def run(made: tuple[JobFolder, TrainSpec], stop: Callable[[], bool] = lambda: False) -> Heard:
    heard = Heard()
    train = import_module(f"digits.training.{made[1].framework}_trainer").train
    train(made[1], made[0], WorkerSettings(num_threads=1, python_layers=True), heard, stop)
    return heard


def warm(folder: JobFolder, monkeypatch: pytest.MonkeyPatch) -> WarmModel:
    settings = WorkerSettings(python_layers=True)
    monkeypatch.setenv("DIGITS_WORKER_SETTINGS", settings.model_dump_json())
    predictor = load(extension("frameworks", folder.record().extension).predictor)(folder)
    return WarmModel(predictor, settings)


def test_a_detector_with_flips_goes_on_to_the_bit_though_pictures_hold_nothing_to_learn(
    jobs: Path, drawn: tuple[Path, str]
) -> None:
    flips = Augmentation(flip="fliplrud", scale=0.1)
    whole, broken = (model(jobs, drawn[1], "torch", TORCH, augmentation=flips) for _ in range(2))
    left = iter(range(7))

    run(whole)
    with pytest.raises(StoppedError):
        run(broken, lambda: next(left, None) is None)
    assert 0 < snapshots.read_facts(broken[0].snapshot_folders()[-1]).step < 4
    run(broken)

    for name in (snapshots.WEIGHTS, snapshots.STATE):
        bits = [(made[0].snapshot_folders()[-1] / name).read_bytes() for made in (whole, broken)]
        assert bits[0] == bits[1]
    assert np.isfinite([value for *_, value in points(whole[0].metrics, "loss/val")]).all()


def test_boxes_come_back_in_the_pixels_of_the_picture_as_it_was_given(
    jobs: Path, drawn: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, spec = model(jobs, drawn[1], "torch", TORCH)
    run((folder, spec))
    found = warm(folder, monkeypatch)
    small = np.random.default_rng(3).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    large = small.repeat(3, axis=0).repeat(
        2, axis=1
    )  # each pixel 3 high and 2 wide: resized, it is the small one again
    paths = [tmp_path / "small.png", tmp_path / "large.png"]
    for path, picture in zip(paths, (small, large), strict=True):
        path.write_bytes(encode_png(picture))

    one, other = (
        np.array(result["outputs"]["boxes"])
        for result in Outputs(found).paths({"paths": [str(path) for path in paths]})["results"]
    )
    seen = Viewing(found).view({"paths": [str(paths[1])], "view": "image-bounding-boxes"})["results"][0]

    assert len(one)
    assert other[:, :4] == pytest.approx(one[:, :4] * [2, 3, 2, 3], rel=1e-5)
    assert other[:, 4:].tolist() == one[:, 4:].tolist()
    assert (seen["height"], seen["width"]) == (3 * HEIGHT, 2 * WIDTH)
    assert seen["told"]["boxes"][0]["bottom"] == pytest.approx(other[0, 3])


@pytest.mark.slow
def test_an_onnx_file_of_a_detector_gives_its_grid(
    jobs: Path, drawn: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    folder, spec = model(jobs, drawn[1], "torch", TORCH)
    run((folder, spec))
    monkeypatch.setenv("DIGITS_WORKER_SETTINGS", WorkerSettings(python_layers=True).model_dump_json())

    path = torch_export.onnx(folder, None, tmp_path / "model")

    session = onnxruntime.InferenceSession(str(path))
    (grid,) = session.run(["output"], {"data": np.zeros((3, 3, HEIGHT, WIDTH), np.float32)})
    assert grid.shape == (3, 5, HEIGHT // 4, WIDTH // 4)


def test_what_a_caffe_network_learns_is_the_table_that_the_dataset_holds() -> None:
    targets = torch.tensor(
        [[[-1.0, 0, 0, 0, 0, 0], [1, 10, 20, 40, 30, 0], [0, 1, 2, 3, 5, 1]], [[-1.0, 0, 0, 0, 0, 0]] * 3]
    )

    tables = tables_of(targets, [1, 8], 0).numpy()

    assert tables.shape == (2, 1, 4, 16)
    assert tables[0, 0, 0, :2].tolist() == [2, 16]
    assert tables[0, 0, 1, :6].tolist() == [10, 20, 30, 10, 0, 8]
    assert box_targets(tables[0, 0], {1: 0, 8: 1}, 3).tolist() == targets[0, [1, 2, 0]].tolist()
    assert not tables[1, 0, 1:].any()


def test_a_network_of_other_classes_than_the_datasets_is_refused_with_both(jobs: Path, drawn: tuple[Path, str]) -> None:
    with pytest.raises(TrainingError, match=r"learns boxes of class 8, and the dataset has car \(1\)"):
        run(model(jobs, drawn[1], "caffe", DETECTNET.replace("GROUND", _GROUND % 8)))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_detectnet_learns_and_its_list_is_drawn_over_the_picture(
    jobs: Path, drawn: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, spec = model(
        jobs,
        drawn[1],
        "caffe",
        DETECTNET.replace("GROUND", _GROUND % 1),
        train_epochs=80,
        batch_size=8,
        val_interval=20,
    )

    run((folder, spec))

    for name in ("loss_bbox", "loss_coverage"):
        losses = [value for *_, value in points(folder.metrics, f"{name}/train")]
        assert losses[-1] < 0.5 * losses[0]
    assert points(folder.metrics, "map50/val")[-1][2] > 0.5
    assert {len(points(folder.metrics, f"{name}/val")) for name in ("mAP", "precision", "recall")} == {5}
    records = {"folder": str(jobs / drawn[1]), "db": "train", "first": 0, "count": 1}
    seen = warm(folder, monkeypatch)
    told = Viewing(seen).view({"records": records, "view": "image-bounding-boxes"})["results"][0]["told"]
    assert told["true"][0]["found"]
    answered = Outputs(seen).paths({"records": records})["results"][0]["outputs"]
    assert np.shape(answered["bbox-list"]) == (1, 50, 5)
