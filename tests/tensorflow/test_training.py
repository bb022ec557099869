"""Trainings by TensorFlow on a small real dataset: curves, files, answers, resuming, weights of others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

from digits.core.beginning import Beginning, WeightFile
from digits.core.errors import TrainingError
from digits.core.files import read_json
from digits.core.trainspec import FixedPolicy, StandardNetwork, TrainSpec
from digits.core.trainspec.augmentation import Augmentation
from digits.core.work import VARIABLE, StoppedError, WorkerSettings
from digits.training import snapshots
from digits.training.dataset import Dataset
from digits.training.tensorflow_predictor import open_predictor
from digits.training.tensorflow_trainer import train
from tests.extensions.datasets.classification.test_build import write_mnist
from tests.shared import needs_shared
from tests.tensorflow.conftest import TRUSTED, NewModel
from tests.training.conftest import Heard, build_dataset, new_model_job
from tests.training.test_training import curve, never, stop_after


def test_a_keras_network_learns_three_shapes_and_answers_as_in_its_validation(
    new_keras: NewModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, spec = new_keras(train_epochs=20, lr=FixedPolicy())

    facts = train(spec, folder, TRUSTED, Heard(), never)

    assert facts["batch_size"] == 16
    assert facts["parameters"] == 2 + 8 * 25 + 8 + 128 * 3 + 3
    assert facts["metrics"]["accuracy/val"] > 0.9
    assert [step for step, _ in curve(folder, "loss/val")] == list(range(0, 121, 6))
    assert curve(folder, "largest/train")
    names = {path.name for path in folder.path.iterdir()}
    assert names >= {
        "network.py",
        "labels.txt",
        "mean.binaryproto",
        "tensorflow_output.log",
        "network.json",
        "model.json",
    }
    assert [row["type"] for row in read_json(folder.path / "network.json")["layers"]][-1] == "Dense"
    reader = Dataset.open(folder, spec.dataset).reader("val")
    pictures = [reader[index].image_HWC for index in range(len(reader))]
    monkeypatch.setenv(VARIABLE, TRUSTED.model_dump_json())
    predictor = open_predictor(folder, device="cpu")
    chances = predictor.classify(pictures)
    np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-5)
    assert (chances.argmax(1) == reader.targets()).mean() == pytest.approx(facts["metrics"]["accuracy/val"])
    views = list(predictor.layers(pictures[0]))
    assert [view.name for view in views if view.kind == "Weights"] == ["norm", "conv", "scores"]


@pytest.mark.parametrize("solver", ["SGD", "ADAM"])
def test_a_training_that_was_stopped_goes_on_to_the_bit(new_keras: NewModel, solver: str) -> None:
    fields = {"solver_type": solver, "augmentation": Augmentation(rot=10, noise=0.02), "crop_size": 18}
    whole, broken = new_keras(**fields), new_keras(**fields)
    train(whole[1], whole[0], TRUSTED, Heard(), never)

    with pytest.raises(StoppedError):
        train(broken[1], broken[0], TRUSTED, Heard(), stop_after(8))
    broken[0].note("resume")
    train(broken[1], broken[0], TRUSTED, Heard(), never)

    for name in ("loss/train", "loss/val", "accuracy/val"):
        assert curve(broken[0], name) == curve(whole[0], name)
    ours, theirs = (snapshots.read_weights(snapshots.find_snapshot(each[0])) for each in (broken, whole))
    assert ours.keys() == theirs.keys()
    assert [name for name in theirs if not np.array_equal(ours[name], theirs[name])] == []


def test_a_training_begins_with_the_weights_of_another(new_keras: NewModel) -> None:
    first, spec = new_keras(train_epochs=1)
    train(spec, first, TRUSTED, Heard(), never)
    file = snapshots.find_snapshot(first) / snapshots.WEIGHTS
    second, spec = new_keras(train_epochs=1, learning_rate=0.0)
    Beginning(weights=(WeightFile(path=str(file), name="the other"),)).write(second)

    train(spec, second, TRUSTED, Heard(), never)

    kept = snapshots.read_weights(snapshots.find_snapshot(second))
    np.testing.assert_array_equal(
        kept["conv/kernel"], snapshots.read_weights(snapshots.find_snapshot(first))["conv/kernel"]
    )
    assert {row["outcome"] for row in read_json(second.path / "weights.json")["layers"]} == {"copied"}


def test_a_training_that_diverges_ends_with_words(new_keras: NewModel) -> None:
    folder, spec = new_keras(learning_rate=1e30, lr=FixedPolicy(), train_epochs=5)

    with pytest.raises(TrainingError, match="Network outputted") as raised:
        train(spec, folder, TRUSTED, Heard(), never)
    assert "decreasing your learning rate" in raised.value.hint


@needs_shared
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_lenet_learns_all_of_mnist_as_well_as_by_caffe_and_torch(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs"
    dataset = build_dataset(jobs, write_mnist(tmp_path / "mnist", 60_000), side=28)
    folder, spec = new_model_job(
        jobs, TrainSpec(
            dataset=dataset, name="lenet", framework="tensorflow", network=StandardNetwork(name="lenet"), train_epochs=3, random_seed=1
        ),
    )  # fmt: skip

    facts = train(spec, folder, WorkerSettings(num_threads=2), Heard(), never)

    assert facts["parameters"] == 431_080
    assert facts["metrics"]["accuracy/val"] >= 0.985
