"""Which networks a solver trains and tests, in which states."""

from __future__ import annotations

from pathlib import Path

import pytest

from digits.caffe.solverfile import read_solver
from digits.core.errors import DigitsError

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 1 } } }
layer { name: "train" type: "ReLU" bottom: "x" top: "a" include { phase: TRAIN } }
layer { name: "test" type: "ReLU" bottom: "x" top: "b" include { phase: TEST } }
layer { name: "extra" type: "ReLU" bottom: "x" top: "c" include { stage: "extra" } }
layer { name: "deep" type: "ReLU" bottom: "x" top: "d" include { min_level: 2 } }
"""
END = ' base_lr: 1 lr_policy: "fixed" max_iter: 1 '


def names(tmp_path: Path, text: str, **options: object) -> list[list[str]]:
    """The layers of the training network, then of each test network."""
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "other.prototxt").write_text(NET.replace('"in"', '"other"'))
    (tmp_path / "solver.prototxt").write_text(text + END)
    file = read_solver(tmp_path / "solver.prototxt", **options)  # type: ignore[arg-type] # a test's options
    return [[layer.name for layer in each.message.layer] for each in (file.train, *file.tests)]


def test_one_network_is_filtered_to_both_phases(tmp_path: Path) -> None:
    assert names(tmp_path, 'net: "net.prototxt" test_iter: 1 test_interval: 1') == [["in", "train"], ["in", "test"]]


def test_test_networks_come_as_messages_then_files_then_the_common_one(tmp_path: Path) -> None:
    text = """net: "net.prototxt" test_net: "other.prototxt" test_interval: 1 test_iter: 1 test_iter: 1 test_iter: 1
        test_net_param { layer { name: "inside" type: "Input" top: "x" } }"""

    assert names(tmp_path, text) == [["in", "train"], ["inside"], ["other", "test"], ["in", "test"]]


def test_states_of_the_solver_and_of_the_command_line_choose_layers(tmp_path: Path) -> None:
    text = """net: "net.prototxt" train_state { level: 2 } test_iter: 1 test_iter: 1 test_interval: 1
        test_state { stage: "extra" } test_state { }"""

    assert names(tmp_path, text) == [["in", "train", "deep"], ["in", "test", "extra"], ["in", "test"]]
    assert names(tmp_path, text, stages=("extra",))[0] == ["in", "train", "extra", "deep"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "exactly one training network; this one has none"),
        ('net: "net.prototxt" train_net: "net.prototxt"', "this one has net and train_net"),
        ('train_net: "net.prototxt" test_net: "net.prototxt"', "1 test networks and 0 test_iter"),
        ('net: "net.prototxt" test_iter: 2', "no test_interval"),
        (
            'net: "net.prototxt" test_iter: 2 test_interval: 1 test_state { } test_state { }',
            "2 test_state and 1 test_iter",
        ),
        ('net: "net.prototxt" type: "Adam" solver_type: SGD', "type and the old solver_type"),
        ('net: "absent.prototxt"', r"There is no network 'absent\.prototxt'"),
        ('net: "net.prototxt" regularization_type: "L3"', "It may be L1 or L2"),
        ('net: "net.prototxt" iter_size: 0', "iter_size 0 is below 1"),
        ('net: "net.prototxt" momentun: 0.9', r"no field 'momentun'\. Did you mean 'momentum'"),
    ],
)
def test_a_solver_that_contradicts_itself_is_refused_in_words(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DigitsError, match=words):
        names(tmp_path, text)


def test_settings_of_nvcaffe_that_are_not_used_are_named_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET)
    path = tmp_path / "solver.prototxt"
    path.write_text('net: "net.prototxt"\nlarc: true\nrampup_lr: 0.1\n' + END)

    assert read_solver(path).warnings == (
        f"{path}:2: larc is not used: NVCaffe's, and the training goes on without it.",
        f"{path}:3: rampup_lr is not used: NVCaffe's, and the training goes on without it.",
    )
