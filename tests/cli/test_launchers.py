"""The commands in the project's root, in a copy of what they need: when they set up, what they say when they cannot."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("digits-demo", "digits-devserver", "digits-server", "digits-test", "scripts", "pyproject.toml",
          "constraints.txt", "hatch_build.py", "web-assets")  # fmt: skip
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for installed programs are shell scripts")
WRONG_PYTHON = "import sys; sys.path.insert(0, 'scripts'); import setup_venv; "


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in which nothing is set up."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def start(checkout: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(command) or [sys.executable, "digits-devserver"], cwd=checkout, capture_output=True, text=True, timeout=100,
        env={**os.environ, **environment},
    )  # fmt: skip


def pretend_set_up(checkout: Path) -> None:
    """Leave what a finished set-up leaves, with a program that says what it was given."""
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("digits-devserver", "digits", "python"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} ran in $PWD with: $*"\nexit 7\n')
        (programs / name).chmod(0o755)
    script = WRONG_PYTHON + "setup_venv._write_state({'python': setup_venv._version(), 'run': setup_venv._key()})"
    subprocess.run([sys.executable, "-c", script], cwd=checkout, check=True)


def test_a_second_start_becomes_the_command_at_once_with_its_arguments_and_status(checkout: Path) -> None:
    pretend_set_up(checkout)

    done = start(checkout, sys.executable, "digits-devserver", "-p", "0", "--cpu")

    assert done.stdout == f"digits-devserver ran in {checkout} with: -p 0\n"
    assert done.returncode == 7


def test_the_demo_is_a_verb_of_the_installed_command(checkout: Path) -> None:
    pretend_set_up(checkout)

    done = start(checkout, sys.executable, "digits-demo", "--exit")

    assert "with: demo --exit" in done.stdout


@pytest.mark.parametrize(
    "changed", ["pyproject.toml", "constraints.txt", "hatch_build.py", "web-assets/package-lock.json"]
)
def test_a_changed_file_of_the_set_up_sets_up_again(checkout: Path, changed: str) -> None:
    pretend_set_up(checkout)
    with (checkout / changed).open("a") as file:
        file.write("\n")

    done = start(checkout)

    assert "Setting up in .venv" in done.stdout
    assert "could not be installed" in done.stderr  # the stand-in for pip fails


def test_two_starts_at_once_set_up_once_and_the_second_says_that_it_waits(checkout: Path) -> None:
    held = "with setup_venv._locked(): print('held', flush=True); sys.stdin.readline()"
    with subprocess.Popen(
        [sys.executable, "-c", WRONG_PYTHON.replace("; import", "\nimport") + f"\n{held}"],
        cwd=checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as first:  # fmt: skip
        assert first.stdout is not None
        assert first.stdin is not None
        assert first.stdout.readline() == "held\n"
        second = subprocess.Popen([sys.executable, "digits-devserver"], cwd=checkout, stdout=subprocess.PIPE, text=True)
        assert second.stdout is not None
        assert "waiting" in second.stdout.readline()
        pretend_set_up(checkout)
        first.stdin.write("\n")
        first.stdin.flush()
        rest = second.stdout.read()
        second.wait(timeout=30)

    assert rest.startswith("digits-devserver ran")


def test_the_lock_of_a_killed_set_up_is_free_again(checkout: Path) -> None:
    held = "\nwith setup_venv._locked(): print('held', flush=True); sys.stdin.readline()"
    first = subprocess.Popen(
        [sys.executable, "-c", WRONG_PYTHON.replace("; import", "\nimport") + held],
        cwd=checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert first.stdout is not None
    first.stdout.readline()
    first.kill()
    first.communicate()
    pretend_set_up(checkout)

    assert start(checkout).returncode == 7


def test_an_old_python_is_told_which_one_it_needs(checkout: Path) -> None:
    done = start(
        checkout, sys.executable, "-c", WRONG_PYTHON + "setup_venv.OLDEST = (3, 99); setup_venv.launch('digits-demo')"
    )

    assert done.returncode == 2
    assert done.stderr.startswith("error: Python 3.11 or newer is needed, and this is 3.")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "name", ["scripts/setup_venv.py", "digits-demo", "digits-devserver", "digits-server", "digits-test"]
)
def test_an_old_python_can_read_the_launchers(name: str) -> None:
    ast.parse((ROOT / name).read_text(), feature_version=(3, 7))


def test_a_python_without_ensurepip_is_said_in_one_line(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "ensurepip.py").write_text("raise ImportError('No module named ensurepip')\n")

    done = start(checkout, PYTHONPATH=str(tmp_path))

    assert done.returncode == 2
    assert "no ensurepip" in done.stderr
    assert "apt install python3-venv" in done.stderr
    assert done.stderr.count("\n") == 1


def test_too_little_disk_is_said_before_anything_is_made(checkout: Path) -> None:
    done = start(
        checkout,
        sys.executable,
        "-c",
        WRONG_PYTHON + "setup_venv.NEEDED_BYTES = 10**18; setup_venv.launch('digits-demo')",
    )

    assert done.returncode == 2
    assert "Too little disk: the set-up needs 1000000000.0 GB" in done.stderr
    assert not (checkout / ".venv").exists()


def test_a_venv_of_somebody_else_is_not_touched(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")

    done = start(checkout)

    assert done.returncode == 2
    assert "was not made by this command" in done.stderr
    assert (checkout / ".venv" / "pyvenv.cfg").read_text() == "home = /usr/bin\n"


def test_an_index_that_cannot_be_reached_is_said_in_one_line_and_the_next_start_begins_anew(checkout: Path) -> None:
    alone = {
        "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1",
        "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": "", "PIP_NO_CACHE_DIR": "1",
    }  # fmt: skip

    done = start(checkout, **alone)

    assert done.returncode == 2
    assert done.stderr.startswith("error: The build tools could not be installed. The package index cannot be reached")
    assert done.stderr.count("\n") == 1
    assert json.loads((checkout / ".venv" / "digits-set-up.json").read_text()) == {}
    assert "127.0.0.1" in (checkout / ".venv.log").read_text()
