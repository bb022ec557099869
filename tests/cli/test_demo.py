"""The demo: what it judges, what it keeps, and once for real."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from digits.cli.demo import Report
from digits.cli.demodata import Prepared, prepare
from digits.core.errors import DataError
from digits.core.settings import load_settings
from tests.cli.running import clean_environment
from tests.shared import needs_shared, shared


def report(accuracy: float, *, drawn: bool = False) -> Report:
    return Report(Prepared("/f", "MNIST", "somewhere", drawn), accuracy=accuracy)


def test_mnist_is_judged_by_the_goal_and_drawn_digits_are_not() -> None:
    assert report(98.0).passed(98.0)
    assert not report(97.99).passed(98.0)
    assert report(50.0, drawn=True).passed(98.0)


@needs_shared
def test_pictures_are_written_once_and_found_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = load_settings(root=tmp_path)

    first = prepare(settings, shared("data", "mnist"), limit=50)
    stamp = (first.train_folder / "5" / "00000.png").stat().st_mtime_ns
    again = prepare(settings, None, limit=50)

    assert again == first
    assert (again.train_folder / "5" / "00000.png").stat().st_mtime_ns == stamp
    assert len(list(first.train_folder.glob("*/*.png"))) == 50
    assert len(first.test_list.read_text().splitlines()) == 10_000


def test_a_folder_without_mnist_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(DataError, match="train-images-idx3-ubyte is missing"):
        prepare(load_settings(root=tmp_path), tmp_path / "empty", limit=50)


@pytest.mark.slow
@needs_shared
@pytest.mark.timeout(600)
def test_the_main_job_from_pictures_to_a_tested_classifier(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "digits.cli.main", "demo", "--exit", "--quick", "-p", "0", "--root", str(tmp_path / "root"),
         "--mnist", str(shared("data", "mnist"))],
        capture_output=True, text=True, env=clean_environment(), timeout=500,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Pictures for training +4,500", done.stdout)
    assert re.search(r"Learned parameters +431,080", done.stdout)
    assert re.search(r"Test digits right +9,\d{3} of 10,000", done.stdout)
    assert not (tmp_path / "root" / "server.json").exists()
