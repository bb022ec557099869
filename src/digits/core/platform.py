"""All that differs between Linux, macOS and Windows; the only module that may import fcntl, msvcrt, resource or pwd or read /proc."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

import psutil

WINDOWS = sys.platform == "win32"


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


def kill_group(pid: int) -> None:
    """Kill what is left of the session that ``pid`` led and that has just ended: helpers of a worker that was killed."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def stand_back(process: psutil.Process, niceness: int) -> None:
    """Let a process leave the processor to others: POSIX niceness 1 to 19, or Windows' class below normal."""
    if sys.platform == "win32":
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        process.nice(niceness)


def process_start(pid: int) -> str | None:
    """Return a text that no later process of the same ``pid`` shares, or None if it does not live (a zombie does not).

    On Linux it is counted from boot: psutil's ``create_time`` moves when the clock is set, and a training would be given up.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        if sys.platform == "linux":
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
            return f"{boot}:{ticks}"
        return f"{process.create_time():.2f}"
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None


def find_processes(*words: str) -> list[int]:
    """Return the pids of processes that have each of ``words`` as one whole argument of their command line."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if set(words) <= set(process.cmdline()):
                found.append(process.pid)
    return found


@contextlib.contextmanager
def hearing(calls: Mapping[str, Callable[[], None] | None]) -> Iterator[None]:
    """Inside, run what belongs to a signal's name ("SIGHUP"), or ignore the signal for None; nothing where the system lacks it (Windows).

    Must be used in the main thread.
    """
    before = {}
    for name, call in calls.items():
        number = getattr(signal, name, None)
        if number is not None:
            handler = signal.SIG_IGN if call is None else functools.partial(_call, call)
            before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _call(call: Callable[[], None], *_: object) -> None:
    call()


def signal_name(number: int) -> str:
    """Return the name of a signal: 'SIGKILL'."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def on_stop(call: Callable[[], None]) -> None:
    """Run ``call`` when this process is asked to stop (SIGTERM, Ctrl-C, its terminal closed); must be set in the main thread."""

    def handler(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        call()

    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, handler)
    if sys.platform == "win32":
        signal.signal(signal.SIGBREAK, handler)
    elif signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # nohup has it ignored, and that stays
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def worker_environment(num_threads: int) -> dict[str, str]:
    """Return what must stand in a worker's environment before it imports numpy or torch.

    Without ``OMP_WAIT_POLICY=PASSIVE`` idle threads spin, and training LeNet beside a second busy process was
    measured 6 to 12 times slower. The two thresholds (glibc alone reads them) keep freed blocks of activations for the next
    step, instead of giving them back and taking new ones whose pages the kernel must zero: system time fell from 35 % of
    the CPU time of training a photo network to 1 % (docs/adr/0030-malloc-of-workers.md).
    """
    count = str(num_threads)
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "KMP_BLOCKTIME": "0",
        "MALLOC_MMAP_THRESHOLD_": str(2**30),
        "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
        "PYTHONUNBUFFERED": "1",
    }


def begin_anew(environment: Mapping[str, str]) -> None:
    """Start this program again, in this process, with what ``environment`` says and nobody set: some of it is read once, at the start.

    On Windows, where a program cannot be replaced, what is read later is set.
    """
    missing = {name: value for name, value in environment.items() if name not in os.environ}
    if not missing:
        return
    if WINDOWS:
        os.environ.update(missing)
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | missing)  # noqa: S606 - the same program


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
    if sys.platform == "darwin":
        return []
    return sorted({region.path for region in psutil.Process(pid).memory_maps()})


def user_name() -> str:
    """Return the name of the person who runs this, as the system knows it; "digits" where it does not."""
    for variable in ("LOGNAME", "USER", "USERNAME"):
        if os.environ.get(variable):
            return os.environ[variable]
    return "digits"


class ResourceLimits:
    """Of this process: memory and processor time beyond what it takes when this is made. Without effect on Windows; macOS limits time alone."""

    def __init__(self) -> None:
        self._base_bytes = psutil.Process().memory_info().vms

    def allow(self, num_bytes: int, seconds: int) -> None:
        """Let the process map ``num_bytes`` more than at its start, and work ``seconds`` from now on; then it is killed."""
        if sys.platform != "win32":
            import resource

            _, most = resource.getrlimit(resource.RLIMIT_AS)
            wanted = self._base_bytes + num_bytes
            if sys.platform == "linux":
                resource.setrlimit(resource.RLIMIT_AS, (wanted if most < 0 else min(wanted, most), most))
            used = resource.getrusage(resource.RUSAGE_SELF)
            _, most = resource.getrlimit(resource.RLIMIT_CPU)
            wanted = math.ceil(used.ru_utime + used.ru_stime) + seconds
            resource.setrlimit(resource.RLIMIT_CPU, (wanted if most < 0 else min(wanted, most), most))

    @staticmethod
    def was_out_of_time(return_code: int) -> bool:
        """Whether a process that ended so had no processor time left."""
        return sys.platform != "win32" and return_code == -signal.SIGXCPU
