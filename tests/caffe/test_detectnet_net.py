"""A network of DetectNet's make, small: records with boxes to a trained grid, lists of boxes and their mAP, by the commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from digits.caffe.checking.check import check
from digits.caffe.commands.forward import forward
from digits.caffe.commands.train import train
from digits.caffe.definitions import State
from digits.caffeproto import caffe_pb2
from digits.data.records import RecordWriter
from tests.caffe.oracle import arrays

TRANSFORM = """
layer {{ name: "{phase}_data" type: "Data" top: "data" data_param {{ source: "{phase}_images" backend: LMDB batch_size: 2 }} include {{ phase: {phase} }} }}
layer {{ name: "{phase}_label" type: "Data" top: "label" data_param {{ source: "{phase}_labels" backend: LMDB batch_size: 2 }} include {{ phase: {phase} }} }}
layer {{ name: "{phase}_transform" type: "DetectNetTransformation" bottom: "data" bottom: "label" top: "transformed_data" top: "transformed_label"
  detectnet_groundtruth_param {{ stride: 8 scale_cvg: 0.4 gridbox_type: GRIDBOX_MIN coverage_type: RECTANGULAR min_cvg_len: 16 obj_norm: true
    image_size_x: 64 image_size_y: 48 crop_bboxes: true object_class {{ src: 1 dst: 0 }} }}
  {augmentation} transform_param {{ mean_value: 127 }} include {{ phase: {phase} }} }}
"""
NET = (
    TRANSFORM.format(phase="TRAIN", augmentation="detectnet_augmentation_param { crop_prob: 1 shift_x: 4 shift_y: 4 flip_prob: 0.5 rotation_prob: 0 }")
    + TRANSFORM.format(phase="TEST", augmentation="")
    + """
layer { name: "slice-label" type: "Slice" bottom: "transformed_label" top: "foreground-label" top: "bbox-label" top: "size-label" top: "obj-label"
  top: "coverage-label" slice_param { slice_dim: 1 slice_point: 1 slice_point: 5 slice_point: 7 slice_point: 8 } }
layer { name: "coverage-block" type: "Concat" bottom: "foreground-label" bottom: "foreground-label" bottom: "foreground-label" bottom: "foreground-label" top: "coverage-block" }
layer { name: "size-block" type: "Concat" bottom: "size-label" bottom: "size-label" top: "size-block" }
layer { name: "obj-block" type: "Concat" bottom: "obj-label" bottom: "obj-label" bottom: "obj-label" bottom: "obj-label" top: "obj-block" }
layer { name: "bb-label-norm" type: "Eltwise" bottom: "bbox-label" bottom: "size-block" top: "bbox-label-norm" eltwise_param { operation: PROD } }
layer { name: "bb-obj-norm" type: "Eltwise" bottom: "bbox-label-norm" bottom: "obj-block" top: "bbox-obj-label-norm" eltwise_param { operation: PROD } }
layer { name: "conv" type: "Convolution" bottom: "transformed_data" top: "conv" convolution_param { num_output: 8 kernel_size: 8 stride: 8 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "cvg" type: "Convolution" bottom: "conv" top: "cvg" convolution_param { num_output: 1 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "coverage/sig" type: "Sigmoid" bottom: "cvg" top: "coverage" }
layer { name: "bbox" type: "Convolution" bottom: "conv" top: "bboxes" convolution_param { num_output: 4 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "bbox_mask" type: "Eltwise" bottom: "bboxes" bottom: "coverage-block" top: "bboxes-masked" eltwise_param { operation: PROD } }
layer { name: "bbox-norm" type: "Eltwise" bottom: "bboxes-masked" bottom: "size-block" top: "bboxes-masked-norm" eltwise_param { operation: PROD } }
layer { name: "bbox-obj-norm" type: "Eltwise" bottom: "bboxes-masked-norm" bottom: "obj-block" top: "bboxes-obj-masked-norm" eltwise_param { operation: PROD } }
layer { name: "bbox_loss" type: "L1Loss" bottom: "bboxes-obj-masked-norm" bottom: "bbox-obj-label-norm" top: "loss_bbox" loss_weight: 2 }
layer { name: "coverage_loss" type: "EuclideanLoss" bottom: "coverage" bottom: "coverage-label" top: "loss_coverage" }
layer { name: "cluster" type: "Python" bottom: "coverage" bottom: "bboxes" top: "bbox-list" include { phase: TEST }
  python_param { module: "caffe.layers.detectnet.clustering" layer: "ClusterDetections" param_str: "64, 48, 8, 0.99, 3, 0.02, 22, 1" } }
layer { name: "cluster_gt" type: "Python" bottom: "coverage-label" bottom: "bbox-label" top: "bbox-list-label" include { phase: TEST }
  python_param { module: "caffe.layers.detectnet.clustering" layer: "ClusterGroundtruth" param_str: "64, 48, 8, 1" } }
layer { name: "score" type: "Python" bottom: "bbox-list-label" bottom: "bbox-list" top: "bbox-list-scored" include { phase: TEST }
  python_param { module: "caffe.layers.detectnet.mean_ap" layer: "ScoreDetections" } }
layer { name: "mAP" type: "Python" bottom: "bbox-list-scored" top: "mAP" top: "precision" top: "recall" include { phase: TEST }
  python_param { module: "caffe.layers.detectnet.mean_ap" layer: "mAP" } }
"""
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the network, its solver, and two pictures with a bright box each; it is the working folder."""
    draw = np.random.default_rng(0)
    for phase in ("TRAIN", "TEST"):
        images, labels = RecordWriter(tmp_path / f"{phase}_images"), RecordWriter(tmp_path / f"{phase}_labels")
        for index in range(2):
            picture = draw.integers(0, 60, (3, 48, 64), np.uint8)
            picture[:, 8:40, 16:40] = 220
            datum = caffe_pb2.Datum(channels=3, height=48, width=64, data=picture.tobytes())
            images.put(b"%d" % index, datum.SerializeToString())
            table = np.zeros((2, 16), np.float32)
            table[0, :2], table[1, :4], table[1, 5] = (1, 16), (16, 8, 24, 32), 1
            label = caffe_pb2.Datum(channels=1, height=2, width=16, float_data=table.ravel().tolist())
            labels.put(b"%d" % index, label.SerializeToString())
        images.close()
        labels.close()
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.02 lr_policy: "fixed" type: "Adam" max_iter: 12 random_seed: 3 solver_mode: CPU '
        'test_iter: 1 test_interval: 12 test_initialization: false snapshot_prefix: "d"'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_is_sound_with_and_without_its_data(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    alone = tmp_path_factory.mktemp("alone") / "net.prototxt"
    alone.write_text(NET)

    for path in (project / "solver.prototxt", alone):
        notes = check(path, builds=True)
        assert notes
        assert all("note: detectnet_groundtruth_param.coverage_type is not used: there is one type" in str(note) for note in notes)  # fmt: skip


def test_it_learns_and_the_log_has_its_map(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(project / "solver.prototxt", record=project / "record.npz")
    train(project / "solver.prototxt", record=project / "again.npz")

    loss = arrays(project / "record.npz")["loss"]
    assert loss[-1] < loss[0]
    assert np.array_equal(loss, arrays(project / "again.npz")["loss"])  # what is drawn follows from the seed
    log = capsys.readouterr().err
    for name in ("mAP", "precision", "recall", "loss_bbox"):
        assert f": {name} = " in log


def test_one_pass_shows_the_grid_and_finds_the_true_box_again(project: Path) -> None:
    np.savez(project / "in.npz")

    forward(
        project / "net.prototxt", weights=[], inputs=project / "in.npz", output=project / "out.npz",
        state=State("TEST"), gradients=True,
    )  # fmt: skip

    made = arrays(project / "out.npz")
    assert made["blob:transformed_label"].shape == (2, 9, 6, 8)
    assert made["blob:bbox-list-label"][:, 0, :4].tolist() == [[16, 8, 40, 40]] * 2
    assert made["dparam:bbox:0"].any()
