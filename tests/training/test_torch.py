"""Networks in Python trained on a small real dataset: curves, files, answers, resuming, weights of others, what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from digits.core.beginning import Beginning, WeightFile
from digits.core.errors import NetworkError
from digits.core.events import Failed
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import CustomNetwork, FixedPolicy, StandardNetwork, TrainSpec
from digits.core.work import StoppedError, WorkerSettings
from digits.training import snapshots
from digits.training.dataset import Dataset
from digits.training.torch_export import safetensors_file, snapshot
from digits.training.torch_predictor import open_predictor
from digits.training.torch_trainer import train
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


def test_a_network_in_python_learns_three_shapes_and_answers_as_in_its_validation(new_torch: NewModel) -> None:
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
    import os

    os.environ["DIGITS_WORKER_SETTINGS"] = TRUSTED.model_dump_json()
    try:
        chances = open_predictor(folder, device="cpu").classify(pictures)
    finally:
        del os.environ["DIGITS_WORKER_SETTINGS"]
    np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-5)
    assert (chances.argmax(1) == reader.targets()).mean() == pytest.approx(facts["metrics"]["accuracy/val"])
