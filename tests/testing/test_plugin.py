"""The fixture ``digits_server``: a server of a test's own, with what is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TEST = """
def test_a_server_answers_and_is_empty(digits_server):
    assert digits_server.dataset.ls() == []
"""


@pytest.mark.slow
def test_a_test_of_an_author_gets_a_server_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TEST)

    command = [sys.executable, "-m", "pytest", "-q", "-p", "digits.testing.plugin", "test_it.py"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=200, env=os.environ, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_plugin_loads_nothing_heavy_until_it_is_asked() -> None:
    code = "import sys, digits.testing.plugin; print([m for m in ('torch', 'numpy', 'httpx') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "[]"
