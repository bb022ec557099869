"""The examples, small: each runs from its data to its figures on a server of its own, and is told of in words."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from digits.client import Client
from examples.running import Example, Figures

FOLDER = Path(__file__).resolve().parents[2] / "examples"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/run.py"))


def run(name: str, client: Client, folder: Path) -> Figures:
    found: Figures = import_module(f"examples.{name}.run").run(Example(client, folder, quick=True))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_how_it_is_run_and_what_to_expect(name: str) -> None:
    text = (FOLDER / name / "README.md").read_text("utf-8")

    assert f"python -m examples.{name}.run" in text
    assert "## What to expect" in text


@pytest.mark.slow
@pytest.mark.timeout(600)
class TestRun:
    """Bounds say that something was learned, not how good it gets: the READMEs say that."""

    def test_a_place_is_told_better_than_by_the_mean(self, digits_server: Client, tmp_path: Path) -> None:
        assert run("regression", digits_server, tmp_path)["Share of the error of the mean alone"] < 0.97

    def test_pictures_come_out_like_those_that_are_wanted(self, digits_server: Client, tmp_path: Path) -> None:
        figures = run("autoencoder", digits_server, tmp_path)

        assert figures["Caffe: signal to noise, dB"] > 8
        assert figures["Torch: signal to noise, dB"] > 8

    def test_pairs_are_told_apart(self, digits_server: Client, tmp_path: Path) -> None:
        figures = run("siamese", digits_server, tmp_path)

        assert figures["Caffe: accuracy at half the margin"] > 0.6
        assert figures["Torch: accuracy at half the margin"] > 0.6

    def test_texts_are_sorted_by_topics(self, digits_server: Client, tmp_path: Path) -> None:
        figures = run("text_classification", digits_server, tmp_path)

        assert figures["Caffe: accuracy"] > 0.3  # of four classes
        assert figures["Torch: accuracy"] > 0.3

    def test_zeros_learn_nothing_and_xavier_does(self, digits_server: Client, tmp_path: Path) -> None:
        figures = run("weight_init", digits_server, tmp_path)

        assert figures["Accuracy from all zero"] < 0.2
        assert figures["Accuracy from Xavier"] > figures["Accuracy from all zero"]

    def test_a_layer_in_python_runs(self, digits_server: Client, tmp_path: Path) -> None:
        assert run("python_layer", digits_server, tmp_path)["Accuracy"] > 0.3
