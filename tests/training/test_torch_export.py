"""A model in Python taken elsewhere: whoever does to a picture what the file tells gets this house's answers, also where there is no DIGITS."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from digits.caffeproto.blob import array_to_blob
from digits.core.errors import NetworkError
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import CustomNetwork, TrainSpec
from digits.core.work import VARIABLE, WorkerSettings
from digits.networks.caffe.export import onnxcheck
from digits.networks.caffe.export.preprocessing import Preprocessing
from digits.networks.torch.definition import define
from digits.networks.torch.export import TorchExport, write_onnx
from digits.networks.torch.net import TorchNet
from digits.networks.torch.params import Params
from digits.networks.torch.text import standard_text
from digits.training.dataset import MEAN_FILE, Dataset
from digits.training.goingout import mean_going_out
from digits.training.modelfacts import ModelFacts
from digits.training.torch_export import onnx, pt2
from digits.training.torch_predictor import open_predictor
from digits.training.torch_trainer import train
from tests.training.conftest import Heard
from tests.training.test_torch import SMALL, TRUSTED
from tests.training.test_training import never

NewModel = Callable[..., tuple[JobFolder, TrainSpec]]


def made_ready(picture_HWC: NDArray[np.uint8], told: dict[str, Any]) -> NDArray[np.float32]:
    """Do to a picture of the right size what a file tells, in its order."""
    (_, channels, height, width), crop = told["inputs"]["data"], told["crop"]
    values = picture_HWC.transpose(2, 0, 1).astype(np.float32)
    assert told["channels"] in ("RGB", "grey")
    if crop:
        top, left = (values.shape[1] - crop) // 2, (values.shape[2] - crop) // 2
        values = values[:, top : top + crop, left : left + crop]
    if "mean_image_base64" in told:
        mean = np.frombuffer(base64.b64decode(told["mean_image_base64"]), "<f4").reshape(channels, height, width)
    else:
        mean = np.array(told["mean_values"] or [0.0], np.float32)[:, None, None]
    ready: NDArray[np.float32] = ((values - mean) * told["scale"])[None].astype(np.float32)
    return ready


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields", [{"crop_size": 20, "use_mean": "image"}, {"use_mean": "pixel"}], ids=["mean picture", "mean colour"]
)
def test_onnx_and_pt2_files_answer_as_the_model_does(
    new_model: NewModel, fields: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, spec = new_model(
        framework="torch", network=CustomNetwork(text=SMALL), batch_size=None, train_epochs=1, **fields
    )
    train(spec, folder, TRUSTED, Heard(), never)
    monkeypatch.setenv(VARIABLE, TRUSTED.model_dump_json())
    reader = Dataset.open(folder, spec.dataset).reader("val")
    pictures = [reader[index].image_HWC for index in range(len(reader))]
    chances = open_predictor(folder, device="cpu").classify(pictures)

    session = onnxruntime.InferenceSession(onnx(folder, None, tmp_path / "made"))
    notes = session.get_modelmeta().custom_metadata_map
    data = np.concatenate([made_ready(each, json.loads(notes["preprocessing"])) for each in pictures])
    extra = {"labels.txt": "", "preprocessing.json": ""}
    module = torch.export.load(pt2(folder, 1.0, tmp_path / "made"), extra_files=extra).module()

    np.testing.assert_allclose(session.run(["softmax"], {"data": data})[0], chances, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(module(torch.from_numpy(data))["softmax"].numpy(), chances, rtol=1e-4, atol=1e-5)
    assert extra["preprocessing.json"] == notes["preprocessing"]
    assert (
        notes["labels"].splitlines() == extra["labels.txt"].split() == (folder.path / "labels.txt").read_text().split()
    )


def test_code_of_a_user_does_not_run_for_an_export_where_it_may_not(
    new_model: NewModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, spec = new_model(framework="torch", network=CustomNetwork(text=SMALL), batch_size=None, train_epochs=1)
    train(spec, folder, TRUSTED, Heard(), never)
    monkeypatch.setenv(VARIABLE, WorkerSettings().model_dump_json())

    with pytest.raises(NetworkError, match="do not run on this server"):
        onnx(folder, None, tmp_path / "made")


@pytest.mark.parametrize(("use_mean", "expected"), [("pixel", [30.0, 20.0, 10.0]), ("none", None)])
def test_a_mean_colour_that_is_stored_blue_first_goes_out_red_first(
    tmp_path: Path, use_mean: str, expected: list[float] | None
) -> None:
    mean_CHW = np.repeat(np.array([10.0, 20.0, 30.0], np.float32), 4).reshape(3, 2, 2)
    (tmp_path / MEAN_FILE).write_bytes(array_to_blob(mean_CHW[None]).SerializeToString())
    facts = ModelFacts(
        target_kind="class", channels=3, height=2, width=2, resize_mode="squash", seed=0, use_mean=use_mean, crop_size=0,
        data_blob="data",
    )  # fmt: skip

    found = mean_going_out(JobFolder(tmp_path), facts)

    assert (None if found is None else found.tolist()) == expected


def exported(text: str, size_CHW: tuple[int, int, int], classes: int) -> TorchExport:
    definition = define(text, Params(classes, size_CHW), allowed=True, where="network.py")
    return TorchExport(TorchNet(definition, "class", "TEST"), size_CHW, Preprocessing(rgb=True), (), "network.py")


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("lenet", (1, 28, 28)),
        *(pytest.param(name, (3, 227 if name == "alexnet" else 224, 227 if name == "alexnet" else 224), marks=pytest.mark.slow)
          for name in ("alexnet", "googlenet", "vgg16", "resnet18", "resnet50", "squeezenet", "mobilenetv2", "efficientnet_lite0")),
    ],
)  # fmt: skip
def test_the_onnx_of_a_standard_network_gives_its_numbers_for_any_batch(
    name: str, size: tuple[int, int, int], tmp_path: Path
) -> None:
    torch.manual_seed(3)
    model = exported(standard_text(name), size, 10)
    for layer in model.net.module.modules():  # answers that differ, of layers that normalise: else all are 0.1
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.normal_(layer.weight, std=layer.in_features**-0.5)

    write_onnx(model, tmp_path / "made.onnx")

    session = onnxruntime.InferenceSession(tmp_path / "made.onnx")
    for count in (1, 3):
        data = onnxcheck.example((count, *size))
        ours = model.net(data=torch.from_numpy(data.copy()))["softmax"].detach().numpy()
        assert np.abs(session.run(["softmax"], {"data": data})[0] - ours).max() < 1e-4
    onnxcheck.check(tmp_path / "made.onnx", {"data": data}, {"softmax": ours})


@pytest.mark.slow
@pytest.mark.parametrize("runner", [onnxcheck._onnx_runtime, onnxcheck._opencv])
def test_a_file_that_gives_other_numbers_is_found_out(
    runner: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxcheck, "_runner", lambda: runner)
    model = exported(standard_text("lenet"), (1, 28, 28), 10)
    write_onnx(model, tmp_path / "made.onnx")
    data = onnxcheck.example((2, 1, 28, 28))
    ours = model.net(data=torch.from_numpy(data))["softmax"].detach().numpy()

    onnxcheck.check(tmp_path / "made.onnx", {"data": data}, {"softmax": ours})
    with pytest.raises(NetworkError, match="other numbers"):
        onnxcheck.check(tmp_path / "made.onnx", {"data": data}, {"softmax": ours + 3e-4})


def test_what_cannot_go_out_is_said_in_words(tmp_path: Path) -> None:
    text = SMALL.replace("nn.ReLU()", "Odd()").replace(
        "def build",
        "class Odd(nn.Module):\n    def forward(self, x):\n        return x * float(x.sum().item() > 0)\n\ndef build",
    )

    with pytest.raises(NetworkError, match="cannot be written as an ONNX file") as caught:
        write_onnx(exported(text, (1, 20, 20), 3), tmp_path / "made.onnx")

    assert caught.value.where == "network.py"
