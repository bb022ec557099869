"""A trained model taken elsewhere: whoever does to a picture what the file tells gets this house's answers."""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import torch
from numpy.typing import NDArray

from digits.caffeproto.caffemodel import read_caffemodel
from digits.core.extensions import extension, load
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import CustomNetwork, TrainSpec
from digits.training.caffe_predictor import open_predictor
from digits.training.dataset import Dataset
from digits.training.snapshots import find_snapshot, read_weights
from tests.training.conftest import NETWORK, SHAPES
from tests.training.test_training import curve, run

NewModel = Callable[..., tuple[JobFolder, TrainSpec]]
OWN_DATA_LAYER = (
    'layer { name: "in" type: "Data" top: "data" top: "label" transform_param { scale: 0.02 mean_value: 90 } }\n'
    + NETWORK.replace("scale: 0.0125", "scale: 0.5")
)


def export(folder: JobFolder, name: str, stem: Path, epoch: float | None = None) -> Path:
    """Write a model as the inspector does."""
    framework = extension("frameworks", folder.record().extension)
    path: Path = load(framework.exports[name] if name else framework.snapshot)(folder, epoch, stem)
    return path


def made_ready(picture_HWC: NDArray[np.uint8], told: dict[str, Any]) -> NDArray[np.float32]:
    """Do to a picture of the right size what a file tells, in its order."""
    (_, channels, height, width), crop = told["inputs"]["data"], told["crop"]
    values = picture_HWC.transpose(2, 0, 1)[::-1].astype(np.float32)
    if crop:
        top, left = (values.shape[1] - crop) // 2, (values.shape[2] - crop) // 2
        values = values[:, top : top + crop, left : left + crop]
    if "mean_image_base64" in told:
        mean = np.frombuffer(base64.b64decode(told["mean_image_base64"]), "<f4").reshape(channels, height, width)
    else:
        mean = np.array(told["mean_values"] or [0.0], np.float32)[:, None, None]
    ready: NDArray[np.float32] = ((values - mean) * told["scale"])[None].astype(np.float32)
    return ready


@pytest.mark.parametrize(
    "fields",
    [{"crop_size": 15, "use_mean": "image"}, {"use_mean": "none", "network": CustomNetwork(text=OWN_DATA_LAYER)}],
    ids=["the form's mean", "the network's own mean and scale"],
)
def test_validation_answers_and_exported_files_make_pictures_ready_in_one_way(
    new_model: NewModel, fields: dict[str, Any], tmp_path: Path
) -> None:
    folder, spec = model = new_model(train_epochs=1, **fields)
    run(model)
    reader = Dataset.open(folder, spec.dataset).reader("val")
    pictures = [reader[index].image_HWC for index in range(len(reader))]

    chances = open_predictor(folder, device="cpu").classify(pictures)
    extra = {"labels.txt": "", "preprocessing.json": ""}
    module = torch.export.load(export(folder, "pt2", tmp_path / "made"), extra_files=extra).module()

    losses = -np.log(chances[np.arange(len(reader)), reader.targets()])
    assert losses.mean() == pytest.approx(curve(folder, "loss/val")[-1][1], rel=1e-4)
    told = json.loads(extra["preprocessing.json"])
    answer = module(torch.from_numpy(np.concatenate([made_ready(each, told) for each in pictures])))["softmax"].numpy()
    np.testing.assert_allclose(answer, chances, rtol=1e-4, atol=1e-6)
    assert tuple(extra["labels.txt"].split()) == SHAPES


def test_an_archive_and_a_snapshot_are_of_the_epoch_that_is_asked_for(new_model: NewModel, tmp_path: Path) -> None:
    folder, _ = model = new_model(train_epochs=2)
    run(model)
    weights = {epoch: read_weights(find_snapshot(folder, epoch))["conv1:0"].tobytes() for epoch in (1.0, 2.0)}

    with zipfile.ZipFile(export(folder, "caffemodel", tmp_path / "made", 1.0)) as archive:
        names = set(archive.namelist())
        first = read_caffemodel(archive.read(next(name for name in names if name.endswith(".caffemodel"))))
        readme = archive.read("README.txt").decode()
    newest = read_caffemodel(export(folder, "", tmp_path / "plain").read_bytes())
    with safetensors.safe_open(export(folder, "safetensors", tmp_path / "made", 2.0), "numpy") as file:
        last, labels = file.get_tensor("conv1:0"), file.metadata()["labels"]

    assert weights[1.0] != weights[2.0]
    assert first["conv1:0"].tobytes() == weights[1.0]
    assert newest["conv1:0"].tobytes() == last.tobytes() == weights[2.0]
    assert {"deploy.prototxt", "train_val.prototxt", "labels.txt", "mean.binaryproto", "README.txt"} < names
    assert "Resize the picture to 20 x 20 pixels" in readme
    assert tuple(labels.split("\n")) == SHAPES
