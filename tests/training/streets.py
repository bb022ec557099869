"""Drawn streets as a small segmentation dataset, and networks that learn it in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digits.core.jobfolder import JobFolder, JobRecord, new_job_id
from digits.core.work import WorkerSettings
from digits.download.streets import write_streets
from digits.extensions.datasets.segmentation.build import build
from digits.extensions.datasets.segmentation.spec import SegmentationSpec

SIZE = (36, 48)
"""Height and width of the pictures."""

TORCH_FCN = """
from torch import nn


def build_model(params):
    return nn.Sequential(
        nn.BatchNorm2d(params.input_shape[0]),
        nn.Conv2d(params.input_shape[0], 16, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(16, 24, 3, padding=1), nn.ReLU(), nn.Dropout2d(0.1),
        nn.ConvTranspose2d(24, params.num_classes, 4, stride=2, padding=1),
    )
"""
CAFFE_FCN = """
name: "fcn"
layer { name: "scale" type: "Power" bottom: "data" top: "scaled" power_param { scale: 0.0078 shift: -1 } }
layer { name: "conv1" type: "Convolution" bottom: "scaled" top: "conv1"
  convolution_param { num_output: 16 kernel_size: 3 stride: 2 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "score" type: "Convolution" bottom: "conv1" top: "score"
  convolution_param { num_output: 11 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "upscore" type: "Deconvolution" bottom: "score" top: "upscore" param { lr_mult: 0 }
  convolution_param { num_output: 11 group: 11 kernel_size: 4 stride: 2 pad: 1 bias_term: false weight_filler { type: "bilinear" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "upscore" bottom: "label" top: "loss" exclude { stage: "deploy" } }
layer { name: "accuracy" type: "Accuracy" bottom: "upscore" bottom: "label" top: "accuracy" include { stage: "val" } }
"""


def streets(root: Path, counts: tuple[int, int] = (24, 8), **fields: Any) -> tuple[Path, str]:
    """Draw streets and build the dataset; return the jobs folder and the dataset's id."""
    height, width = SIZE
    write_streets(
        root / "streets", dict(zip(("train", "val"), counts, strict=True)), width=width, height=height, seed=3
    )
    folder = {part: root / "streets" / part for part in ("train", "val")}
    spec = SegmentationSpec.model_validate({
        "name": "streets", "random_seed": 1, "has_val_folder": True,
        "feature_folder": str(folder["train"] / "images"), "label_folder": str(folder["train"] / "labels"),
        "validation_feature_folder": str(folder["val"] / "images"), "validation_label_folder": str(folder["val"] / "labels"),
        "class_labels_file": str(root / "streets" / "labels.txt"),
    } | fields)  # fmt: skip
    return root / "jobs", segmentation(root / "jobs", spec)


def segmentation(jobs: Path, spec: SegmentationSpec) -> str:
    """Build a dataset as its worker does, and return its id."""
    job = JobFolder(jobs / new_job_id(jobs))
    job.write(
        JobRecord(
            id=job.id, kind="dataset", extension="image-segmentation", title="Dataset", name=spec.name, created=0.0,
            worker="build", spec=spec.model_dump(mode="json"),
        )
    )  # fmt: skip
    build(spec, job, WorkerSettings(num_threads=2), lambda event: None, lambda: False)
    return job.id
