"""The pytest plugin ``digits``: a server of a test's own. It loads next to nothing until a test asks for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from digits.client import Client

_START_S = 120.0


@pytest.fixture(scope="session")
def digits_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a server that runs for the session, with the extensions that are installed and an empty root."""
    from digits.client import Client

    root = tmp_path_factory.mktemp("digits")
    port = _free_port()
    with (root / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "digits", "--root", str(root / "root"), "--port", str(port)],
            stdout=log, stderr=subprocess.STDOUT, env=os.environ | {"DIGITS_DEVICE": "cpu"},
        )  # fmt: skip
    try:
        _wait(server, port, root / "server.log")
        with Client(f"http://127.0.0.1:{port}", username="tester") as client:
            yield client
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    import httpx

    until = time.monotonic() + _START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"The server did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
