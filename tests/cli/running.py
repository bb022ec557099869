"""A real server for tests, started as a user would start it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from digits.cli.connect import running_server
from digits.cli.main import main
from digits.core.settings import load_settings


@dataclass
class Running:
    """A server that answers."""

    address: str
    root: Path
    process: subprocess.Popen[str]

    def stop(self, how: int = signal.SIGINT) -> int:
        """Ask it to stop, and return its exit status."""
        self.process.send_signal(how)
        return self.process.wait(timeout=30)


@contextmanager
def running(root: Path, *arguments: str, kind: str = "devserver") -> Iterator[Running]:
    """Have a server on ``root`` and a free port; it is gone afterwards."""
    command = [sys.executable, "-m", "digits.cli.serve", kind, "--root", str(root), "-p", "0", *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean_environment()
    )
    try:
        deadline = time.monotonic() + 60
        while not (address := running_server(load_settings(root=root))):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Running(address, root, process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)


def clean_environment() -> dict[str, str]:
    """Return this environment without settings of OpenDIGITS in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DIGITS_")}


def digits(*arguments: str, root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``digits`` as a user would, with this root."""
    return subprocess.run(
        [sys.executable, "-m", "digits.cli.main", *arguments], capture_output=True, text=True, timeout=100,
        env={**clean_environment(), "DIGITS_ROOT": str(root), "DIGITS_USERNAME": "fred", **environment},
    )  # fmt: skip


def called(*arguments: str, root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Do what ``digits`` does without a process of its own, as starting Python and its imports takes longer than most commands."""
    said, warned = io.StringIO(), io.StringIO()
    settings = {"DIGITS_ROOT": str(root), "DIGITS_USERNAME": "fred", **environment}
    with (
        patch.dict(os.environ, {**clean_environment(), **settings}, clear=True),
        patch.object(sys, "argv", ["digits", *arguments]),
        redirect_stdout(said),
        redirect_stderr(warned),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    assert isinstance(ended.value.code, int)
    return subprocess.CompletedProcess(arguments, ended.value.code, said.getvalue(), warned.getvalue())
