"""Several processes that train one network, on the CPU: real ones that the worker starts, against one process with the whole batch."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from digits.core.events import Event, Failed, Progress, Stopped, Warned, read_events
from digits.core.jobfolder import JobFolder
from digits.core.platform import worker_environment
from digits.core.trainspec import CustomNetwork, TrainSpec
from digits.core.work import WorkerSettings
from digits.training.snapshots import find_snapshot, read_weights
from digits.training.world import World
from tests.training.conftest import NETWORK
from tests.training.test_resume import assert_same, curves, run

NewModel = Callable[..., tuple[JobFolder, TrainSpec]]
NO_DROPOUT = CustomNetwork(text=NETWORK.replace("dropout_ratio: 0.2", "dropout_ratio: 0"))


@contextmanager
def worker(folder: JobFolder, processes: int) -> Iterator[subprocess.Popen[bytes]]:
    """Train as the runner has it done on so many GPUs, but on the CPU."""
    settings = WorkerSettings(processes=processes, device="cpu", python_layers=True)
    with folder.output_log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "digits.workers.train", str(folder.path)],
            env={**os.environ, **worker_environment(1), **settings.to_environment()}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def trained(folder: JobFolder, processes: int) -> list[Event]:
    """Train to the end, and return what was said."""
    before = len(said(folder))
    with worker(folder, processes) as process:
        process.wait(100)
    return said(folder)[before:]


def said(folder: JobFolder) -> list[Event]:
    return [event for _, event in read_events(folder.events_file)]


def wait_until(due: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not due():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ranks(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The processes that train, in the order of their ranks."""
    found = psutil.Process(process.pid).children()
    return sorted(found, key=lambda each: each.pid)


def are_gone(processes: Sequence[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=10)[1]


def values(folder: JobFolder, name: str) -> list[float]:
    return [value for _, _, value in curves(folder)[name]]


@pytest.mark.slow
def test_two_processes_give_the_curves_of_one_with_the_whole_batch(new_model: NewModel) -> None:
    # 15 pictures: 8 and 7; 30 for validation: 15 each, in batches of 15; crops and mirrors are drawn for the whole batch
    fields: dict[str, Any] = {
        "network": NO_DROPOUT, "batch_size": 15, "crop_size": 16, "train_epochs": 1, "val_interval": 0.5, "random_seed": 3,
    }  # fmt: skip
    one, several = new_model(**fields), new_model(**fields)
    alone, together = one[0], several[0]
    run(one)

    events = trained(together, 2)

    assert curves(together).keys() == curves(alone).keys() == {"loss/train", "lr", "loss/val", "accuracy/val"}
    for name in curves(alone):
        assert values(together, name) == pytest.approx(values(alone, name), abs=1e-5)
    assert [event.facts["processes"] for event in events if isinstance(event, Progress)][-1] == 2
    assert events[-1].type == "done"
    assert not (together.path / ".ranks").exists()


@pytest.mark.slow
def test_torch_networks_remember_what_batchnorm_measured_in_all_processes(new_model: NewModel) -> None:
    # momentum 1: the last batch alone is remembered; the mean over a batch is that over both halves
    text = """
from torch import nn
def build_model(params):
    net = nn.Sequential(nn.Conv2d(1, 4, 5, 2), nn.BatchNorm2d(4, momentum=1.0), nn.ReLU(), nn.Flatten(), nn.Linear(256, params.num_classes))
    for weight in net.parameters():
        weight.requires_grad_(weight.ndim != 4)
    return net
"""
    fields: dict[str, Any] = {
        "framework": "torch", "network": CustomNetwork(text=text), "batch_size": 16, "train_epochs": 1, "learning_rate": 1e-9,
    }  # fmt: skip
    alone, together = new_model(**fields)[0], new_model(**fields)[0]

    for folder, processes in ((alone, 1), (together, 2)):
        assert trained(folder, processes)[-1].type == "done"

    one, both = (read_weights(find_snapshot(folder))["1.running_mean"] for folder in (alone, together))
    assert both == pytest.approx(one, rel=1e-4)


@pytest.mark.slow
def test_stopped_it_goes_on_with_the_same_bits(new_model: NewModel) -> None:
    # with dropout: what chance decides in each process is a function of the step
    fields: dict[str, Any] = {"train_epochs": 60, "snapshot_interval": 30, "val_interval": 10}
    whole, broken = new_model(**fields)[0], new_model(**fields)[0]
    trained(whole, 2)
    with worker(broken, 2) as process:
        wait_until(lambda: len(curves(broken).get("loss/train", ())) > 30)
        process.terminate()
        process.wait(60)
    assert isinstance(said(broken)[-1], Stopped)
    assert 30 < len(curves(broken)["loss/train"]) < 360

    broken.note("resume")
    events = trained(broken, 2)

    assert not [event for event in events if isinstance(event, Warned)]
    assert_same(whole, broken)


@pytest.mark.slow
def test_with_another_number_of_processes_it_goes_on_and_says_so(new_model: NewModel) -> None:
    folder, _ = new_model(train_epochs=1)
    trained(folder, 2)
    folder.note("resume", changes={"train_epochs": 2})

    events = trained(folder, 1)

    (warned,) = [event.message for event in events if isinstance(event, Warned)]
    assert "another number of processes (2 before, 1 now)" in warned
    assert len(curves(folder)["loss/train"]) == 12


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_where_one_process_is_killed_the_job_fails_in_words_and_none_stays(new_model: NewModel, rank: int) -> None:
    folder, _ = new_model(train_epochs=100_000, snapshot_interval=0, val_interval=0)
    with worker(folder, 2) as process:
        wait_until(lambda: len(curves(folder).get("loss/train", ())) > 5)
        both = ranks(process)

        both[rank].kill()

        assert process.wait(30) == 1
        assert are_gone(both)
    last = said(folder)[-1]
    assert isinstance(last, Failed)
    assert (
        last.message
        == f"Process {rank + 1} of the 2 that train together was killed by SIGKILL; the others were ended too."
    )


@pytest.mark.slow
def test_where_the_worker_itself_is_killed_none_stays(new_model: NewModel) -> None:
    folder, _ = new_model(train_epochs=100_000, snapshot_interval=0, val_interval=0)
    with worker(folder, 2) as process:
        wait_until(lambda: len(curves(folder).get("loss/train", ())) > 5)
        both = ranks(process)

        process.kill()

        assert are_gone(both)


@pytest.mark.slow
def test_each_process_has_a_gpu_of_its_own_and_speaks_over_the_loopback_alone(
    new_model: NewModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3")
    folder, _ = new_model(train_epochs=100_000, snapshot_interval=0, val_interval=0)
    with worker(folder, 2) as process:
        wait_until(lambda: len(curves(folder).get("loss/train", ())) > 5)

        places = [place for each in ranks(process) for place in each.net_connections("inet")]
        gpus = [each.environ()["CUDA_VISIBLE_DEVICES"] for each in ranks(process)]

    assert places
    assert {place.laddr.ip for place in places} <= {"127.0.0.1", "::1"}
    assert gpus == ["0", "3"]


CHANCE_OF_FAILURE = """
import os
from torch import nn
class Layer(nn.Module):
    passes = 0
    def forward(self, x):
        Layer.passes += self.training
        if Layer.passes == 4 and '"rank":1' in os.environ["DIGITS_WORKER_SETTINGS"]:
            raise {error}
        return x
def build_model(params):
    return nn.Sequential(Layer(), nn.Flatten(), nn.Linear(400, params.num_classes))
"""


def failing(new_model: NewModel, error: str) -> JobFolder:
    """A training whose network fails once, in the second of two processes, in its fourth step."""
    text = CHANCE_OF_FAILURE.replace("{error}", error)
    return new_model(framework="torch", network=CustomNetwork(text=text), train_epochs=1)[0]


@pytest.mark.slow
def test_what_one_process_fails_of_is_what_the_job_says(new_model: NewModel) -> None:
    folder = failing(new_model, "ValueError('seven')")

    last = trained(folder, 2)[-1]

    assert isinstance(last, Failed)
    assert "seven" in last.message
    assert last.where.startswith("network.py")


@pytest.mark.slow
def test_where_memory_runs_out_in_one_process_all_learn_in_pieces(new_model: NewModel) -> None:
    folder = failing(new_model, "MemoryError()")

    events = trained(folder, 2)

    assert events[-1].type == "done"
    assert "so each batch of 16 is learned by every process in 2 pieces" in next(
        event.message for event in events if isinstance(event, Warned)
    )
    assert len(curves(folder)["loss/train"]) == 6


@pytest.mark.slow
def test_a_loss_that_is_no_number_in_one_process_ends_all_in_its_words(new_model: NewModel) -> None:
    folder, _ = new_model(learning_rate=1e30)

    last = trained(folder, 2)[-1]

    assert isinstance(last, Failed)
    assert last.message.startswith("Network outputted NaN for 'loss'")


def test_shares_are_as_equal_as_can_be_and_make_the_whole() -> None:
    for size in (1, 2, 3, 8):
        for count in (8, 13, 64):
            worlds = [World(rank, size) for rank in range(size)]
            shares = [range(count)[world.own(count)] for world in worlds]
            assert [each for share in shares for each in share] == list(range(count))
            assert max(map(len, shares)) == len(shares[0]) == worlds[0].largest(count)
            assert len(shares[0]) - min(map(len, shares)) <= 1


@pytest.mark.slow
def test_a_batch_smaller_than_the_number_of_gpus_is_refused(new_model: NewModel) -> None:
    folder, _ = new_model(batch_size=1)

    last = trained(folder, 2)[-1]

    assert isinstance(last, Failed)
    assert "A batch of 1 pictures is too small for 2 GPUs" in last.message
