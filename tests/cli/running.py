"""A real server for tests, started as a user would start it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from digits.cli.connect import running_server
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
