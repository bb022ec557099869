"""Serving: what is refused in one line before anything starts, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from digits.cli.connect import FILE, running_server
from digits.cli.serve import listen
from digits.core import platform
from digits.core.settings import load_settings
from tests.cli.running import clean_environment, digits, running

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and rights as POSIX has them")


def refused(*arguments: str, kind: str = "devserver") -> str:
    """Start a server that must not start, and return its only line."""
    done = subprocess.run(
        [sys.executable, "-m", "digits.cli.serve", kind, *arguments], capture_output=True, text=True, timeout=60,
        env=clean_environment(),
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("kind", ["devserver", "server"])
def test_a_taken_port_is_said_in_one_line(tmp_path: Path, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = refused("-p", str(port), "--root", str(tmp_path / "root"), kind=kind)

    assert f"Port {port} cannot be used: Address already in use." in words
    assert "-p 0" in words


def test_an_answer_goes_at_once_and_does_not_wait_for_the_client_to_acknowledge_its_head(tmp_path: Path) -> None:
    settings = load_settings(root=tmp_path / "root", port=0)

    async def is_set_on_what_is_accepted() -> bool:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            found.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(accepted, sock=listen(settings)) as server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.close()
            return bool(await found)

    assert asyncio.run(is_set_on_what_is_accepted())


def test_a_second_server_on_one_root_is_told_of_the_first_and_the_first_stays_known(tmp_path: Path) -> None:
    with running(tmp_path / "root") as server:
        words = [refused("-p", "0", "--root", str(server.root), kind=kind) for kind in ("devserver", "server")]

        assert all(f"A server works on this folder of jobs already: {server.address}/." in each for each in words)
        assert running_server(load_settings(root=server.root)) == server.address


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_a_host_that_others_reach_needs_a_word_of_trust(tmp_path: Path, host: str) -> None:
    words = refused("--host", host, "--root", str(tmp_path / "root"))

    assert f"Others can reach {host}" in words
    assert "--trust-network" in words
    assert not (tmp_path / "root").exists()


def test_a_trusted_network_is_served_with_a_warning(tmp_path: Path) -> None:
    with running(tmp_path / "root", "--host", "0.0.0.0", "--trust-network") as server:
        assert urllib.request.urlopen(f"{server.address}/healthz", timeout=30).status == 200
        server.process.send_signal(signal.SIGINT)
        output = server.process.communicate(timeout=60)[0]

    assert "warning: everybody who can reach 0.0.0.0" in output


def test_a_root_that_is_a_file_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    words = refused("--root", str(tmp_path / "file" / "root"))

    assert "The folder for jobs cannot be used" in words
    assert str(tmp_path / "file" / "root") in words


def test_a_wrong_setting_names_where_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "digits.toml").write_text("cpu_slot = 3\n")

    words = refused("--root", str(tmp_path))

    assert "cpu_slot" in words
    assert str(tmp_path / "digits.toml") in words


@pytest.mark.parametrize(
    "how",
    [signal.SIGTERM, *(pytest.param(each, marks=pytest.mark.slow) for each in (signal.SIGINT, signal.SIGHUP))],
)
def test_a_server_that_is_asked_to_stop_ends_well_and_takes_its_runner_along(
    tmp_path: Path, how: signal.Signals
) -> None:
    import psutil

    with running(tmp_path / "root") as server:
        family = psutil.Process(server.process.pid).children(recursive=True)
        assert any("digits.runner" in " ".join(each.cmdline()) for each in family)

        assert server.stop(how) == 0

    assert [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE] == []
    assert not (tmp_path / "root" / FILE).exists()


def test_the_runner_of_a_killed_server_leaves_and_the_next_server_has_its_own(tmp_path: Path) -> None:
    def runner() -> int:
        """Return the process id of the runner at work; wait until there is one."""
        for _ in range(600):
            try:
                noted = json.loads((tmp_path / "root" / "runner.json").read_text())["pid"]
                if platform.process_start(noted):
                    return int(noted)
            except (OSError, ValueError):
                pass
            time.sleep(0.05)
        raise AssertionError("no runner came")

    with running(tmp_path / "root") as server:
        first = runner()
        server.stop(signal.SIGKILL)
        with running(tmp_path / "root"):
            for _ in range(600):
                if not platform.process_start(first):
                    break
                time.sleep(0.05)
            second = runner()

    assert first != second
    assert not platform.process_start(first)


def test_the_root_is_for_its_owner_alone(tmp_path: Path) -> None:
    with running(tmp_path / "root") as server:
        assert server.root.stat().st_mode & 0o777 == 0o700


def test_several_web_processes_share_one_port(tmp_path: Path) -> None:
    import psutil

    with running(tmp_path / "root", "--workers", "2", kind="server") as server:
        for _ in range(4):
            assert urllib.request.urlopen(f"{server.address}/healthz", timeout=30).status == 200
        python = [
            each for each in psutil.Process(server.process.pid).children() if "spawn_main" in " ".join(each.cmdline())
        ]
        assert len(python) == 2
        assert server.stop(signal.SIGTERM) == 0


def test_commands_find_the_server_that_runs_on_their_root_and_say_when_there_is_none(tmp_path: Path) -> None:
    with running(tmp_path / "root"):
        found = digits("dataset", "ls", root=tmp_path / "root")
    after = digits("dataset", "ls", root=tmp_path / "root", DIGITS_PORT="9")

    assert (found.returncode, found.stdout) == (0, "none\n")
    assert after.returncode == 2
    assert after.stderr.startswith("error: No server answers at http://127.0.0.1:9")
