"""The job runner as a process beside the web server: started with it, started again should it fall, ended with it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from types import TracebackType

import click

from digits.core import platform
from digits.core.files import read_json
from digits.core.settings import Settings

STOP_S = 15.0
"""It lets go of its lock and its services within a second or two; after this it is killed."""
LOOK_S = 0.5
FIRST_PAUSE_S = 0.5
TAKEN = 2
"""Exit status of a runner that finds another at work."""


class RunnerProcess:
    """A context that has ``python -m digits.runner`` running.

    Args:
        settings: the server's.
        environment: what the runner's environment has beside ours.
        wanted: False makes this do nothing: another unit runs it.
    """

    def __init__(self, settings: Settings, environment: Mapping[str, str], *, wanted: bool = True) -> None:
        self._settings = settings
        self._environment = {**os.environ, **environment}
        self._wanted = wanted
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._keep, daemon=True)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RunnerProcess:
        """Start it, and watch over it."""
        if self._wanted:
            self._process = self._start()
            self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it; trainings go on."""
        self._over.set()
        if self._process is None:
            return
        self._watch.join(2 * LOOK_S)
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        root = self._settings.root
        return platform.start_detached(
            [sys.executable, "-m", "digits.runner", "--root", str(root), "--server-pid", str(os.getpid())],
            output=root / "runner.log", folder=root, environment=self._environment,
        )  # fmt: skip

    def _keep(self) -> None:
        """Start the runner again when it has fallen, and say so; one that falls at once is given longer and longer.

        Where another runner holds the root (that of a server that was just killed, or a service's own) ours ends with
        ``TAKEN``: it tries again until the place is free.
        """
        pause = FIRST_PAUSE_S
        while not self._over.is_set():
            assert self._process is not None
            try:
                code = self._process.wait(LOOK_S)
            except subprocess.TimeoutExpired:
                continue
            if code == TAKEN and self._is_taken():
                pause = FIRST_PAUSE_S
            else:
                log = self._settings.root / "runner.log"
                click.echo(f"warning: the job runner ended (status {code}; see {log}), and is started again", err=True)
                pause = min(60.0, pause * 2)
            if self._over.wait(pause):
                return
            self._process = self._start()

    def _is_taken(self) -> bool:
        """Whether a living runner has noted itself in this root."""
        try:
            noted = read_json(self._settings.root / "runner.json")
            return platform.process_start(int(noted["pid"])) is not None
        except (OSError, ValueError, KeyError, TypeError):
            return False
