"""``digits caffe train``: the runs of real Caffe, its order of things, its files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from digits.caffe.commands.train import train
from digits.caffeproto.files import read_state_file, read_weights_file
from digits.core.errors import NotFoundError, SetupError, WeightsError
from tests.caffe.oracle import arrays
from tests.shared import SHARED, needs_shared, shared

RUNS = sorted(path.name.split(".")[0] for path in (SHARED or Path("absent")).glob("oracle/solvers/*.solver.prototxt"))

SOLVER = 'net: "net.prototxt" base_lr: 0.05 lr_policy: "fixed" random_seed: 1 solver_mode: CPU momentum: 0.9 '


def solve(project: Path, settings: str, *, end: int = 6, **options: object) -> dict[str, NDArray[np.float32]]:
    (project / "solver.prototxt").write_text(f"{SOLVER} max_iter: {end} {settings}")
    train(
        project / "solver.prototxt", data=project / "data.npz", record=project / "record.npz",
        **options,  # type: ignore[arg-type] # a test's options
    )  # fmt: skip
    return arrays(project / "record.npz")


@needs_shared
@pytest.mark.parametrize("name", RUNS)
def test_a_run_of_real_caffe_is_repeated_weight_by_weight(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shared("oracle", "solvers")
    monkeypatch.chdir(tmp_path)

    train(
        folder / f"{name}.solver.prototxt", weights=[folder / "init.caffemodel"], data=folder / "inputs.npz",
        record=tmp_path / "record.npz",
    )  # fmt: skip

    ours, theirs = arrays(tmp_path / "record.npz"), arrays(folder / f"{name}.npz")
    for key, value in theirs.items():
        assert ours[key].shape == value.shape
        np.testing.assert_allclose(ours[key], value, rtol=1e-5, atol=1e-6, err_msg=key)
    rates = json.loads((folder / "learning_rates.json").read_text())[name]
    assert ours["lr"].tolist() == pytest.approx(rates, rel=1e-5)


@needs_shared
@pytest.mark.parametrize("name", ["adam", "adadelta", "lr_multistep"])
def test_a_solver_state_of_real_caffe_is_gone_on_from_as_it_went_on(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shared("oracle", "solvers")
    monkeypatch.chdir(tmp_path)
    moved = {key: np.roll(rows, -40 % 22, axis=0) for key, rows in arrays(folder / "inputs.npz").items()}
    np.savez(tmp_path / "moved.npz", **moved)  # type: ignore[arg-type] # where in the data it was is not in a state

    train(
        folder / f"{name}.solver.prototxt", snapshot=folder / "state" / f"{name}_iter_10.solverstate",
        data=tmp_path / "moved.npz", record=tmp_path / "record.npz",
    )  # fmt: skip

    ours, theirs = arrays(tmp_path / "record.npz"), arrays(folder / f"{name}.npz")
    for key in (key for key in theirs if key != "loss"):
        np.testing.assert_allclose(ours[key], theirs[key][10:], rtol=1e-5, atol=1e-6, err_msg=key)


@pytest.mark.parametrize(("form", "suffix"), [("", ""), ("snapshot_format: HDF5", ".h5")])
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_a_training_that_goes_on_from_its_snapshot_ends_as_one_that_never_stopped(
    kind: str, form: str, suffix: str, project: Path
) -> None:
    settings = f'type: "{kind}" snapshot: 5 snapshot_prefix: "snap" {form}'
    whole = solve(project, settings, end=10)

    data = arrays(project / "data.npz")
    np.savez(project / "data.npz", **{key: np.roll(rows, -5 * 4 % 10, axis=0) for key, rows in data.items()})  # type: ignore[arg-type]  # numpy takes the names for its own options
    rest = solve(project, settings, end=10, snapshot=Path(f"snap_iter_5.solverstate{suffix}"))

    assert np.array_equal(rest["param:a/ip:0"][-1], whole["param:a/ip:0"][-1])
    assert np.array_equal(rest["param:a/ip:0"], whole["param:a/ip:0"][5:])


def test_snapshots_have_caffes_names_and_hold_weights_and_state(project: Path) -> None:
    solve(project, 'snapshot: 4 snapshot_prefix: "deep" ')

    made = sorted(path.name for path in project.glob("deep_*"))
    assert made == [
        "deep_iter_4.caffemodel", "deep_iter_4.solverstate", "deep_iter_6.caffemodel", "deep_iter_6.solverstate",
    ]  # fmt: skip
    assert read_weights_file(project / made[2]).keys() == {"a/ip:0", "a/ip:1"}
    state = read_state_file(project / made[3])
    assert (state.iteration, state.learned_net) == (6, "deep_iter_6.caffemodel")
    assert [blob.shape for blob in state.history] == [(2, 3), (2,)]


def test_the_log_is_in_caffes_lines_and_order(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    solve(project, "display: 2 test_iter: 3 test_interval: 3 snapshot_after_train: false", end=3)

    said = [line.partition("] ")[2] for line in capsys.readouterr().err.splitlines()]
    story = [line.split(" = ")[0].split(" (")[0] for line in said[said.index("Starting Optimization") :]]
    test = ["    Test net output #0: loss", "    Test net output #1: size"]
    train_ = ["    Train net output #0: loss"]
    assert story[3:] == [
        "Iteration 0, Testing net", *test, "Iteration 0", *train_, "Iteration 0, lr", "Iteration 2", *train_,
        "Iteration 2, lr", "Iteration 3, Testing net", *test, "Optimization Done.",
    ]  # fmt: skip


def test_a_test_score_is_the_plain_mean_over_its_batches(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = solve(project, "test_iter: 4 test_interval: 9", end=1)["param:a/ip:0"][0]

    line = next(line for line in capsys.readouterr().err.splitlines() if "Test net output #1" in line)
    rows = arrays(project / "data.npz")["x"]
    batches = [np.abs(rows[np.arange(start, start + 4) % 10] @ weights.T).sum() for start in (0, 4, 8, 12)]
    assert float(line.split(" = ")[1]) == pytest.approx(np.mean(batches), rel=1e-5)


def test_asked_to_stop_it_writes_a_snapshot_and_leaves(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter(["", "snapshot", "stop"])

    solve(project, 'snapshot_prefix: "s"', stop=lambda: next(answers))

    assert sorted(path.name for path in project.glob("*.caffemodel")) == ["s_iter_2.caffemodel", "s_iter_3.caffemodel"]
    assert "Optimization stopped early." in capsys.readouterr().err


def test_a_state_of_another_solver_is_refused(project: Path) -> None:
    solve(project, 'snapshot_prefix: "s"')

    with pytest.raises(WeightsError, match="has 2 arrays; this network and solver have 4"):
        solve(project, 'type: "Adam" ', snapshot=project / "s_iter_6.solverstate")


def test_a_state_whose_weights_are_gone_says_where_they_are_looked_for(project: Path) -> None:
    solve(project, 'snapshot_prefix: "s"')
    (project / "s_iter_6.caffemodel").unlink()

    with pytest.raises(
        NotFoundError, match=r"weights of this solver state are missing.*Put them beside it as s_iter_6"
    ):
        solve(project, "", snapshot=project / "s_iter_6.solverstate")


def test_without_the_folder_of_its_snapshots_a_training_does_not_begin(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SetupError, match=r"absent: There is no such folder for snapshots\. Make it: mkdir -p absent"):
        solve(project, 'snapshot_prefix: "absent/s"')
    assert "Creating training net" not in capsys.readouterr().err

    solve(project, 'snapshot_prefix: "absent/s" snapshot_after_train: false', end=1)  # none is written


def test_a_snapshot_that_cannot_be_written_says_so(project: Path) -> None:
    (project / "s_iter_6.caffemodel").mkdir()

    with pytest.raises(SetupError, match=r"s_iter_6\.caffemodel: The snapshot cannot be written"):
        solve(project, 'snapshot_prefix: "s"')


@needs_shared
def test_weights_of_another_shape_are_refused_in_the_very_words_of_real_caffe(project: Path) -> None:
    folder = shared("oracle", "finetune_mismatch")
    words = (folder / "stderr.txt").read_text().partition("] ")[2].partition("\n")[0]
    (project / "net.prototxt").write_text((folder / "b.prototxt").read_text())
    np.savez(project / "data.npz", data=np.ones((1, 4), np.float32))

    with pytest.raises(WeightsError) as caught:
        solve(project, "", weights=[folder / "a.caffemodel"])

    assert f"{caught.value.message} {caught.value.hint}" == words
