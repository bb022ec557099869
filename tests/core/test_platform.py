from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import digits
from digits.core.platform import find_processes, process_start, signal_name, worker_environment
from digits.core.settings import Settings
from digits.core.states import JobState
from digits.store import Store
from tests.runner.standing import demo

SOURCES = [path for path in sorted(Path(digits.__file__).parent.rglob("*.py")) if "tests" not in path.parts]
ONLY_SOME_SYSTEMS = {"fcntl", "grp", "msvcrt", "pwd", "resource", "signal", "termios", "winreg"}

BLOCK = """
import psutil  # on Linux it needs "resource" for itself, elsewhere it does without
import os, sys
open(os.environ["BLOCKED"], "a").write(f"{os.getpid()} ")
for name in ("fcntl", "grp", "msvcrt", "pwd", "resource", "termios"):
    sys.modules[name] = None
"""


def _imports(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_what_differs_between_systems_is_in_platform_alone() -> None:
    found = {}
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        texts = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        special = (_imports(tree) & ONLY_SOME_SYSTEMS) | {text for text in texts if text.startswith("/proc")}
        if special and path.parts[-2:] != ("core", "platform.py"):
            found[str(path)] = special

    assert len(SOURCES) > 50
    assert found == {}


def test_a_job_runs_where_the_modules_of_one_system_do_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(BLOCK)
    store = Store(Settings(root=tmp_path / "root"))
    job = demo(store, steps=3)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # the runner and the worker that it starts
    monkeypatch.setenv("DIGITS_MIN_FREE_DISK_BYTES", "0")
    monkeypatch.setenv("BLOCKED", str(tmp_path / "blocked"))
    code = (
        "import sys, threading, time\n"
        "from digits.core.settings import load_settings\n"
        "from digits.runner.loop import Runner\n"
        "import digits.web.app, digits.cli.main, digits.client\n"
        "assert sys.modules['fcntl'] is None and sys.modules['resource'] is None\n"
        "runner = Runner(load_settings(root=sys.argv[1]))\n"
        "threading.Thread(target=runner.run).start()\n"
        "while runner.store.job(sys.argv[2]).is_running: time.sleep(0.05)\n"
        "runner.stop()\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code, str(store.settings.root), job.id],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert (ended.returncode, store.job(job.id).state) == (0, JobState.DONE), ended.stderr
    worker = next(line["handle"]["pid"] for line in job.folder.journal() if line["what"] == "started")
    assert str(worker) in (tmp_path / "blocked").read_text().split()
    store.close()


def test_a_process_is_told_from_a_later_one_of_its_pid_and_a_zombie_does_not_live() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    first, again = process_start(process.pid), process_start(process.pid)
    own = process_start(os.getpid())

    assert first is not None
    assert first == again
    assert first != own
    process.kill()
    while process_start(process.pid) is not None:
        pass  # a zombie now: nobody has asked for its end
    process.communicate()
    assert process_start(process.pid) is None


def test_a_process_is_found_by_a_whole_argument_alone(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()", str(tmp_path / "job-7")], stdin=subprocess.PIPE)

    assert find_processes("-c", str(tmp_path / "job-7")) == [process.pid]
    assert find_processes(str(tmp_path / "job")) == []
    process.communicate(b"\n")


def test_signals_have_names() -> None:
    assert [signal_name(number) for number in (9, 15, 250)] == ["SIGKILL", "SIGTERM", "signal 250"]


def test_a_worker_gets_its_threads_and_passive_waiting_before_it_loads_anything() -> None:
    environment = worker_environment(3)

    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"
    assert {environment[f"{name}_NUM_THREADS"] for name in ("OMP", "MKL", "OPENBLAS")} == {"3"}
