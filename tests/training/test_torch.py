"""Networks in Python trained on a small real dataset: curves, files, answers, resuming, weights of others, what goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch

from digits.core.beginning import Beginning, WeightFile
from digits.core.errors import NetworkError
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import CustomNetwork, FixedPolicy, StandardNetwork, TrainSpec
from digits.core.work import VARIABLE, StoppedError, WorkerSettings
from digits.networks.standard import standard_networks
from digits.networks.torch.definition import define
from digits.networks.torch.weights import read_weights
from digits.training import snapshots
from digits.training.dataset import Dataset
from digits.training.torch_model import params_of
from digits.training.torch_predictor import open_predictor
from digits.training.torch_trainer import train
from digits.training.weights_export import safetensors_file, snapshot
from tests.shared import needs_pretrained
from tests.training.conftest import Heard
from tests.training.test_training import curve, never, stop_after

NewModel = Callable[..., tuple[JobFolder, TrainSpec]]
TRUSTED = WorkerSettings(num_threads=2, python_layers=True)
DOUBTED = WorkerSettings(num_threads=2)

SMALL = """
from torch import nn

def build_model(params):
    channels, height, width = params["inputShape"]
    return {"model": nn.Sequential(
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, 8, 5, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.2),
        nn.Flatten(),
        nn.Linear(128, params.nclasses),
    ), "trainBatchSize": 16}
"""


@pytest.fixture
def new_torch(new_model: NewModel) -> NewModel:
    def make(text: str = SMALL, **fields: Any) -> tuple[JobFolder, TrainSpec]:
        fields.setdefault("network", CustomNetwork(text=text))
        return new_model(**({"framework": "torch", "batch_size": None} | fields))

    return make


def test_a_network_in_python_learns_three_shapes_and_answers_as_in_its_validation(
    new_torch: NewModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, spec = new_torch(train_epochs=20, lr=FixedPolicy())

    facts = train(spec, folder, TRUSTED, Heard(), never)

    assert facts["batch_size"] == 16
    assert facts["parameters"] == 2 + 8 * 25 + 8 + 128 * 3 + 3
    assert facts["metrics"]["accuracy/val"] > 0.9
    assert [step for step, _ in curve(folder, "loss/val")] == list(range(0, 121, 6))
    names = {path.name for path in folder.path.iterdir()}
    assert names >= {"network.py", "labels.txt", "mean.binaryproto", "torch_output.log", "network.json", "model.json"}
    assert (folder.path / "network.py").read_text() == SMALL
    assert [row["type"] for row in read_json(folder.path / "network.json")["layers"]][-1] == "Linear"
    reader = Dataset.open(folder, spec.dataset).reader("val")
    pictures = [reader[index].image_HWC for index in range(len(reader))]
    monkeypatch.setenv(VARIABLE, TRUSTED.model_dump_json())
    chances = open_predictor(folder, device="cpu").classify(pictures)
    np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-5)
    assert (chances.argmax(1) == reader.targets()).mean() == pytest.approx(facts["metrics"]["accuracy/val"])


def test_a_training_that_was_stopped_goes_on_to_the_bit(new_torch: NewModel) -> None:
    whole, broken = new_torch(), new_torch()
    train(whole[1], whole[0], TRUSTED, Heard(), never)

    with pytest.raises(StoppedError):
        train(broken[1], broken[0], TRUSTED, Heard(), stop_after(8))
    broken[0].note("resume")
    train(broken[1], broken[0], TRUSTED, Heard(), never)

    for name in ("loss/train", "loss/val", "accuracy/val"):
        assert curve(broken[0], name) == curve(whole[0], name)
    ours, theirs = (snapshots.read_weights(snapshots.find_snapshot(each[0])) for each in (broken, whole))
    assert all((ours[name] == theirs[name]).all() for name in theirs)


@pytest.mark.slow
def test_a_network_that_normalises_by_batches_goes_on_to_the_bit(new_torch: NewModel) -> None:
    fields = {"network": StandardNetwork(name="resnet18"), "batch_size": 16, "train_epochs": 1}
    whole, broken = new_torch(**fields), new_torch(**fields)
    train(whole[1], whole[0], DOUBTED, Heard(), never)

    with pytest.raises(StoppedError):
        train(broken[1], broken[0], DOUBTED, Heard(), stop_after(3))
    broken[0].note("resume")
    train(broken[1], broken[0], DOUBTED, Heard(), never)

    for series in ("loss/train", "loss/val", "accuracy/val"):
        assert curve(broken[0], series) == curve(whole[0], series)
    for file in (
        "weights.safetensors",
        "state.safetensors",
    ):  # means and variances in the one, counters of batches in the other
        ours, theirs = (
            safetensors.torch.load_file(snapshots.find_snapshot(each[0]) / file) for each in (broken, whole)
        )
        assert ours.keys() == theirs.keys()
        assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
    assert any("running_var" in name for name in snapshots.read_weights(snapshots.find_snapshot(whole[0])))


@pytest.mark.parametrize("scales", [True, False])
def test_a_network_that_scales_its_pictures_gets_them_as_they_are(new_torch: NewModel, scales: bool) -> None:
    text = SMALL.replace('"trainBatchSize": 16', '"trainBatchSize": 16, "use_mean": "none"')
    folder, spec = new_torch(text if scales else SMALL, train_epochs=1, use_mean="image")
    heard = Heard()

    train(spec, folder, TRUSTED, heard, never)

    assert read_json(folder.path / "model.json")["use_mean"] == ("none" if scales else "image")
    assert [each.message for each in heard.of("warned") if "scales" in each.message] == (
        ["Nothing is subtracted from the pictures: the network scales them by itself."] if scales else []
    )


@needs_pretrained
@pytest.mark.slow
def test_published_weights_are_copied_but_for_the_layer_that_answers(new_torch: NewModel) -> None:
    known = standard_networks(suffix="py")["efficientnet_lite0"].pretrained
    assert known is not None
    folder, spec = new_torch(
        network=StandardNetwork(name="efficientnet_lite0", pretrained=True),
        train_epochs=1,
        use_mean="none",
        learning_rate=0,
    )
    Beginning(weights=(WeightFile(path=str(known.path()), name=known.title, sha256=known.sha256),)).write(folder)
    heard = Heard()

    train(spec, folder, DOUBTED, heard, never)

    table = read_json(folder.path / "weights.json")
    assert {row["layer"]: row["outcome"] for row in table["layers"] if row["outcome"] != "copied"} == {
        "_conv_stem": "unfit", "_fc": "classes",  # one channel here, three in the file
    }  # fmt: skip
    assert not [each for each in heard.of("warned") if "_fc" in each.message]
    ours, theirs = snapshots.read_weights(snapshots.find_snapshot(folder)), read_weights(known.path() or Path())
    np.testing.assert_array_equal(ours["_conv_head.weight"], theirs["_conv_head.weight"])


def test_code_of_a_user_does_not_run_where_it_may_not(new_torch: NewModel) -> None:
    folder, spec = new_torch("raise ValueError('it ran')\n" + SMALL)

    with pytest.raises(NetworkError, match="do not run on this server"):
        train(spec, folder, DOUBTED, Heard(), never)


def test_a_mistake_in_forward_is_told_at_its_line(new_torch: NewModel) -> None:
    folder, spec = new_torch(SMALL.replace("nn.Linear(128,", "nn.Linear(129,"))

    with pytest.raises(NetworkError) as caught:
        train(spec, folder, TRUSTED, Heard(), never)

    assert "in layer '6'" in caught.value.message
    assert caught.value.where == "network.py:6"


def test_weights_of_another_model_are_copied_by_name_and_what_the_hook_freezes_stays(new_torch: NewModel) -> None:
    first, spec = new_torch()
    train(spec, first, TRUSTED, Heard(), never)
    weights = snapshots.find_snapshot(first) / snapshots.WEIGHTS
    hook = SMALL.replace(
        '"trainBatchSize": 16', '"trainBatchSize": 16, "fineTuneHook": lambda net: net[1].requires_grad_(False)'
    )
    text = hook.replace("nn.Linear(128, params.nclasses)", "nn.Linear(128, 9), nn.Linear(9, params.nclasses)")
    second, spec = new_torch(text)
    Beginning(weights=(WeightFile(path=str(weights), name="first"),)).write(second)
    heard = Heard()

    train(spec, second, TRUSTED, heard, never)

    rows = {row["layer"]: row["outcome"] for row in read_json(second.path / "weights.json")["layers"]}
    assert rows == {"0": "copied", "1": "copied", "6": "unfit", "7": "new"}
    assert "starts anew" in heard.of("warned")[0].message
    before, after = (snapshots.read_weights(snapshots.find_snapshot(each)) for each in (first, second))
    assert (before["1.weight"] == after["1.weight"]).all()
    assert (before["0.weight"] != after["0.weight"]).any()


def test_a_snapshot_goes_out_as_a_state_dict_with_the_text_beside_it(new_torch: NewModel, tmp_path: Path) -> None:
    folder, spec = new_torch(train_epochs=1)
    train(spec, folder, TRUSTED, Heard(), never)

    plain, noted = snapshot(folder, None, tmp_path / "a"), safetensors_file(folder, 1.0, tmp_path / "b")

    parameters = define(SMALL, params_of((1, 20, 20), 3, None), allowed=True).model
    found = safetensors.torch.load_file(plain)
    assert parameters.load_state_dict(found, strict=False).missing_keys == []
    with safetensors.safe_open(noted, "np") as file:
        assert file.metadata()["network"] == SMALL


@pytest.mark.slow
def test_a_worker_trains_lenet_where_no_code_of_users_may_run(new_torch: NewModel) -> None:
    folder, _ = new_torch(network=StandardNetwork(name="lenet"), train_epochs=1)

    done = subprocess.run(
        [sys.executable, "-m", "digits.workers.train", str(folder.path)],
        env=os.environ | DOUBTED.to_environment(), capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in (folder.path / "events.jsonl").read_text().splitlines()]
    assert [event["file"] for event in events if event["type"] == "snapshot"] == ["snapshots/epoch_1"]
    assert events[-1]["type"] == "done"
    predictor = open_predictor(folder, device="cpu")
    assert predictor.classify([np.zeros((20, 20, 1), np.uint8)]).shape == (1, 3)
