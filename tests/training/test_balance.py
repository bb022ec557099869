"""Unequal classes made to count alike: weighted losses and balanced sampling, in both languages, stopped and gone on with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from digits.caffeproto.text import parse_net
from digits.core.errors import TrainingError
from digits.core.files import read_json, write_json
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import CustomNetwork, TrainSpec
from digits.core.work import StoppedError, WorkerSettings
from digits.extensions.frameworks.caffe.check import check as check_caffe
from digits.extensions.frameworks.torch.check import check as check_torch
from digits.networks.caffe.build import build
from digits.networks.caffe.weighing import weigh
from digits.networks.torch.definition import define
from digits.networks.torch.net import TorchNet
from digits.networks.torch.params import Params
from digits.training import caffe_trainer, torch_trainer
from digits.training.balance import class_weights
from digits.training.order import Balanced
from tests.training.conftest import NETWORK, Heard, build_dataset, draw_folder, new_model_job
from tests.training.test_resume import assert_same, last_bits, stop_after

Unequal = Callable[..., tuple[JobFolder, TrainSpec]]
SETTINGS = WorkerSettings(num_threads=1, python_layers=True)
LINEAR = """
import torch
from torch import nn
from torch.nn import functional as F

def loss(output, label):
    return F.cross_entropy(output, label, reduction="REDUCTION")

def build_model(params):
    return {"model": nn.Sequential(nn.Flatten(), nn.Linear(400, params.nclasses)), "loss": LOSS}
"""


@pytest.fixture
def unequal(tmp_path: Path) -> Unequal:
    """Models of a dataset with 30 circles, 15 squares and 3 triangles to learn from."""
    pictures = draw_folder(tmp_path / "pictures")
    for shape, kept in (("square", 20), ("triangle", 4)):
        for path in sorted((pictures / shape).iterdir())[kept:]:
            path.unlink()
    jobs = tmp_path / "jobs"
    dataset = build_dataset(jobs, pictures)

    def make(**fields: Any) -> tuple[JobFolder, TrainSpec]:
        defaults: dict[str, Any] = {
            "dataset": dataset, "name": "model", "train_epochs": 2, "batch_size": 16, "random_seed": 5,
            "network": CustomNetwork(text=NETWORK), "device": "cpu",
        }  # fmt: skip
        return new_model_job(jobs, TrainSpec(**(defaults | fields)))

    return make


def test_weights_are_those_that_scikit_learn_calls_balanced() -> None:
    ids = np.repeat([0, 1, 3], [30, 15, 3])

    found = class_weights(ids, 5)

    np.testing.assert_allclose(found, [48 / 90, 48 / 45, 1, 48 / 9, 1], rtol=1e-6)
    assert found[ids].mean() == pytest.approx(1)
    sklearn = pytest.importorskip("sklearn.utils.class_weight")
    theirs = sklearn.compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=ids)
    np.testing.assert_allclose(found[[0, 1, 3]], theirs, rtol=1e-6)


def test_both_languages_multiply_each_pictures_loss_and_divide_by_the_number_of_pictures() -> None:
    scores, labels = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), torch.tensor([0.0, 0.0, 1.0])
    each = -torch.log_softmax(scores.double(), 1)[[0, 1, 2], [0, 0, 1]].numpy()
    wanted = (each * [0.75, 0.75, 1.5]).sum() / 3
    text = """layer { name: "in" type: "Input" top: "x" top: "y" input_param { shape { dim: 3 dim: 2 } shape { dim: 3 } } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "x" bottom: "y" top: "loss" }
        layer { name: "other" type: "HingeLoss" bottom: "x" bottom: "y" top: "other" loss_weight: 0.5 }"""
    message = parse_net(text, where="").message

    others = weigh(message, [0.75, 1.5], "y")
    caffe = build(message, {}, phase="TRAIN", where="")(x=scores, y=labels)["loss"]

    assert caffe.item() == pytest.approx(wanted, rel=1e-6)
    assert others == ("other",)
    for reduction, loss in (("none", "loss"), ("none", "None")):
        network = LINEAR.replace("REDUCTION", reduction).replace("LOSS", loss)
        definition = define(
            network.replace("nn.Linear(400, params.nclasses)", "nn.Identity()"), Params(2, (2, 1, 1)), allowed=True
        )
        net = TorchNet(definition, "class", "TRAIN", class_weights=torch.tensor([0.75, 1.5]))
        assert net(data=scores, label=labels)["loss"].item() == pytest.approx(wanted, rel=1e-6)


def test_balanced_sampling_has_classes_equally_often_and_each_class_pass_after_pass() -> None:
    ids = np.random.default_rng(3).permutation(np.repeat([0, 2, 7], [50, 7, 3]))
    order = Balanced(ids, seed=1, shuffle=True)

    stream = np.concatenate([order.records(np.arange(first, first + 16)) for first in range(0, 6000, 16)])[:6000]

    rounds = ids[stream].reshape(-1, 3)
    assert (np.sort(rounds, axis=1) == [0, 2, 7]).all()
    assert len(np.unique(rounds, axis=0)) == 6
    for each, count in ((0, 50), (2, 7), (7, 3)):
        own = stream[ids[stream] == each]
        passes = own[: len(own) // count * count].reshape(-1, count)
        assert (np.sort(passes, axis=1) == np.flatnonzero(ids == each)).all()
        assert len(np.unique(passes, axis=0)) > 5
    late = Balanced(ids, seed=1, shuffle=True).records(np.arange(5000, 5100))
    assert (late == stream[5000:5100]).all()
    assert (Balanced(ids, seed=2, shuffle=True).records(np.arange(5000, 5100)) != late).any()
    plain = Balanced(np.array([0, 1, 0, 1, 0]), seed=1, shuffle=False)
    assert plain.records(np.arange(8)).tolist() == [0, 1, 2, 3, 4, 1, 0, 3]


@pytest.mark.parametrize("balance", ["weights", "sampling"])
@pytest.mark.parametrize("framework", ["caffe", "torch"])
def test_a_balanced_training_that_was_stopped_goes_on_to_the_bit(
    unequal: Unequal, framework: str, balance: str
) -> None:
    text = NETWORK if framework == "caffe" else LINEAR.replace("REDUCTION", "none").replace("LOSS", "loss")
    train = caffe_trainer.train if framework == "caffe" else torch_trainer.train
    fields = {"framework": framework, "network": CustomNetwork(text=text)}
    whole, broken, other = (
        unequal(**fields, class_balance=each) for each in (balance, balance, "none")
    )  # fmt: skip
    for folder, spec in (whole, other):
        train(spec, folder, SETTINGS, Heard(), lambda: False)

    with pytest.raises(StoppedError):
        train(broken[1], broken[0], SETTINGS, Heard(), stop_after(5))
    broken[0].note("resume")
    train(broken[1], broken[0], SETTINGS, Heard(), lambda: False)

    assert_same(whole[0], broken[0])
    assert last_bits(whole[0])[1] != last_bits(other[0])[1]


def test_what_cannot_be_weighed_is_said_before_or_as_the_training_begins(unequal: Unequal) -> None:
    hinge = NETWORK.replace("SoftmaxWithLoss", "HingeLoss")
    spec = TrainSpec(dataset="d", name="m", network=CustomNetwork(text=hinge), class_balance="weights")
    folder, number = unequal(
        framework="torch", class_balance="weights", train_epochs=1,
        network=CustomNetwork(text=LINEAR.replace("REDUCTION", "mean").replace("LOSS", "loss")),
    )  # fmt: skip
    no_softmax = unequal(network=spec.network, class_balance="weights")
    heard = Heard()

    assert "SoftmaxWithLoss" in check_caffe(spec, {"labels": ["a", "b"]})["class_balance"][0]
    assert check_caffe(spec.model_copy(update={"class_balance": "sampling"}), {"labels": ["a", "b"]}) == {}
    with pytest.raises(TrainingError, match="SoftmaxWithLoss"):
        caffe_trainer.train(no_softmax[1], no_softmax[0], SETTINGS, Heard(), lambda: False)
    torch_trainer.train(number, folder, SETTINGS, heard, lambda: False)
    assert [event.message for event in heard.of("warned")] == [
        "Class weights do not count: the network's own loss gives one number."
    ]


def test_labels_beyond_one_class_cannot_be_balanced(unequal: Unequal) -> None:
    folder, spec = unequal(class_balance="sampling")
    facts = JobFolder(folder.path.parent / spec.dataset).path / "dataset.json"
    write_json(facts, read_json(facts) | {"target_kind": "classes"})

    for check in (check_caffe, check_torch):
        assert "one class" in check(spec, {"target_kind": "classes", "labels": ["a", "b"]})["class_balance"][0]
    with pytest.raises(TrainingError, match="one class"):
        caffe_trainer.train(spec, folder, SETTINGS, Heard(), lambda: False)
