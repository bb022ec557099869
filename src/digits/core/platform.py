"""All that differs between Linux, macOS and Windows; the only module that may import fcntl, msvcrt, resource or pwd or read /proc."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

import psutil

WINDOWS = sys.platform == "win32"
MACOS = sys.platform == "darwin"


def start_detached(
    arguments: Sequence[str], *, output: Path, folder: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, its output appended to ``output``: it lives on when we are killed."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    with output.open("ab") as log:
        return subprocess.Popen(
            list(arguments), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=folder,
            env=dict(environment), start_new_session=not WINDOWS, creationflags=flags, close_fds=True,
        )  # fmt: skip


def ask_to_stop(process: psutil.Process) -> None:
    """Send what a worker takes as "stop in good order": SIGTERM; on Windows the stop file alone does it."""
    if not WINDOWS:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()


def kill_tree(process: psutil.Process) -> None:
    """Kill a process and all it started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for each in [*process.children(recursive=True), process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()


def on_stop(call: Callable[[], None]) -> None:
    """Run ``call`` when this process is asked to stop (SIGTERM, Ctrl-C); must be set in the main thread."""

    def handler(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        call()

    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, handler)


def worker_environment(num_threads: int) -> dict[str, str]:
    """Return what must stand in a worker's environment before it imports numpy or torch.

    Without ``OMP_WAIT_POLICY=PASSIVE`` idle threads spin, and training LeNet beside a second busy process was
    measured 6 to 12 times slower.
    """
    count = str(num_threads)
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "KMP_BLOCKTIME": "0",
        "PYTHONUNBUFFERED": "1",
    }


def limit_memory(num_bytes: int) -> None:
    """Refuse this process more address space than ``num_bytes``, where the system can (decode workers; no torch there)."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (num_bytes, num_bytes))


def private_bytes(pid: int) -> int:
    """Return the memory that process ``pid`` has to itself: anonymous pages, not mapped files."""
    if sys.platform == "linux":
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) * 1024
    return int(psutil.Process(pid).memory_info().rss)


def mapped_files(pid: int) -> list[str]:
    """Return the files that process ``pid`` has mapped, libraries included."""
    return sorted({region.path for region in psutil.Process(pid).memory_maps()}) if not MACOS else []


def user_name() -> str:
    """Return the name of the person who runs this, as the system knows it; "digits" where it does not."""
    for variable in ("LOGNAME", "USER", "USERNAME"):
        if os.environ.get(variable):
            return os.environ[variable]
    return "digits"
