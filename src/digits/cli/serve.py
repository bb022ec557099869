"""``digits-devserver``, ``digits-server`` and ``digits serve``: the web pages and the job runner, as processes apart.

The runner is started in a session of its own; trainings are in theirs. So Ctrl-C ends web and runner and leaves the trainings, and the next
start takes them up again. What can be wrong (port, rights, disk, a host that others reach) is said before anything starts.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
import uvicorn
from uvicorn.supervisors import Multiprocess

import digits
from digits.cli.connect import address_of, forget_server, note_server, root_option, running_server
from digits.cli.main import run
from digits.cli.runnerprocess import RunnerProcess
from digits.core import platform
from digits.core.errors import SetupError
from digits.core.extensions import broken
from digits.core.settings import PREFIX, Settings, load_settings

LEAST_DISK_BYTES = 50_000_000  # the database and a log; jobs have a floor of their own (min_free_disk_bytes)
GRACE_S = 5
"""A page that is still being sent when the server stops gets this long."""
READY_S = 60.0
WARNING = (
    "warning: everybody who can reach {} can use this server, and with it run code and read files as {}: "
    "there are no passwords."
)


def options(port: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator with the options that both servers have; ``port`` is the default."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(
            [
                click.option("-p", "--port", type=click.IntRange(0, 65535), help=f"Port ({port}); 0 takes a free one."),
                click.option("--host", help="Address to listen on (127.0.0.1)."),
                root_option,
                click.option(
                    "--trust-network",
                    is_flag=True,
                    default=None,
                    help="Serve others too, although there are no passwords.",
                ),
                click.option("-d", "--debug", is_flag=True, default=None, help="Error answers carry a traceback."),
                click.version_option(digits.__version__, "--version", prog_name="OpenDIGITS"),
                click.help_option("-h", "--help"),
            ]
        ):
            command = option(command)
        return command

    return decorate


@click.command()
@options(5000)
def devserver_command(**given: Any) -> None:
    """Serve OpenDIGITS on this machine: web pages, REST and the job runner.

    Ctrl-C ends the server; trainings that run go on, and the next start shows them again.
    """
    settings = prepared(given, port=5000)
    check_alone(settings)
    listening = listen(settings)
    address = address_of(settings, listening.getsockname()[1])
    with _ending_well(settings), RunnerProcess(settings, environment(settings)):
        serve_one(settings, listening, lambda: _ready(settings, address))


@click.command()
@options(8080)
@click.option("--workers", "web_workers", type=click.IntRange(1, 64), help="Web processes (2).")
@click.option("--runner/--no-runner", default=True, help="Start the job runner too, unless another unit does.")
def server_command(runner: bool, **given: Any) -> None:
    """Serve OpenDIGITS from several web processes, for use behind a proxy such as nginx.

    The web processes hold nothing: any of them answers any request.
    """
    settings = prepared(given, port=8080)
    if runner:  # a unit without one is meant to stand beside another
        check_alone(settings)
    listening = listen(settings)
    address = address_of(settings, listening.getsockname()[1])
    export(settings)
    threading.Thread(target=_announce, args=(settings, address), daemon=True).start()
    with _ending_well(settings), RunnerProcess(settings, environment(settings), wanted=runner):
        config = uvicorn.Config("digits.web.app:create_app", factory=True, workers=settings.web_workers, **_common())
        Multiprocess(config, sockets=[listening]).run()


def prepared(given: dict[str, Any], *, port: int) -> Settings:
    """Return the settings, with a root that can be used and a host that may be served.

    Raises:
        SetupError: a setting is wrong, the root cannot be used, two extensions have one name, or others could reach the server and nobody
            said they may.
    """
    settings = load_settings(**given)
    if "port" not in settings.model_fields_set:
        settings = load_settings(**(given | {"port": port}))
    if not settings.is_loopback and not settings.trust_network:
        raise SetupError(
            f"Others can reach {settings.host}, and whoever reaches this server can run code here.",
            hint="--trust-network serves them all the same; 127.0.0.1 and a proxy with passwords is the safe way.",
        )
    broken()  # two extensions of one name are told before anything starts
    if not settings.is_loopback:
        click.echo(WARNING.format(settings.host, platform.user_name()), err=True)
    prepare_root(settings.root)
    return settings


def prepare_root(root: Path) -> None:
    """Make the folder for jobs and database, for its owner alone, and see whether it can be written.

    Raises:
        SetupError: it cannot be made or written, or its disk is full.
    """
    probe = root / f".probe-{os.getpid()}"
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
        free = shutil.disk_usage(root).free
    except OSError as error:
        raise SetupError(
            f"The folder for jobs cannot be used: {error.strerror}.", where=str(root), hint="--root names another."
        ) from error
    if free < LEAST_DISK_BYTES:
        raise SetupError(f"The disk is full: {free / 1e6:.0f} MB are free.", where=str(root))


def check_alone(settings: Settings) -> None:
    """Do nothing if no server works on this root yet.

    Raises:
        SetupError: one does; it is said where.
    """
    address = running_server(settings)
    if address:
        raise SetupError(
            f"A server works on this folder of jobs already: {address}/.",
            where=str(settings.root),
            hint="Open that address, or end that server first; --root names another folder for a second one.",
        )


def listen(settings: Settings) -> socket.socket:
    """Return a socket that listens where the settings say.

    Raises:
        SetupError: the port is taken or may not be used, or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio lets answers go at once (TCP_NODELAY) on sockets that say TCP; on others each waits 40 ms for the client's acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # there, this option lets two servers share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        where = f"{settings.host}:{settings.port}"
        hint = "-p takes another, -p 0 a free one."
        raise SetupError(f"Port {settings.port} cannot be used: {error.strerror}.", where=where, hint=hint) from error
    listening.set_inheritable(True)
    return listening


def export(settings: Settings) -> None:
    """Put the settings that the command line gave into the environment, for the processes that are started from here."""
    os.environ |= environment(settings)


def environment(settings: Settings) -> dict[str, str]:
    """Return ``DIGITS_*`` for a process that shall have these settings; the rest it reads from ``digits.toml`` as we did."""
    values = {
        "root": settings.root, "host": settings.host, "port": settings.port, "web_workers": settings.web_workers,
        "trust_network": settings.trust_network, "debug": settings.debug,
    }  # fmt: skip
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in values.items()}


def _common() -> dict[str, Any]:
    return {
        "log_level": "warning", "access_log": False, "server_header": False, "proxy_headers": True,
        "timeout_graceful_shutdown": GRACE_S,
    }  # fmt: skip


def serve_one(settings: Settings, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve from this process until it is asked to stop; ``ready`` is called when the first request can come."""
    from digits.web.app import create_app

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started and not self.should_exit:
                ready()

    Announcing(uvicorn.Config(create_app(settings), **_common())).run(sockets=[listening])


@contextmanager
def _ending_well(settings: Settings) -> Iterator[None]:
    """Turn every way of being asked to stop into an exit through all ``with`` blocks: uvicorn raises its signal again when it is done."""

    def leave() -> None:
        raise SystemExit(0)

    platform.on_stop(leave)
    try:
        yield
    finally:
        forget_server(settings)


def _ready(settings: Settings, address: str) -> None:
    note_server(settings, address)
    click.echo(f"OpenDIGITS {digits.__version__} serves {address}/  (jobs in {settings.root}; Ctrl-C ends it)")


def _announce(settings: Settings, address: str) -> None:
    """Wait until one of the web processes answers, and say so."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            with opener.open(f"{address}/healthz", timeout=5):
                _ready(settings, address)
                return
        except OSError:
            time.sleep(0.1)
    click.echo("warning: the web processes have not answered within a minute", err=True)


def devserver() -> NoReturn:
    """Run ``digits-devserver``."""
    run(devserver_command, name="digits-devserver")


def server() -> NoReturn:
    """Run ``digits-server``."""
    run(server_command, name="digits-server")


if __name__ == "__main__":
    {"devserver": devserver, "server": server}[sys.argv.pop(1)]()
