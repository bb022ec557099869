from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from digits.core.executor import Command, Handle, Status
from digits.core.extensions import extension, load
from digits.core.jobfolder import JobFolder, JobRecord
from digits.extensions.executors.local.executor import LocalExecutor, environment
from digits.extensions.executors.local.spec import LocalSpec


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    folder = JobFolder(tmp_path / "20261124-041512-7f3a")
    spec = {"steps": 100_000, "seconds": 0.01}
    folder.write(
        JobRecord(id=folder.id, kind="model", extension="demo", title="", name="", created=0, worker="demo", spec=spec)
    )
    return folder


@pytest.fixture
def executor() -> LocalExecutor:
    return LocalExecutor()


@pytest.fixture
def handle(executor: LocalExecutor, folder: JobFolder) -> Iterator[Handle]:
    """A worker at work."""
    handle = executor.start(Command("demo", folder.path))
    assert handle is not None
    while not folder.events_file.exists():
        time.sleep(0.01)
    yield handle
    executor.stop(handle, 0)
    while executor.poll(handle) is None:
        time.sleep(0.01)


def _end(executor: LocalExecutor, handle: Handle) -> Status:
    while (status := executor.poll(handle)) is None:
        time.sleep(0.01)
    return status


def test_it_is_found_by_its_name() -> None:
    kind = extension("executors", "local")

    assert isinstance(load(kind.executor)(kind.spec()), LocalExecutor)


def test_a_worker_has_a_session_of_its_own_and_a_command_line_that_people_find(
    handle: Handle, folder: JobFolder
) -> None:
    process = psutil.Process(handle.pid)

    assert process.cmdline()[-3:] == ["-m", "digits.workers.demo", str(folder.path)]
    assert process.cwd() == str(folder.path)
    if sys.platform != "win32":
        assert os.getsid(handle.pid) == handle.pid


def test_asked_to_stop_it_stops_in_good_order(executor: LocalExecutor, handle: Handle) -> None:
    executor.stop(handle, 60)

    assert _end(executor, handle) == Status(0)


def test_how_it_was_killed_is_known(executor: LocalExecutor, handle: Handle) -> None:
    os.kill(handle.pid, signal.SIGKILL)

    assert _end(executor, handle) == Status(-9)


def test_without_grace_it_is_killed(executor: LocalExecutor, handle: Handle) -> None:
    os.kill(handle.pid, signal.SIGSTOP)  # it cannot hear

    executor.stop(handle, 0.05)

    assert _end(executor, handle) == Status(-9)


def test_another_executor_takes_it_over_by_its_handle_and_stops_it(executor: LocalExecutor, handle: Handle) -> None:
    other = LocalExecutor()

    assert other.adopt(Handle.model_validate_json(handle.model_dump_json()))
    assert other.poll(handle) is None
    other.stop(handle, 60)
    _end(executor, handle)  # reaps it: it is our child
    assert other.poll(handle) == Status(None)


def test_a_zombie_and_a_later_process_of_the_same_pid_are_not_taken_over(
    executor: LocalExecutor, handle: Handle
) -> None:
    assert not LocalExecutor().adopt(handle.model_copy(update={"created": "another start"}))

    os.kill(handle.pid, signal.SIGKILL)
    while psutil.Process(handle.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)

    assert not LocalExecutor().adopt(handle)


def test_helpers_of_a_killed_worker_go_with_it(
    executor: LocalExecutor, folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A sitecustomize of the worker starts a helper, as a loader of pictures would.
    site = folder.path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import os, subprocess, sys\n"
        "if 'HELPER' not in os.environ:\n"
        "    code = 'import time; time.sleep(600)'\n"
        "    helper = subprocess.Popen([sys.executable, '-c', code], env=os.environ | {'HELPER': '1'})\n"
        f"    open({str(folder.path / 'helper')!r}, 'w').write(str(helper.pid))\n"
    )
    handle = executor.start(Command("demo", folder.path, environment={"PYTHONPATH": str(site)}))
    assert handle is not None
    while not folder.events_file.exists():
        time.sleep(0.01)
    helper = psutil.Process(int((folder.path / "helper").read_text()))

    os.kill(handle.pid, signal.SIGKILL)
    _end(executor, handle)

    while helper.is_running() and helper.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)


def test_a_file_in_the_job_folder_is_never_imported(executor: LocalExecutor, folder: JobFolder) -> None:
    (folder.path / "pydantic.py").write_text("raise SystemExit(7)")

    handle = executor.start(Command("demo", folder.path))
    assert handle is not None
    while not folder.events_file.exists():
        assert executor.poll(handle) is None
        time.sleep(0.01)
    executor.stop(handle, 0)
    _end(executor, handle)


def test_a_worker_sees_the_gpus_it_holds_and_no_others(tmp_path: Path) -> None:
    held = environment(Command("demo", tmp_path, gpus=(1, 3), num_threads=5))
    none = environment(Command("demo", tmp_path))

    assert (held["CUDA_VISIBLE_DEVICES"], held["CUDA_DEVICE_ORDER"], held["OMP_NUM_THREADS"]) == (
        "1,3",
        "PCI_BUS_ID",
        "5",
    )
    assert none["CUDA_VISIBLE_DEVICES"] == ""


def test_a_folder_that_is_not_there_is_an_error_of_the_system(executor: LocalExecutor, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        executor.start(Command("demo", tmp_path / "none"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has classes of priority instead")
def test_workers_stand_back_as_far_as_the_setting_says(folder: JobFolder) -> None:
    executor = LocalExecutor(LocalSpec(nice=7))
    handle = executor.start(Command("demo", folder.path))
    assert handle is not None

    assert psutil.Process(handle.pid).nice() == 7
    executor.stop(handle, 0)
    _end(executor, handle)


def test_importing_the_extension_loads_neither_numpy_nor_torch() -> None:
    code = "import sys, json, digits.extensions.executors.local; print(json.dumps(sorted({'numpy', 'torch'} & set(sys.modules))))"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert json.loads(answer.stdout) == []
