"""Snapshots that are kept, trainings that end early, batches that do not fit in memory: what lasts, and to which bit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digits.core.errors import TrainingError
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import CustomNetwork, EarlyStop, FixedPolicy, Keeping, TrainSpec
from digits.core.work import StoppedError, WorkerSettings
from digits.store.replay import rebuild
from digits.training import caffe_trainer, snapshots, torch_trainer
from tests.training.conftest import Heard
from tests.training.test_resume import assert_same, curves, last_bits, run, stop_after

NewModel = Callable[..., tuple[JobFolder, TrainSpec]]

SPLIT = """
import torch
from torch import nn

class Small(nn.Module):
    def __init__(self, params):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(32, params.nclasses))

    def forward(self, x):
        if self.training and x.device.type == "cpu" and len(x) > MOST:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")
        return self.layers(x / 255)

def build_model(params):
    return Small(params)
"""


def names(folder: JobFolder) -> list[str]:
    return [path.name for path in folder.snapshot_folders()]


def losses(folder: JobFolder) -> dict[int, float]:
    return {step: value for step, _, value in curves(folder)["loss/val"]}


def torch_run(
    model: tuple[JobFolder, TrainSpec], stop: Callable[[], bool] = lambda: False
) -> tuple[Heard, dict[str, Any]]:
    folder, spec = model
    heard = Heard()
    return heard, torch_trainer.train(spec, folder, WorkerSettings(num_threads=1, python_layers=True), heard, stop)


@pytest.fixture
def small(new_model: NewModel) -> Callable[..., tuple[JobFolder, TrainSpec]]:
    """Make a model in PyTorch that has memory for ``most`` pictures in training."""

    def make(most: int, **fields: Any) -> tuple[JobFolder, TrainSpec]:
        text = SPLIT.replace("MOST", str(most))
        return new_model(
            **({"framework": "torch", "network": CustomNetwork(text=text), "learning_rate": 0.05} | fields)
        )

    return make


def test_the_newest_snapshots_and_the_best_one_stay_and_lists_name_no_other(new_model: NewModel) -> None:
    fields = {"train_epochs": 5, "learning_rate": 0.01, "lr": FixedPolicy()}
    whole, kept = new_model(**fields), new_model(**fields, keeping=Keeping(keep_snapshots=2))
    run(whole)

    heard = run(kept)

    by_epoch = {path.name: snapshots.read_facts(path).metrics["loss/val"] for path in whole[0].snapshot_folders()}
    best = min(by_epoch, key=lambda name: by_epoch[name])
    assert names(kept[0]) == sorted({best, "epoch_4", "epoch_5"})
    assert last_bits(kept[0])[1:] == last_bits(whole[0])[1:]
    told = {event.file for event in heard.of("snapshot")} - {event.file for event in heard.of("snapshot_removed")}
    assert told == {f"snapshots/{name}" for name in names(kept[0])}


def test_the_best_is_the_first_with_the_highest_accuracy_where_that_is_asked_for(new_model: NewModel) -> None:
    folder, _ = model = new_model(
        train_epochs=6, lr=FixedPolicy(), keeping=Keeping(keep_snapshots=1, best_metric="accuracy/val")
    )
    run(model)

    found = {epoch: value for _, epoch, value in curves(folder)["accuracy/val"] if epoch}
    best = min(found, key=lambda epoch: (-found[epoch], epoch))
    assert names(folder) == sorted({f"epoch_{best:.0f}", "epoch_6"})


def test_killed_between_a_snapshot_and_the_removal_of_another_it_goes_on_with_the_same_bits(
    new_model: NewModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"train_epochs": 4, "keeping": Keeping(keep_snapshots=1)}
    whole, broken = new_model(**fields), new_model(**fields)
    run(whole)

    class Killed(BaseException):
        """In the place of SIGKILL: nothing in the loop catches it."""

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(JobFolder, "remove_snapshot", kill)
        with pytest.raises(Killed):
            run(broken)
    assert names(broken[0]) == ["epoch_1", "epoch_2"]
    shutil.copytree(broken[0].snapshots / "epoch_1", broken[0].snapshots / ".epoch_1.gone")  # half done is out of sight
    broken[0].note("resume")
    run(broken)

    assert_same(whole[0], broken[0])
    assert names(broken[0]) == names(whole[0])
    assert not list(broken[0].snapshots.glob(".*"))


def test_rows_are_those_of_the_snapshots_that_are_there(new_model: NewModel) -> None:
    folder, _ = model = new_model(train_epochs=4, keeping=Keeping(keep_snapshots=1))
    heard = run(model)
    folder.events_file.write_text("".join(event.model_dump_json() + "\n" for event in heard))

    assert sorted(rebuild(folder).snapshots) == [f"snapshots/{name}" for name in names(folder)]


def test_a_training_that_gets_no_better_ends_early_and_says_which_was_best(new_model: NewModel) -> None:
    # a rate of 0: no validation is better than the first
    folder, _ = model = new_model(train_epochs=9, learning_rate=0.0, early_stop=EarlyStop(patience=3))
    _, spec = model
    facts = caffe_trainer.train(spec, folder, WorkerSettings(num_threads=1), Heard(), lambda: False)

    first = losses(folder)[0]
    assert facts["stopped_early"] == {
        "epoch": 3.0, "measure": "loss/val", "best": first, "best_epoch": 0.0, "validations": 3
    }  # fmt: skip
    assert facts["step"] == 18
    assert names(folder)[-1] == "epoch_3"


def test_validations_count_after_the_epoch_that_was_named_alone(new_model: NewModel) -> None:
    folder, _ = model = new_model(train_epochs=9, learning_rate=0.0, early_stop=EarlyStop(patience=2, after=3))

    run(model)

    assert names(folder)[-1] == "epoch_5"


def test_stopped_anywhere_it_ends_early_where_the_unbroken_training_does(new_model: NewModel) -> None:
    fields = {"train_epochs": 9, "learning_rate": 0.0, "early_stop": EarlyStop(patience=3), "snapshot_interval": 2}
    whole = new_model(**fields)
    run(whole)

    for calls in (16, 25):
        broken = new_model(**fields)
        with pytest.raises(StoppedError):
            run(broken, stop_after(calls))
        broken[0].note("resume")
        run(broken)
        assert_same(whole[0], broken[0])
        broken[0].note("resume")  # killed after the last snapshot, before it said that it is done
        run(broken)
        assert_same(whole[0], broken[0])


def test_a_measure_that_is_not_measured_is_refused_before_the_first_step(new_model: NewModel) -> None:
    model = new_model(early_stop=EarlyStop(patience=1, metric="iou/val"))

    with pytest.raises(TrainingError, match=r"cannot stop early by iou/val.*It measures: accuracy/val, loss/val"):
        run(model)


def test_a_batch_that_does_not_fit_is_learned_in_pieces_to_the_same_losses(
    small: Callable[..., tuple[JobFolder, TrainSpec]],
) -> None:
    whole, split = small(64), small(5)
    torch_run(whole)

    heard, facts = torch_run(split)

    warned = [event.message for event in heard.of("warned")]
    assert ["in 2 pieces" in warned[0], "in 4 pieces" in warned[1], len(warned)] == [True, True, 2]
    assert facts["pieces"] == 4
    for name in ("loss/train", "loss/val", "accuracy/val"):
        values = [[value for _, _, value in curves(folder)[name]] for folder in (whole[0], split[0])]
        np.testing.assert_allclose(values[1], values[0], rtol=2e-5, err_msg=name)


@pytest.mark.slow
def test_pieces_hold_over_a_resume_and_with_accumulation(small: Callable[..., tuple[JobFolder, TrainSpec]]) -> None:
    fields = {"batch_accumulation": 2, "train_epochs": 1}
    whole, unbroken, broken = small(64, **fields), small(4, **fields), small(4, **fields)
    torch_run(whole)
    torch_run(unbroken)
    with pytest.raises(StoppedError):
        torch_run(broken, stop_after(8))
    broken[0].note("resume")
    heard, _ = torch_run(broken)

    assert not heard.of("warned")
    assert_same(unbroken[0], broken[0])
    np.testing.assert_allclose(list(losses(broken[0]).values()), list(losses(whole[0]).values()), rtol=2e-5)


def test_accumulated_batches_of_a_torch_network_are_one_larger_batch(
    small: Callable[..., tuple[JobFolder, TrainSpec]],
) -> None:
    # 90 pictures: 2 epochs of 3 steps of 30, as 6 steps of 15 would be with every two added up
    large = small(64, batch_size=30, shuffle=False, lr=FixedPolicy(), train_epochs=2)
    added = small(64, batch_size=15, batch_accumulation=2, shuffle=False, lr=FixedPolicy(), train_epochs=1)
    torch_run(large)
    torch_run(added)

    assert losses(added[0])[6] == pytest.approx(losses(large[0])[6], rel=2e-5)


def test_memory_for_no_single_picture_is_said(small: Callable[..., tuple[JobFolder, TrainSpec]]) -> None:
    with pytest.raises(TrainingError, match="Out of memory on the CPU with a batch size of 16"):
        torch_run(small(0))


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["caffe", "torch"])
def test_in_bfloat16_it_learns_as_in_float32_and_keeps_float32(
    new_model: NewModel, small: Callable[..., tuple[JobFolder, TrainSpec]], framework: str, tmp_path: Path
) -> None:
    fields: dict[str, Any] = {"train_epochs": 6, "lr": FixedPolicy()}
    make: Callable[..., tuple[JobFolder, TrainSpec]] = new_model if framework == "caffe" else lambda **f: small(64, **f)
    full, half = make(**fields), make(**fields, precision="bf16")
    for model in (full, half):
        run(model) if framework == "caffe" else torch_run(model)

    found = [np.array([value for _, _, value in curves(folder)["loss/val"]]) for folder, _ in (full, half)]
    assert 0 < np.abs(found[1] - found[0]).max() < 0.05
    weights = snapshots.read_weights(half[0].snapshot_folders()[-1])
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float32)}
    assert any((value.view(np.uint32) & 0xFFFF).any() for value in weights.values())  # no bfloat16 has these bits
