"""Starts, finds again and stops worker processes of this machine."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
import time

import psutil

from digits.core import platform
from digits.core.executor import Command, Handle, Status
from digits.extensions.executors.local.spec import LocalSpec


class LocalExecutor:
    """Processes in sessions of their own; implements ``digits.core.executor.Executor``."""

    def __init__(self, spec: LocalSpec | None = None) -> None:
        self._spec = spec or LocalSpec()
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._deadlines: dict[int, float] = {}

    def start(self, command: Command) -> Handle | None:
        """Start the worker, or return None where the system has no room for a process now.

        Raises:
            OSError: it cannot be started at all (no such folder, no right to write its log).
        """
        arguments = [
            command.python or sys.executable,
            "-m",
            f"digits.workers.{command.worker}",
            str(command.folder),
            *command.arguments,
        ]
        output = command.output or command.folder / "output.log"
        try:
            child = platform.start_detached(
                arguments, output=output, folder=command.folder, environment=environment(command)
            )
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ENOMEM):
                return None
            raise
        if self._spec.nice:
            with contextlib.suppress(psutil.Error):
                platform.stand_back(psutil.Process(child.pid), self._spec.nice)
        self._children[child.pid] = child
        return Handle(pid=child.pid, created=platform.process_start(child.pid) or "ended", gpus=command.gpus)

    def adopt(self, handle: Handle) -> bool:
        """Take over a worker that an earlier runner started; False if it is gone."""
        return platform.process_start(handle.pid) == handle.created

    def poll(self, handle: Handle) -> Status | None:
        """Return how the worker ended, or None while it lives; one that outlived its grace is killed here."""
        child = self._children.get(handle.pid)
        if child is not None:
            code = child.poll()
            status = None if code is None else Status(code)
        else:
            status = None if self.adopt(handle) else Status(None)
        if status is None:
            if time.monotonic() >= self._deadlines.get(handle.pid, float("inf")):
                self._kill(handle)
            return None
        self._children.pop(handle.pid, None)
        self._deadlines.pop(handle.pid, None)
        if child is not None:
            platform.kill_group(handle.pid)
        return status

    def stop(self, handle: Handle, grace_s: float) -> None:
        """Ask the worker to stop; ``poll`` kills it ``grace_s`` seconds from the first call on, or sooner if a later call says so."""
        deadline = time.monotonic() + grace_s
        first = handle.pid not in self._deadlines
        self._deadlines[handle.pid] = min(deadline, self._deadlines.get(handle.pid, deadline))
        if first and self.adopt(handle):
            with contextlib.suppress(psutil.NoSuchProcess):
                platform.ask_to_stop(psutil.Process(handle.pid))

    def _kill(self, handle: Handle) -> None:
        if self.adopt(handle):
            with contextlib.suppress(psutil.NoSuchProcess):
                platform.kill_tree(psutil.Process(handle.pid))


def environment(command: Command) -> dict[str, str]:
    """Return the whole environment of a worker."""
    return {
        **os.environ,
        **platform.worker_environment(command.num_threads),
        # NVML's numbers, which we count in, are those of the bus; CUDA's own order is by speed.
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": ",".join(str(gpu) for gpu in command.gpus),
        # The working folder is the job's: a file "torch.py" in it must not be taken for torch.
        "PYTHONSAFEPATH": "1",
        **command.environment,
    }
