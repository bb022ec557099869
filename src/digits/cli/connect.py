"""Which server a command speaks to: ``--server``, else ``DIGITS_SERVER``, else the one that runs on this root, else the usual address."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from digits.client import Client
from digits.core import platform
from digits.core.files import read_json, write_json
from digits.core.settings import Settings, load_settings

FILE = "server.json"

root_option = click.option(
    "--root", type=click.Path(path_type=Path, file_okay=False), help="Jobs, database and caches (~/.digits)."
)


def with_client(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``client``, and the options that say which server it speaks to."""

    @click.option("--server", help="Address of the server (DIGITS_SERVER); the one that runs here if not given.")
    @root_option
    @functools.wraps(command)
    def wrapped(*args: Any, server: str | None, root: Path | None, **kwargs: Any) -> Any:
        with Client(server_address(server, root)) as client:
            return command(*args, client=client, **kwargs)

    return wrapped


def server_address(server: str | None, root: Path | None) -> str:
    """Return the address of the server to speak to.

    Raises:
        SetupError: a setting is wrong.
    """
    given = server or os.environ.get("DIGITS_SERVER", "")
    if given:
        return given if "://" in given else f"http://{given}"
    settings = load_settings(root=root)
    return running_server(settings) or f"http://{_bracketed(settings.host)}:{settings.port}{settings.url_prefix}"


def address_of(settings: Settings, port: int) -> str:
    """Return the address that people on this machine open for a server that listens on ``port``."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - read, not bound
    return f"http://{_bracketed(host)}:{port}{settings.url_prefix.rstrip('/')}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def running_server(settings: Settings) -> str:
    """Return the address of the server that runs on this root; "" where none does."""
    try:
        noted = read_json(settings.root / FILE)
        alive = platform.process_start(int(noted["pid"])) == noted["started"]
        return str(noted["address"]) if alive else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def note_server(settings: Settings, address: str) -> None:
    """Write down that this process serves ``address``."""
    started = platform.process_start(os.getpid())
    write_json(settings.root / FILE, {"address": address, "pid": os.getpid(), "started": started})


def forget_server(settings: Settings) -> None:
    """Remove the note, if it is this process's."""
    try:
        if read_json(settings.root / FILE)["pid"] == os.getpid():
            (settings.root / FILE).unlink()
    except (OSError, ValueError, KeyError, TypeError):
        return
