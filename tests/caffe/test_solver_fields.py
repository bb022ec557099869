"""Each field of a solver does what it says; those that do nothing here are named in the log."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from digits.caffe.commands.train import choose_device, train
from digits.caffeproto import caffe_pb2
from digits.core.errors import SetupError
from digits.training.caffelog import CaffeLog
from tests.caffe.oracle import arrays
from tests.caffe.test_training import solve

CPU, GPU = caffe_pb2.SolverParameter.CPU, caffe_pb2.SolverParameter.GPU
STAGED = """
layer { name: "in" type: "Input" top: "x" top: "t" input_param { shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 } } }
layer { name: "a/ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
layer { name: "one" type: "Reduction" bottom: "y" top: "one" include { phase: TEST stage: "test-on-train" } }
layer { name: "two" type: "Reduction" bottom: "y" top: "two" include { phase: TEST stage: "test-on-test" } }
layer { name: "three" type: "Reduction" bottom: "y" top: "three" include { phase: TRAIN stage: "noisy" } }
"""


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.partition("] ")[2] for line in capsys.readouterr().err.splitlines()]


def test_random_seed_makes_the_same_weights_again(project: Path) -> None:
    first, same = (solve(project, "", end=1)["param:a/ip:0"][0] for _ in range(2))
    text = (project / "solver.prototxt").read_text().replace("random_seed: 1", "random_seed: 2")
    (project / "solver.prototxt").write_text(text)
    train(project / "solver.prototxt", data=project / "data.npz", record=project / "record.npz")

    assert np.array_equal(first, same)
    assert not np.array_equal(first, arrays(project / "record.npz")["param:a/ip:0"][0])


def test_average_loss_shows_the_mean_of_the_last_losses(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    losses = solve(project, "display: 1 average_loss: 3", end=5)["loss"]

    shown = [float(found[1]) for line in said(capsys) if (found := re.match(r"Iteration \d+ \(.*loss = (\S+)", line))]
    means = [losses[max(0, at - 2) : at + 1].mean() for at in range(5)]
    assert shown == pytest.approx(means, rel=1e-5)


def test_test_compute_loss_says_the_loss_of_the_tests(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    solve(project, "test_iter: 2 test_interval: 9", end=1)
    without = said(capsys)
    solve(project, "test_iter: 2 test_interval: 9 test_compute_loss: true", end=1)

    lines = said(capsys)
    assert not any(line.startswith("Test loss: ") for line in without)
    (loss,) = (line.partition(": ")[2] for line in lines if line.startswith("Test loss: "))
    assert f"    Test net output #0: loss = {loss} (* 1 = {loss} loss)" in lines


def test_states_of_the_solver_choose_the_layers_of_the_training_and_of_two_test_nets(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "net.prototxt").write_text(STAGED)

    solve(
        project,
        'display: 1 test_interval: 2 test_iter: 1 test_iter: 3 test_state { stage: "test-on-train" } '
        'test_state { stage: "test-on-test" } train_state { stage: "noisy" }',
        end=2,
    )

    lines = [line.partition(" =")[0] for line in said(capsys)]
    begin = lines.index("Iteration 0, Testing net (#0)")
    assert lines[begin + 2] == "    Test net output #1: one"
    assert lines[begin + 3] == "Iteration 0, Testing net (#1)"
    assert lines[begin + 5] == "    Test net output #1: two"
    assert "    Train net output #1: three" in lines


def test_weights_of_the_solver_begin_a_training_unless_the_command_names_others(project: Path) -> None:
    solve(project, 'snapshot_prefix: "old"', end=3)
    end = solve(project, 'snapshot_prefix: "old"', end=3)["param:a/ip:0"][3]

    assert np.array_equal(solve(project, 'weights: "old_iter_3.caffemodel"', end=1)["param:a/ip:0"][0], end)
    listed = solve(project, 'weights: "old_iter_3.caffemodel,old_iter_3.caffemodel"', end=1)
    assert np.array_equal(listed["param:a/ip:0"][0], end)
    named = solve(project, 'weights: "absent.caffemodel"', end=1, weights=[Path("old_iter_3.caffemodel")])
    assert np.array_equal(named["param:a/ip:0"][0], end)


def test_settings_that_change_nothing_are_named_with_their_lines(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    solve(project, "\nsnapshot_diff: true\ndebug_info: true\nlayer_wise_reduce: false\nmin_lr: 0.01", end=1)

    warnings = [line.partition("solver.prototxt:")[2] for line in said(capsys) if line.startswith("Warning: ")]
    assert [line.partition(" is not used")[0] for line in warnings] == [
        "3: debug_info", "4: layer_wise_reduce", "5: min_lr", "2: snapshot_diff",
    ]  # fmt: skip


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.usefixtures("no_gpu")
def test_a_solver_that_wants_a_gpu_runs_without_and_a_flag_that_wants_one_does_not(tmp_path: Path) -> None:
    log = CaffeLog(tmp_path / "log")

    assert choose_device("", GPU, 0, log).type == "cpu"
    assert choose_device("", CPU, 0, log).type == "cpu"
    log.close()
    assert "This machine has no GPU." in (tmp_path / "log").read_text()
    with pytest.raises(SetupError, match=r"no GPU 0\. Leave --gpu out to run on the processor"):
        choose_device("0", CPU, 0, CaffeLog(tmp_path / "log"))


@pytest.mark.parametrize(
    ("gpu", "mode", "number", "device"),
    [("", GPU, 1, "cuda:1"), ("0", CPU, 1, "cuda:0"), ("", CPU, 1, "cpu")],
)
def test_solver_mode_and_device_id_choose_where_it_runs_unless_the_flag_does(
    gpu: str, mode: int, number: int, device: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    assert choose_device(gpu, mode, number, CaffeLog(tmp_path / "log")) == torch.device(device)
    with pytest.raises(SetupError, match="no GPU 2"):
        choose_device("2", mode, number, CaffeLog(tmp_path / "log"))
