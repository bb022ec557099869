"""Trainings that begin with weights of others, and those with layers written in Python: real ones, small."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from digits.caffeproto.caffe_pb2 import NetParameter
from digits.caffeproto.caffemodel import write_caffemodel
from digits.caffeproto.text import parse_net, to_text
from digits.core.beginning import COPIED, PYTHON_LAYERS, Beginning, WeightFile
from digits.core.errors import NetworkError, WeightsError
from digits.core.events import read_events
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder
from digits.core.metrics import RECORD, series_file
from digits.core.platform import worker_environment
from digits.core.trainspec import CustomNetwork, PreviousNetwork, TrainSpec
from digits.core.work import WorkerSettings
from digits.networks.caffe.refit import refit
from digits.training.caffe_predictor import open_predictor
from digits.training.caffe_trainer import train
from digits.training.snapshots import find_snapshot, read_weights
from tests.training.conftest import NETWORK, SHAPES, Heard, draw

NewModel = Callable[..., tuple[JobFolder, TrainSpec]]
PYTHON = """
import caffe
import numpy as np

class SquaredLossLayer(caffe.Layer):
    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise Exception("Need two inputs to compute a distance.")

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        wanted = np.eye(bottom[0].data.shape[1], dtype=np.float32)[bottom[1].data.astype(int).ravel()]
        self.diff = bottom[0].data - wanted
        top[0].data[...] = np.sum(self.diff ** 2) / bottom[0].num / 2

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = self.diff / bottom[0].num * top[0].diff[0]
"""
PYTHON_NETWORK = NETWORK.replace(
    'type: "SoftmaxWithLoss" bottom: "ip1" bottom: "label" top: "loss"',
    'type: "Python" bottom: "ip1" bottom: "label" top: "loss" loss_weight: 1 '
    'python_param { module: "digits_python_layers" layer: "SquaredLossLayer" }',
)


def run(model: tuple[JobFolder, TrainSpec], *, python_layers: bool = False) -> Heard:
    heard = Heard()
    train(model[1], model[0], WorkerSettings(num_threads=2, python_layers=python_layers), heard, lambda: False)
    return heard


def weights(folder: JobFolder) -> dict[str, np.ndarray]:
    return dict(read_weights(find_snapshot(folder)))


def begin(folder: JobFolder, *files: Path, text: str = "") -> None:
    Beginning(text=text, weights=tuple(WeightFile(path=str(file), name=file.name) for file in files)).write(folder)


def outcomes(folder: JobFolder) -> dict[str, tuple[str, str]]:
    return {row["layer"]: (row["outcome"], row["source"]) for row in read_json(folder.path / COPIED)["layers"]}


@pytest.fixture
def source(new_model: NewModel) -> tuple[JobFolder, dict[str, np.ndarray]]:
    """A model of one epoch, and its weights."""
    model = new_model(train_epochs=1)
    run(model)
    return model[0], weights(model[0])


def test_a_copied_network_that_does_not_learn_answers_as_its_source(new_model: NewModel, source: tuple[JobFolder, dict[str, np.ndarray]]) -> None:  # fmt: skip
    folder, _ = model = new_model(train_epochs=1, learning_rate=0, random_seed=99)
    begin(folder, find_snapshot(source[0]) / "weights.safetensors")

    heard = run(model)

    assert outcomes(folder) == dict.fromkeys(("conv1", "ip1"), ("copied", "weights.safetensors"))
    assert heard.of("warned") == []
    rng = np.random.default_rng(3)
    pictures = [np.asarray(draw(shape, rng))[..., None] for shape in SHAPES]
    ours, theirs = (open_predictor(each, device="cpu").classify(pictures) for each in (folder, source[0]))
    assert np.array_equal(ours, theirs)


def test_a_previous_network_for_other_classes_keeps_its_filters_and_learns_its_answers_anew(
    new_model: NewModel, source: tuple[JobFolder, dict[str, np.ndarray]]
) -> None:
    folder, _ = model = new_model(train_epochs=1, learning_rate=0, network=PreviousNetwork(job=source[0].id, epoch=1))
    begin(folder, find_snapshot(source[0]) / "weights.safetensors", text=refit(NETWORK, num_classes=3, rename=True))

    run(model)

    found = weights(folder)
    assert outcomes(folder) == {
        "conv1": ("copied", "weights.safetensors"), "ip1_retrain": ("new", ""), "ip1": ("ignored", "weights.safetensors"),
    }  # fmt: skip
    assert np.array_equal(found["conv1:0"], source[1]["conv1:0"])
    assert not np.array_equal(found["ip1_retrain:0"], source[1]["ip1:0"])
    assert 'name: "ip1_retrain"' in (folder.path / "original.prototxt").read_text()


def test_a_layer_of_another_shape_starts_anew_and_a_person_is_told_and_offered_a_name(
    new_model: NewModel, source: tuple[JobFolder, dict[str, np.ndarray]]
) -> None:
    wider = NETWORK.replace("num_output: 8", "num_output: 12")
    folder, _ = model = new_model(train_epochs=1, network=CustomNetwork(text=wider))
    begin(folder, find_snapshot(source[0]) / "weights.safetensors")

    heard = run(model)

    table = read_json(folder.path / COPIED)
    rows = {row["layer"]: row for row in table["layers"]}
    assert (table["copied"], table["unfit"]) == (0, 2)
    assert rows["conv1"]["shapes"] == [[12, 1, 5, 5], [12]]
    assert rows["conv1"]["source_shapes"] == [[8, 1, 5, 5], [8]]
    assert "Layer 'conv1' starts anew" in heard.of("warned")[0].message
    assert "conv1_retrain" in heard.of("warned")[0].hint


def test_of_several_files_in_any_form_the_last_one_wins_layer_by_layer(new_model: NewModel, source: tuple[JobFolder, dict[str, np.ndarray]], tmp_path: Path) -> None:  # fmt: skip
    net = parse_net(NETWORK, where="").message
    text = NetParameter.FromString(write_caffemodel(net, source[1]))
    (tmp_path / "weights.prototxt").write_text(to_text(text))
    conv = {name: values + 1 for name, values in source[1].items() if name.startswith("conv1")}
    (tmp_path / "b.caffemodel").write_bytes(write_caffemodel(net, conv))
    folder, _ = model = new_model(train_epochs=1, learning_rate=0)
    begin(folder, tmp_path / "weights.prototxt", tmp_path / "b.caffemodel")

    run(model)

    assert outcomes(folder) == {"conv1": ("copied", "b.caffemodel"), "ip1": ("copied", "weights.prototxt")}
    found = weights(folder)
    np.testing.assert_allclose(found["conv1:0"], source[1]["conv1:0"] + 1, rtol=1e-6)
    np.testing.assert_allclose(found["ip1:0"], source[1]["ip1:0"], rtol=1e-6)


def test_weights_of_quite_another_network_are_loudly_of_no_use(new_model: NewModel, tmp_path: Path) -> None:
    (tmp_path / "other.safetensors").write_bytes(safetensors.numpy.save({"fc6:0": np.ones((2, 2), np.float32)}))
    folder, _ = model = new_model(train_epochs=1)
    begin(folder, tmp_path / "other.safetensors")

    heard = run(model)

    assert heard.of("warned")[0].message.startswith("No layer of other.safetensors has a name of this network")


def test_a_weight_file_that_has_gone_ends_the_training_in_words(new_model: NewModel, tmp_path: Path) -> None:
    folder, _ = model = new_model()
    begin(folder, tmp_path / "gone.caffemodel")

    with pytest.raises(WeightsError, match="gone since the job was made"):
        run(model)


def test_a_layer_with_lr_mult_0_stays_as_it_was_copied_while_the_others_learn(
    new_model: NewModel, source: tuple[JobFolder, dict[str, np.ndarray]]
) -> None:
    frozen = NETWORK.replace("param { lr_mult: 1 } param { lr_mult: 2 decay_mult: 0 }", "param { lr_mult: 0 } param { lr_mult: 0 }")  # fmt: skip
    folder, _ = model = new_model(train_epochs=1, network=CustomNetwork(text=frozen))
    begin(folder, find_snapshot(source[0]) / "weights.safetensors")

    run(model)

    found = weights(folder)
    assert np.array_equal(found["conv1:0"], source[1]["conv1:0"])
    assert not np.array_equal(found["ip1:0"], source[1]["ip1:0"])


def test_a_loss_written_in_python_trains_and_its_model_answers(new_model: NewModel) -> None:
    folder, _ = model = new_model(train_epochs=4, network=CustomNetwork(text=PYTHON_NETWORK), compile_model=True)
    (folder.path / PYTHON_LAYERS).write_text(PYTHON)

    heard = run(model, python_layers=True)

    assert any("layers written in Python" in event.message for event in heard.of("warned"))
    losses = series_file(folder.metrics, "loss/val").read_bytes()
    first, *_, last = (value for *_, value in RECORD.iter_unpack(losses))
    assert last < 0.7 * first
    picture = np.asarray(draw("circle", np.random.default_rng(1)))[..., None]
    assert open_predictor(folder, None, "cpu").classify([picture]).shape == (1, 3)


@pytest.mark.slow
def test_a_python_layer_that_ends_the_worker_is_an_error_of_the_job(new_model: NewModel) -> None:
    folder, _ = new_model(network=CustomNetwork(text=PYTHON_NETWORK))
    (folder.path / PYTHON_LAYERS).write_text(PYTHON.replace("self.diff = bottom", "exit()\n        self.diff = bottom"))

    process = subprocess.run(
        [sys.executable, "-m", "digits.workers.train", str(folder.path)],
        env={**os.environ, **worker_environment(1), **WorkerSettings(python_layers=True).to_environment()},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip

    assert process.returncode == 1
    (failed,) = Heard(event for _, event in read_events(folder.events_file)).of("failed")
    assert "SquaredLossLayer.forward failed: SystemExit" in failed.message
    assert "exit()" in failed.trace


def test_a_slip_in_a_python_layer_is_told_with_the_files_line_and_the_last_lines_of_its_trace(
    new_model: NewModel,
) -> None:
    folder, _ = model = new_model(network=CustomNetwork(text=PYTHON_NETWORK))
    wrong = PYTHON.replace("self.diff ** 2", "self.dif ** 2")
    (folder.path / PYTHON_LAYERS).write_text(wrong)
    line = wrong[: wrong.index("self.dif ** 2")].count("\n") + 1

    with pytest.raises(NetworkError) as caught:
        run(model, python_layers=True)

    assert f"{PYTHON_LAYERS}:{line}" in caught.value.message
    assert "AttributeError" in caught.value.message
    assert caught.value.where.startswith("original.prototxt:")
    assert "self.dif ** 2" in caught.value.trace


def test_a_network_whose_python_file_is_missing_names_the_module_and_the_line(new_model: NewModel) -> None:
    model = new_model(network=CustomNetwork(text=PYTHON_NETWORK))

    with pytest.raises(NetworkError, match=r"original.prototxt:\d+: .*'digits_python_layers' cannot be imported"):
        run(model, python_layers=True)


def test_python_layers_do_not_run_where_the_setting_forbids_it(new_model: NewModel) -> None:
    folder, _ = model = new_model(network=CustomNetwork(text=PYTHON_NETWORK))
    (folder.path / PYTHON_LAYERS).write_text("raise SystemExit('this ran')")

    with pytest.raises(NetworkError, match="allow_python_layers"):
        run(model)
