"""Trainings that were killed, stopped or damaged go on as if they had never stopped: real processes, compared to the bit."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from digits.core.errors import WeightsError
from digits.core.jobfolder import JobFolder
from digits.core.metrics import series_file, series_names
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.core.trainspec import CustomNetwork, FixedPolicy, TrainSpec
from digits.core.work import StoppedError, WorkerSettings
from digits.store import Job, Store
from digits.training import snapshots
from digits.training.caffe_trainer import train
from digits.training.devices import can_compile
from tests.runner.standing import finished, running, wait_for
from tests.store.jobs import all_rows
from tests.training.conftest import NETWORK, Heard

NewModel = Callable[..., tuple[JobFolder, TrainSpec]]
POINT = np.dtype([("step", "<i8"), ("epoch", "<f8"), ("time", "<f8"), ("value", "<f8")])
STEPS_PER_EPOCH = 6  # ceil(90 / 16)
CHANCE = """
import caffe, numpy, random
class Noise(caffe.Layer):
    def setup(self, bottom, top): pass
    def reshape(self, bottom, top): top[0].reshape(*bottom[0].data.shape)
    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data * (1 + 0.01 * random.random() + 0.01 * numpy.random.randn(*bottom[0].data.shape))
    def backward(self, top, propagate_down, bottom): bottom[0].diff[...] = top[0].diff
"""


def never() -> bool:
    return False


def stop_after(calls: int) -> Callable[[], bool]:
    """A stop that is asked for when it was looked at ``calls`` times."""
    left = iter(range(calls))
    return lambda: next(left, None) is None


def run(model: tuple[JobFolder, TrainSpec], stop: Callable[[], bool] = never, **settings: Any) -> Heard:
    """Train in this process as the worker does."""
    folder, spec = model
    heard = Heard()
    now = TrainSpec.model_validate(spec.model_dump() | folder.spec_changes())
    train(now, folder, WorkerSettings(num_threads=1, **settings), heard, stop)
    return heard


def curves(folder: JobFolder) -> dict[str, list[tuple[int, float, float]]]:
    """Step, epoch and value of each point: their times are of the clock."""
    found = {name: np.fromfile(series_file(folder.metrics, name), POINT) for name in series_names(folder.metrics)}
    return {name: curve[["step", "epoch", "value"]].tolist() for name, curve in found.items()}


def last_bits(folder: JobFolder) -> tuple[str, bytes, bytes]:
    """The last snapshot: weights, and solver with generators."""
    last = folder.snapshot_folders()[-1]
    return last.name, (last / snapshots.WEIGHTS).read_bytes(), (last / snapshots.STATE).read_bytes()


def snapshot_figures(folder: JobFolder) -> dict[str, dict[str, float]]:
    return {path.name: snapshots.read_facts(path).metrics for path in folder.snapshot_folders()}


def assert_same(one: JobFolder, other: JobFolder) -> None:
    assert last_bits(one) == last_bits(other)
    assert curves(one) == curves(other)


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


@contextmanager
def threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    yield
    torch.set_num_threads(before)


def kill_when(store: Store, job: Job, due: Callable[[], bool]) -> Job:
    """Kill the worker with SIGKILL when ``due``, and return the job once the runner has seen it."""
    pid = wait_for(lambda: store.job(job.id).handle, "for a process").pid
    deadline = time.monotonic() + 60
    while not due():
        assert time.monotonic() < deadline
        time.sleep(0.0005)
    os.kill(pid, signal.SIGKILL)
    return finished(store, job)


@pytest.mark.slow
def test_a_training_killed_twice_ends_as_one_that_was_never_killed(new_model: NewModel, tmp_path: Path) -> None:
    fields = {"train_epochs": 16, "lr": FixedPolicy(), "batch_accumulation": 2}
    whole, broken = new_model(**fields), new_model(**fields)
    folder = broken[0]
    with threads(1):
        run(whole)
    settings = Settings(root=tmp_path, min_free_disk_bytes=0, cpu_slots=os.cpu_count() or 1)
    store = Store(settings)
    store.reindex()
    with store.change(whole[0].id) as index:
        index.move(JobState.ABORTED)  # it is trained already
    dataset = store.job(str(broken[1].dataset))
    with store.change(dataset.id) as index:
        index.move(JobState.RUNNING)
        index.move(JobState.DONE)

    with running(settings):
        in_write = kill_when(
            store,
            store.job(folder.id),
            lambda: len(folder.snapshot_folders()) > 2 and any(folder.snapshots.glob(".*.tmp")),
        )
        left = sorted(folder.snapshots.glob(".*.tmp"))
        before = [path.name for path in folder.snapshot_folders()]
        store.resume(folder.id, by="fred")
        second = kill_when(store, in_write, lambda: len(folder.snapshot_folders()) > len(before) + 3)
        flip(folder.snapshot_folders()[-1] / snapshots.STATE)
        whole_ones = [path.name for path in folder.snapshot_folders()][:-1]
        store.resume(folder.id, by="fred")
        done = finished(store, second)

    assert [in_write.state, second.state, done.state] == [JobState.ERROR, JobState.ERROR, JobState.DONE]
    assert left
    assert_same(whole[0], folder)
    assert snapshot_figures(whole[0]) == snapshot_figures(folder)
    assert [row.file for row in store.snapshots(folder.id)] == [f"snapshots/epoch_{epoch}" for epoch in range(1, 17)]
    assert done.attempt == 3
    resumed = [row.reason for row in store.history(folder.id) if row.state is JobState.RUNNING][1:]
    epochs = [name.removeprefix("epoch_") for name in (before[-1], whole_ones[-1])]
    assert resumed == [f"Resumed from epoch {epoch} (attempt {n})" for epoch, n in zip(epochs, (2, 3), strict=True)]
    assert "goes on from " + whole_ones[-1] in done.warnings[-1]["message"]
    rows = all_rows(store)
    store.reindex()
    assert all_rows(store) == rows
    store.close()


NVCAFFE = '''layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "conv1"
  batch_norm_param { scale_filler { type: "constant" value: 1 } moving_average_fraction: 0.8 } }
layer { name: "relu1"'''
NOISE = """layer { name: "noise" type: "Python" bottom: "conv1" top: "noisy" python_param { module: "digits_python_layers" layer: "Noise" } }
layer { name: "relu1" type: "ReLU" bottom: "noisy" top: "conv1b" }"""


def test_stopped_anywhere_also_in_a_validation_it_goes_on_with_the_same_bits(new_model: NewModel) -> None:
    fields = {"train_epochs": 2, "val_interval": 0.5, "snapshot_interval": 0.5, "crop_size": 16, "solver_type": "ADAM"}
    whole = new_model(**fields)
    run(whole)
    figures = snapshot_figures(whole[0])

    for calls in (8, 11, 13):  # the first and the last stop it within a validation, before a snapshot
        broken = new_model(**fields)
        with pytest.raises(StoppedError):
            run(broken, stop_after(calls))
        broken[0].note("resume")
        run(broken)

        assert_same(whole[0], broken[0])
        assert {name: found for name, found in snapshot_figures(broken[0]).items() if name in figures} == figures


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(
            {"network": CustomNetwork(text=NETWORK.replace('layer { name: "relu1"', NVCAFFE))}, id="NVCaffe's BatchNorm"
        ),
        pytest.param({"shuffle": False, "batch_accumulation": 3}, id="accumulated, in order"),
        pytest.param({"solver_type": "ADADELTA", "learning_rate": 1.0, "use_mean": "pixel"}, id="AdaDelta"),
    ],
)
def test_what_layers_and_solvers_remember_goes_on(new_model: NewModel, fields: dict[str, Any]) -> None:
    whole, broken = new_model(**fields), new_model(**fields)
    run(whole)

    with pytest.raises(StoppedError):
        run(broken, stop_after(5))  # after one step, while NVCaffe's statistics are copied still
    broken[0].note("resume")
    run(broken)

    assert_same(whole[0], broken[0])


@pytest.mark.slow
@pytest.mark.skipif(not can_compile(torch.device("cpu")), reason="no C++ compiler")
@pytest.mark.timeout(600)
def test_a_compiled_network_goes_on_with_the_same_bits(new_model: NewModel) -> None:
    whole, broken = new_model(compile_model=True), new_model(compile_model=True)
    run(whole)

    with pytest.raises(StoppedError):
        run(broken, stop_after(12))
    broken[0].note("resume")
    run(broken)

    assert_same(whole[0], broken[0])


def test_layers_written_in_python_go_on_drawing_where_they_were(new_model: NewModel) -> None:
    text = NETWORK.replace('layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }', NOISE)
    text = text.replace('type: "Pooling" bottom: "conv1"', 'type: "Pooling" bottom: "conv1b"')
    whole, broken = (new_model(network=CustomNetwork(text=text), train_epochs=1) for _ in range(2))
    for model in (whole, broken):
        (model[0].path / "digits_python_layers.py").write_text(CHANCE)
    run(whole, python_layers=True)

    with pytest.raises(StoppedError):
        run(broken, stop_after(6), python_layers=True)
    broken[0].note("resume")
    run(broken, python_layers=True)

    assert_same(whole[0], broken[0])


def test_pictures_below_the_memory_limit_and_above_it_go_on_alike(
    new_model: NewModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = new_model(crop_size=16), new_model(crop_size=16)
    run(whole)

    with pytest.raises(StoppedError):
        run(broken, stop_after(12))
    broken[0].note("resume")
    monkeypatch.setattr("digits.training.frames._MEMORY_SHARE", 0.0)  # now they are read from the disk, a batch ahead
    run(broken)

    assert_same(whole[0], broken[0])


def test_with_more_epochs_a_finished_training_goes_on_at_the_stretched_rate(new_model: NewModel) -> None:
    folder, _ = model = new_model(train_epochs=2, learning_rate=0.004)
    run(model)
    before = curves(folder)
    folder.note("resume", changes={"train_epochs": 4})

    heard = run(model)

    after = curves(folder)
    assert {name: points[: len(before[name])] for name, points in after.items()} == before
    assert [step for step, _, _ in after["lr"]] == list(range(4 * STEPS_PER_EPOCH))
    # 33 % of 24 iterations, rounded up: a step every 8
    rates = [value for step, _, value in after["lr"] if step >= 12]
    assert rates == pytest.approx([0.0004] * 4 + [0.00004] * 8)
    assert heard.of("progress")[-1].text == "Epoch 4.0 of 4"


def test_stopped_before_its_first_snapshot_it_begins_again_with_the_same_seed_and_says_so(new_model: NewModel) -> None:
    model = new_model(random_seed=None)
    folder = model[0]
    with pytest.raises(StoppedError):
        run(model, stop_after(1))
    first = curves(folder)
    folder.note("resume")

    heard = run(model)

    (resumed,) = heard.of("resumed")
    assert (resumed.step, resumed.attempt) == (0, 2)
    assert {name: points[: len(first[name])] for name, points in curves(folder).items() if name in first} == first


def test_a_training_without_a_whole_snapshot_is_refused_and_keeps_what_is_left(new_model: NewModel) -> None:
    folder, _ = model = new_model()
    run(model)
    for snapshot in folder.snapshot_folders():
        flip(snapshot / snapshots.STATE)
    folder.note("resume", changes={"train_epochs": 3})

    with pytest.raises(WeightsError, match="None of the training's snapshots is whole"):
        run(model)

    assert [path.name for path in folder.snapshot_folders()] == ["epoch_1", "epoch_2"]


def test_a_snapshot_that_was_about_to_be_replaced_is_back_after_a_crash(new_model: NewModel) -> None:
    folder, _ = model = new_model(train_epochs=1)
    run(model)
    (snapshot,) = folder.snapshot_folders()
    snapshot.rename(snapshot.with_name(f".{snapshot.name}.former"))
    (folder.snapshots / ".epoch_1.tmp").mkdir()

    found = snapshots.newest_whole(folder)

    assert found == snapshot
    assert [path.name for path in folder.snapshots.iterdir()] == ["epoch_1"]


def test_another_number_of_threads_is_said(new_model: NewModel) -> None:
    model = new_model(train_epochs=1)
    with threads(1):
        run(model)
    model[0].note("resume", changes={"train_epochs": 2})

    with threads(2):
        heard = run(model)

    assert "another number of threads (1 before, 2 now)" in heard.of("warned")[-1].message
