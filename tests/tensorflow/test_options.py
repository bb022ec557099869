"""Trainings by TensorFlow with classes weighed or balanced and in bfloat16, and what goes out of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras")

import keras

from digits.core.jobfolder import JobFolder
from digits.core.trainspec import CustomNetwork, TrainSpec
from digits.core.work import VARIABLE, StoppedError
from digits.extensions.frameworks.tensorflow.check import check
from digits.training import snapshots
from digits.training.balance import class_weights
from digits.training.dataset import Dataset
from digits.training.tensorflow_export import onnx
from digits.training.tensorflow_predictor import open_predictor
from digits.training.tensorflow_trainer import train
from tests.tensorflow.conftest import SMALL, TRUSTED, NewModel
from tests.training.conftest import Heard
from tests.training.test_balance import Unequal, unequal
from tests.training.test_standalone_example import assert_the_example_gives_the_numbers_of
from tests.training.test_training import curve, never, stop_after

__all__ = ["unequal"]

LINEAR = """
import keras
from keras import layers, ops

def build_model(params):
    model = keras.Sequential([layers.Rescaling(0.004), layers.Flatten(), layers.Dense(params.nclasses)])
    return {"model": model, "loss": LOSS}
"""
ONE_NUMBER = "lambda y, scores: ops.mean(ops.sparse_categorical_crossentropy(y, scores, from_logits=True))"


def model(unequal: Unequal, text: str, **fields: Any) -> tuple[JobFolder, TrainSpec]:
    return unequal(framework="tensorflow", network=CustomNetwork(text=text), **fields)


def test_the_loss_of_each_picture_is_multiplied_by_its_classs_weight_in_training_alone(
    unequal: Unequal, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = LINEAR.replace("LOSS", "None")
    folder, spec = model(unequal, text, class_balance="weights", learning_rate=0.0, batch_size=48, train_epochs=1)

    train(spec, folder, TRUSTED, Heard(), never)

    monkeypatch.setenv(VARIABLE, TRUSTED.model_dump_json())
    predictor = open_predictor(folder, device="cpu")
    dataset = Dataset.open(folder, spec.dataset)
    for db, name, weights in (("train", "loss/train", [48 / 90, 48 / 45, 48 / 9]), ("val", "loss/val", [1, 1, 1])):
        reader = dataset.reader(db)
        targets = reader.targets()
        chances = predictor.classify([reader[index].image_HWC for index in range(len(reader))])
        wanted = np.mean(np.array(weights)[targets] * -np.log(chances[np.arange(len(targets)), targets]))
        assert curve(folder, name)[0][1] == pytest.approx(wanted, rel=1e-4)
    np.testing.assert_allclose(class_weights(dataset.reader("train").targets(), 3), [48 / 90, 48 / 45, 48 / 9])


def test_a_loss_of_one_number_cannot_be_weighed_and_the_training_says_so(unequal: Unequal) -> None:
    folder, spec = model(unequal, LINEAR.replace("LOSS", ONE_NUMBER), class_balance="weights", train_epochs=1)
    heard = Heard()

    train(spec, folder, TRUSTED, heard, never)

    assert [each.message for each in heard.of("warned")] == [
        "Class weights do not count: the network's own loss gives one number."
    ]


@pytest.mark.parametrize("fields", [{"class_balance": "weights"}, {"class_balance": "sampling"}, {"precision": "bf16"}])
def test_a_training_with_such_an_option_goes_on_to_the_bit(unequal: Unequal, fields: dict[str, Any]) -> None:
    whole, broken, plain = (model(unequal, SMALL, **more) for more in (fields, fields, {}))
    assert check(whole[1], {}) == {}
    for each in (whole, plain):
        train(each[1], each[0], TRUSTED, Heard(), never)

    with pytest.raises(StoppedError):
        train(broken[1], broken[0], TRUSTED, Heard(), stop_after(4))
    broken[0].note("resume")
    train(broken[1], broken[0], TRUSTED, Heard(), never)

    ours, theirs, other = (snapshots.read_weights(snapshots.find_snapshot(each[0])) for each in (broken, whole, plain))
    assert [name for name in theirs if not np.array_equal(ours[name], theirs[name])] == []
    assert not np.array_equal(ours["conv/kernel"], other["conv/kernel"])
    assert {each.dtype for each in ours.values()} == {np.dtype(np.float32)}


def test_in_bfloat16_layers_compute_so_and_the_loss_does_not(new_keras: NewModel) -> None:
    folder, spec = new_keras(precision="bf16", train_epochs=1)

    train(spec, folder, TRUSTED, Heard(), never)

    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    exact, plain = new_keras(train_epochs=1)
    train(plain, exact, TRUSTED, Heard(), never)
    assert keras.config.dtype_policy().name == "float32"
    coarse, fine = (curve(each, "loss/train")[0][1] for each in (folder, exact))
    assert 0 < abs(coarse - fine) < 0.05 * fine


@pytest.mark.parametrize("crop", [None, 16])
def test_a_snapshot_goes_out_as_onnx_and_the_example_gives_its_numbers(
    new_keras: NewModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crop: int | None
) -> None:
    folder, spec = new_keras(train_epochs=1, crop_size=crop)
    train(spec, folder, TRUSTED, Heard(), never)
    monkeypatch.setenv(VARIABLE, TRUSTED.model_dump_json())

    written = onnx(folder, None, tmp_path / "model")

    assert written == tmp_path / "model.onnx"
    assert_the_example_gives_the_numbers_of(open_predictor(folder, None, "cpu"), tmp_path)
