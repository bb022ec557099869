"""A server as a process of its own, alone or with a runner."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from digits.core.platform import kill_tree


def start(root: Path, **more: str) -> tuple[subprocess.Popen[str], str]:
    """Start uvicorn as a unit file would, on a free port; return it with its address."""
    command = [sys.executable, "-m", "uvicorn", "--factory", "digits.web.app:create_app", "--port", "0"]
    environment = os.environ | {"DIGITS_ROOT": str(root)} | more
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        found = re.search(r"running on (http://[\d.:]+)", line)
        if found:
            return process, found[1]
    raise AssertionError(f"the server ended with {process.wait()}")


@contextmanager
def working(root: Path, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a server and a runner on ``root``; give the server's process and its address."""
    process, address = start(root, **more)
    command = [sys.executable, "-m", "digits.runner", "--root", str(root)]
    runner = subprocess.Popen(command, env=os.environ | more, stderr=subprocess.DEVNULL)
    try:
        yield process, address
    finally:
        for each in (process, runner):
            kill_tree(psutil.Process(each.pid))
            each.wait(15)
