"""``digits caffe`` as a user types it: flags of both kinds, exit statuses, what stands on which stream."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from digits.caffeproto.files import read_weights_file
from digits.cli.main import cli
from digits.core.errors import DigitsError, NotFoundError, SetupError
from digits.data.records import Datum, RecordWriter, key, write_datum

NET = """name: "Two"
layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TRAIN } data_param { source: "db" backend: LMDB batch_size: 4 } transform_param { scale: 0.01 } }
layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TEST } data_param { source: "db" backend: LMDB batch_size: 6 } transform_param { scale: 0.01 } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "acc" include { phase: TEST } }
"""
SOLVER = """net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: %d display: 10 solver_mode: CPU random_seed: 3
test_iter: 2 test_interval: 20 snapshot_prefix: "two" """


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as Caffe's users have them: dark and light pictures in an LMDB, a network, a solver."""
    draw = np.random.default_rng(0)
    writer = RecordWriter(tmp_path / "db")
    for index in range(12):
        pixels = draw.integers(100 * (index % 2), 100 * (index % 2) + 60, (1, 5, 5), np.uint8)
        writer.put(key(index, index % 2), write_datum(Datum(1, 5, 5, pixels.tobytes(), index % 2, False)))
    writer.close()
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER % 40)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def caffe(*arguments: str, fails: type[DigitsError] | None = None) -> Result:
    done = CliRunner().invoke(cli, ["caffe", *arguments])
    if fails:
        assert isinstance(done.exception, fails), done.exception
    elif done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_a_project_of_caffe_is_trained_tested_and_gone_on_with_by_changing_nothing(project: Path) -> None:
    trained = caffe("train", "-solver=solver.prototxt")
    tested = caffe("test", "-model", "net.prototxt", "-weights", "two_iter_40.caffemodel", "-iterations", "2")
    (project / "solver.prototxt").write_text(SOLVER % 50)
    again = caffe("train", "--solver", "solver.prototxt", "--snapshot=two_iter_40.solverstate")

    assert trained.exit_code == tested.exit_code == again.exit_code == 0
    assert "Iteration 20, Testing net (#0)" in trained.stderr
    assert "    Test net output #0: acc = 1" in trained.stderr
    assert tested.stderr.splitlines()[-2].endswith("acc = 1")
    assert "Restoring previous solver status from two_iter_40.solverstate" in again.stderr
    assert (project / "two_iter_50.caffemodel").is_file()
    assert trained.stdout == ""


def test_several_weight_files_are_copied_one_after_the_other_and_named(project: Path) -> None:
    caffe("train", "--solver", "solver.prototxt")
    text = (project / "net.prototxt").read_text()
    (project / "net.prototxt").write_text(text.replace('"ip"', '"other"'))
    (project / "solver.prototxt").write_text(SOLVER % 1)

    done = caffe("train", "--solver", "solver.prototxt", "--weights", "two_iter_40.caffemodel,two_iter_40.caffemodel")

    assert done.stderr.count("Finetuning from two_iter_40.caffemodel") == 2
    assert "Ignoring source layer ip" in done.stderr
    assert "Layer other is in no weight file: its fillers made it" in done.stderr


def test_arrays_in_and_a_record_out_make_a_training_that_can_be_compared(project: Path) -> None:
    np.savez(project / "in.npz", data=np.ones((3, 1, 5, 5)), label=np.array([0, 1, 0]))

    caffe("train", "--solver", "solver.prototxt", "--data", "in.npz", "--record", "out.npz")

    with np.load(project / "out.npz") as record:
        assert record["param:ip:0"].shape == (41, 2, 25)
        assert record["lr"].shape == record["loss"].shape == (40,)
        assert np.array_equal(record["param:ip:0"][-1], read_weights_file(project / "two_iter_40.caffemodel")["ip:0"])


def test_a_pass_is_written_by_name_and_notes_go_to_the_other_stream(project: Path) -> None:
    (project / "net.prototxt").write_text(
        'layer { name: "x" type: "Input" top: "x" } layer { name: "r" type: "ReLU" bottom: "x" top: "y" }'
    )
    np.savez(project / "in.npz", x=np.array([-1.0, 2.0]), z=np.ones(3))

    done = caffe(
        "forward", "net.prototxt", "--inputs", "in.npz", "--output", "out.npz", "--phase", "train", "--gradients"
    )

    assert (done.stdout, done.stderr) == ("", "The network has no input 'z'.\n")
    with np.load(project / "out.npz") as made:
        assert made["blob:y"].tolist() == [0, 2]


def test_times_are_shown_in_caffes_table(project: Path) -> None:
    done = caffe("time", "--model", "net.prototxt", "--iterations", "2")

    said = [line.partition("] ")[2] for line in done.stderr.splitlines()]
    table = said[said.index("Average time per layer: ") + 1 :]
    assert [line.split(":")[0].strip() for line in table] == [
        "d\tforward", "d\tbackward", "ip\tforward", "ip\tbackward", "loss\tforward", "loss\tbackward",
        "Average Forward pass", "Average Backward pass", "Average Forward-Backward", "Total Time", "*** Benchmark ends ***",
    ]  # fmt: skip
    assert all(line.endswith(" ms.") for line in table[:-1])


def test_findings_are_lines_of_stdout_and_an_exit_status(project: Path) -> None:
    (project / "bad.prototxt").write_text('layer { name: "p" type: "Polling" top: "p" }\nlayer { name: "q" }')

    sound, bad = caffe("check", "net.prototxt", "solver.prototxt", "--build"), caffe("check", "bad.prototxt")

    assert (sound.exit_code, sound.output) == (0, "")
    assert bad.exit_code == 1
    assert [line.partition(" ")[0] for line in bad.stdout.splitlines()] == ["bad.prototxt:1:", "bad.prototxt:2:"]
    caffe("check", "absent.prototxt", fails=NotFoundError)


def test_layers_are_listed_with_what_they_do(project: Path) -> None:
    rows = json.loads(caffe("layers", "--json").stdout)

    by_type = {row["type"]: row for row in rows}
    assert by_type["ReLU"]["runs"] is True
    assert by_type["ReLU"]["summary"].startswith("negative values become 0")
    assert by_type["PriorBox"] == {
        "type": "PriorBox",
        "summary": "SSD: parsed and drawn, not built yet.",
        "runs": False,
    }
    assert "Convolution" in caffe("layers").stdout


def test_flags_that_contradict_each_other_are_refused(project: Path) -> None:
    assert "but not both" in caffe("train", "--solver", "s", "--snapshot", "a", "--weights", "b").output
    assert "Need model weights to score" in caffe("test", "--model", "net.prototxt").output
    assert caffe("train").exit_code == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_interrupted_it_snapshots_and_ends_well_and_hung_up_it_snapshots_and_goes_on(project: Path) -> None:
    (project / "solver.prototxt").write_text(SOLVER % 10_000_000)
    command = [sys.executable, "-m", "digits.cli.main", "caffe", "train", "--solver", "solver.prototxt"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert running.stderr is not None
    try:
        while "Iteration 10 " not in running.stderr.readline():
            assert running.poll() is None
        running.send_signal(signal.SIGHUP)
        while "solver state" not in (line := running.stderr.readline()):
            assert line
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=60)[1]
    finally:
        running.kill()

    assert running.returncode == 0
    assert said.splitlines()[-1].endswith("Optimization stopped early.")
    assert len(list(project.glob("*.solverstate"))) == 2


def test_a_mistake_is_one_line_and_a_status(project: Path) -> None:
    (project / "solver.prototxt").write_text(SOLVER.replace("net.prototxt", "absent.prototxt") % 1)
    command = [sys.executable, "-m", "digits.cli.main", "caffe", "train", "--solver", "solver.prototxt"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=100)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: solver.prototxt: There is no network 'absent.prototxt'.")
    assert "Traceback" not in done.stderr


def test_a_project_below_examples_runs_from_its_root_with_the_log_lines_that_digits_reads(project: Path) -> None:
    home = project / "examples" / "mnist"
    home.mkdir(parents=True)
    (project / "db").rename(home / "mnist_train_lmdb")
    text = (project / "net.prototxt").read_text().replace('source: "db"', 'source: "examples/mnist/mnist_train_lmdb"')
    (home / "train_test.prototxt").write_text(text)
    solver = SOLVER.replace('"net.prototxt"', '"examples/mnist/train_test.prototxt"').replace(
        '"two"', '"examples/mnist/snapshots/lenet" snapshot: 20 momentum: 0.9'
    )
    (home / "solver.prototxt").write_text(solver % 40)

    caffe("train", "--solver=examples/mnist/solver.prototxt", fails=SetupError)
    (home / "snapshots").mkdir()
    whole = caffe("train", "--solver=examples/mnist/solver.prototxt")
    resumed = caffe(
        "train",
        "-solver=examples/mnist/solver.prototxt",
        "-snapshot=examples/mnist/snapshots/lenet_iter_20.solverstate",
    )

    for wanted in (
        r"Iteration 0 \(0 iter/s, 0s/0 iters\), loss = [\d.e-]+$",
        r"Iteration 10 \([\d.e+-]+ iter/s, [\d.e+-]+s/10 iters\), loss = [\d.e-]+$",
        r"Iteration 10, lr = 0\.1$",
        r"    Train net output #0: loss = [\d.e-]+ \(\* 1 = [\d.e-]+ loss\)$",
        r"    Test net output #0: acc = [\d.]+$",
        r"Snapshotting to binary proto file examples/mnist/snapshots/lenet_iter_20\.caffemodel$",
        r"Snapshotting solver state to binary proto file examples/mnist/snapshots/lenet_iter_20\.solverstate$",
    ):
        assert re.search(rf"\] {wanted}", whole.stderr, re.MULTILINE), wanted
    assert "Iteration 20 (" in resumed.stderr
    assert "Iteration 10 (" not in resumed.stderr
    weights = read_weights_file(home / "snapshots" / "lenet_iter_40.caffemodel")
    assert weights["ip:0"].shape == (2, 25)


def test_notes_of_a_check_leave_the_exit_status_alone(project: Path) -> None:
    text = (project / "net.prototxt").read_text()
    (project / "net.prototxt").write_text(text.replace("batch_size: 4", "batch_size: 4 prefetch: 9"))

    done = caffe("check", "--build", "net.prototxt", "solver.prototxt")

    assert done.exit_code == 0
    assert done.stdout.startswith("net.prototxt:2: note: data_param.prefetch is not used: ")
