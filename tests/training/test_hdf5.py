"""A training whose dataset keeps its records in HDF5: DIGITS' rules for it, and files that Caffe would take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import safetensors.numpy

from digits.caffe.commands.test import measure
from digits.caffe.definitions import State, read_net
from digits.caffeproto.caffemodel import write_caffemodel
from digits.core.errors import NetworkError
from digits.core.files import read_json, write_json
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import TrainSpec
from digits.core.work import WorkerSettings
from digits.training.caffe_trainer import train
from digits.training.dataset import Dataset

NewModel = Callable[..., tuple[JobFolder, TrainSpec]]


@pytest.fixture
def hdf5(new_model: NewModel) -> NewModel:
    """Model jobs on a dataset that has its records in HDF5, too, as lists that Caffe reads."""

    def make(**fields: Any) -> tuple[JobFolder, TrainSpec]:
        folder, spec = new_model(**fields)
        path = folder.path.parent / spec.dataset
        write_json(path / "dataset.json", read_json(path / "dataset.json") | {"backend": "hdf5"})
        dataset = Dataset.open(folder, spec.dataset)
        for db in ("train", "val"):
            reader = dataset.reader(db)
            images = np.empty((len(reader), *reader.sample_shape), np.uint8)
            reader.decode_all(images)
            with h5py.File(path / f"{db}_db" / "0.h5", "w") as file:
                file["data"] = images.transpose(0, 3, 1, 2).astype(np.float32)
                file["label"] = reader.targets().astype(np.float32)
            dataset.database(db).write_text(f"{path}/{db}_db/0.h5\n")
        return folder, spec

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
