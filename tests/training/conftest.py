"""A small real dataset, drawn and built once, and job folders of models that train on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image, ImageDraw

from digits.core.events import Event
from digits.core.jobfolder import JobFolder, JobRecord, TaskPlan, new_job_id
from digits.core.trainspec import CustomNetwork, TrainSpec
from digits.core.work import WorkerSettings
from digits.extensions.datasets.classification.build import build
from digits.extensions.datasets.classification.sources.folder.spec import FolderSource
from digits.extensions.datasets.classification.spec import ClassificationSpec

SIDE = 20
PER_CLASS = 40
SHAPES = ("circle", "square", "triangle")

NETWORK = """
name: "small"
layer { name: "scale" type: "Power" bottom: "data" top: "scaled" power_param { scale: 0.0125 } }
layer { name: "conv1" type: "Convolution" bottom: "scaled" top: "conv1"
  param { lr_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  convolution_param { num_output: 8 kernel_size: 5 stride: 2 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "drop1" type: "Dropout" bottom: "pool1" top: "pool1" dropout_param { dropout_ratio: 0.2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool1" top: "ip1"
  inner_product_param { weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip1" bottom: "label" top: "loss" exclude { stage: "deploy" } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip1" bottom: "label" top: "accuracy" include { stage: "val" } }
layer { name: "softmax" type: "Softmax" bottom: "ip1" top: "softmax" include { stage: "deploy" } }
"""


def draw(shape: str, rng: np.random.Generator, side: int = SIDE, mode: str = "L") -> Image.Image:
    """A grey or coloured shape somewhere on white."""
    picture = Image.new(mode, (side, side), "white")
    x, y = rng.integers(side * 2 // 5, side * 3 // 5 + 1, 2)
    r = rng.integers(side // 4, side * 2 // 5 + 1)
    ink = int(rng.integers(0, 90)) if mode == "L" else tuple(int(c) for c in rng.integers(0, 90, 3))
    brush = ImageDraw.Draw(picture)
    if shape == "circle":
        brush.ellipse((x - r, y - r, x + r, y + r), fill=ink)
    elif shape == "square":
        brush.rectangle((x - r, y - r, x + r, y + r), fill=ink)
    else:
        brush.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=ink)
    return picture


def draw_folder(folder: Path, *, side: int = SIDE, mode: str = "L", per_class: int = PER_CLASS) -> Path:
    """One sub-folder a shape."""
    rng = np.random.default_rng(11)
    for shape in SHAPES:
        (folder / shape).mkdir(parents=True)
        for number in range(per_class):
            draw(shape, rng, side, mode).save(folder / shape / f"{number:03d}.png")
    return folder


def build_dataset(
    jobs: Path,
    pictures: Path,
    *,
    side: int = SIDE,
    channels: Literal[1, 3] = 1,
    backend: Literal["lmdb", "hdf5"] = "lmdb",
    **fields: Any,
) -> str:
    """Build a dataset job, as its worker does, and return its id."""
    folder = JobFolder(jobs / new_job_id(jobs))
    spec = ClassificationSpec(
        name="shapes", resize_channels=channels, resize_width=side, resize_height=side, random_seed=1, backend=backend,
        source=FolderSource(train=str(pictures), **fields),
    )  # fmt: skip
    folder.write(
        JobRecord(
            id=folder.id,
            kind="dataset",
            extension="image-classification",
            title="Dataset",
            name="shapes",
            created=0.0,
            worker="build",
            spec=spec.model_dump(mode="json"),
        )
    )
    build(spec, folder, WorkerSettings(num_threads=2), lambda event: None, lambda: False)
    return folder.id


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A jobs folder with a finished dataset of 3 classes, 90 + 30 grey pictures of 20 x 20; its id."""
    root = tmp_path_factory.mktemp("shapes")
    return root / "jobs", build_dataset(root / "jobs", draw_folder(root / "pictures"))


@pytest.fixture
def new_model(shapes: tuple[Path, str], tmp_path: Path) -> Callable[..., tuple[JobFolder, TrainSpec]]:
    """Make a model job beside a copy of the dataset; fields of the spec may be given."""
    return model_maker(shapes, tmp_path)


def model_maker(shapes: tuple[Path, str], place: Path) -> Callable[..., tuple[JobFolder, TrainSpec]]:
    """Return what makes model jobs under ``place``, beside a copy of the dataset."""
    jobs, dataset = place / "jobs", shapes[1]
    shutil.copytree(shapes[0], jobs)

    def make(**fields: Any) -> tuple[JobFolder, TrainSpec]:
        defaults: dict[str, Any] = {
            "dataset": dataset, "name": "model", "train_epochs": 2, "batch_size": 16, "random_seed": 5,
            "learning_rate": 0.01, "network": CustomNetwork(text=NETWORK), "device": "cpu",
        }  # fmt: skip
        return new_model_job(jobs, TrainSpec(**(defaults | fields)))

    return make


def new_model_job(jobs: Path, spec: TrainSpec) -> tuple[JobFolder, TrainSpec]:
    """Write a model job that has not begun."""
    folder = JobFolder(jobs / new_job_id(jobs))
    folder.write(
        JobRecord(
            id=folder.id,
            kind="model",
            extension=spec.framework,
            title="Model",
            name="model",
            created=0.0,
            worker="train",
            depends_on=spec.dataset,
            tasks=(TaskPlan(name="train", title="Train Caffe Model"),),
            spec=spec.model_dump(mode="json"),
        )
    )
    return folder, spec


class Heard(list[Event]):
    """An ``Emit`` that keeps what it hears."""

    def __call__(self, event: Event, /) -> None:
        self.append(event)

    def of(self, kind: str) -> list[Any]:
        """The events of one type."""
        return [event for event in self if event.type == kind]
