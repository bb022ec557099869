"""A server for one command: the one that runs on the root already, or one that is started and ends with the command."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from digits.cli.connect import running_server
from digits.cli.waiting import step
from digits.core.errors import SetupError
from digits.core.settings import Settings

START_S = 60.0


@contextmanager
def serving(settings: Settings, port: int | None) -> Iterator[tuple[str, subprocess.Popen[bytes] | None]]:
    """Have a server on this root: the address, and the process if it was started for this."""
    if address := running_server(settings):
        click.echo(f"The server at {address} runs on {settings.root} already, and is used.", err=True)
        yield address, None
        return
    with step("Starting the server") as at:
        process, address = _start(settings, port)
        at.result = address
    try:
        yield address, process
    finally:
        process.terminate()
        process.wait()


def _start(settings: Settings, port: int | None) -> tuple[subprocess.Popen[bytes], str]:
    command = [sys.executable, "-m", "digits.cli.serve", "devserver", "--root", str(settings.root)]
    tries = [port] if port is not None else [settings.port, 0]
    for each in tries:
        process = subprocess.Popen([*command, "-p", str(each)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + START_S
        while process.poll() is None and time.monotonic() < deadline:
            if address := running_server(settings):
                return process, address
            time.sleep(0.05)
        words = process.stderr.read().decode(errors="replace") if process.stderr and process.poll() is not None else ""
        process.kill()
        if each != tries[-1]:
            click.echo(f"  port {each} is taken: a free one is used instead", err=True)
    last = (words.strip().splitlines() or ["It did not answer within a minute."])[-1].removeprefix("error: ")
    raise SetupError(f"The server did not start: {last}")
