"""A training whose dataset keeps its records in HDF5: DIGITS' rules for it, and files that Caffe takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy

from digits.caffe.commands.test import measure
from digits.caffe.definitions import State, read_net
from digits.caffeproto.caffemodel import write_caffemodel
from digits.core.errors import NetworkError
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import CustomNetwork, TrainSpec
from digits.core.work import WorkerSettings
from digits.training.caffe_trainer import train
from tests.training.conftest import NETWORK, build_dataset, draw_folder, new_model_job

NewModel = Callable[..., tuple[JobFolder, TrainSpec]]


@pytest.fixture
def hdf5(tmp_path: Path) -> NewModel:
    """Model jobs on a dataset that has its records in HDF5."""
    dataset = build_dataset(tmp_path / "jobs", draw_folder(tmp_path / "pictures"), backend="hdf5")

    def make(**fields: Any) -> tuple[JobFolder, TrainSpec]:
        given: dict[str, Any] = {
            "dataset": dataset, "name": "model", "train_epochs": 2, "batch_size": 16, "random_seed": 5,
            "learning_rate": 0.01, "network": CustomNetwork(text=NETWORK), "device": "cpu",
        }  # fmt: skip
        return new_model_job(tmp_path / "jobs", TrainSpec(**(given | fields)))

    return make


def run(folder: JobFolder, spec: TrainSpec) -> dict[str, Any]:
    return train(spec, folder, WorkerSettings(num_threads=1), lambda event: None, lambda: False)


def test_it_trains_and_caffes_command_measures_the_same_on_the_same_records(hdf5: NewModel, tmp_path: Path) -> None:
    folder, spec = hdf5(use_mean="none", batch_size=10, train_epochs=1)

    facts = run(folder, spec)

    definition = folder.path / "train_val.prototxt"
    assert definition.read_text().count('type: "HDF5Data"') == 2
    state = safetensors.numpy.load_file(max(folder.path.glob("snapshots/*/weights.safetensors")))
    weights = tmp_path / "w.caffemodel"
    weights.write_bytes(write_caffemodel(read_net(definition).message, state))
    scores = measure(definition, weights=[weights], iterations=3, state=State("TEST"))  # 30 pictures
    assert scores["accuracy"] == pytest.approx(facts["metrics"]["accuracy/val"])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"use_mean": "pixel"}, "cannot have a mean taken off"),
        ({"use_mean": "image"}, "cannot have a mean taken off"),
        ({"use_mean": "none", "crop_size": 8}, "cannot be cropped"),
    ],
)
def test_what_hdf5_records_cannot_have_is_refused_in_words(hdf5: NewModel, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        run(*hdf5(**fields))
