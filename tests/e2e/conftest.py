"""A real browser, and pages that notice what a person would not: console messages, failed requests, requests to other hosts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402 - only where it is installed

CHROMIUM = os.environ.get("DIGITS_BROWSER") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here: it needs a browser, and is skipped with words where there is none."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if not CHROMIUM:
                item.add_marker(
                    pytest.mark.skip(reason="no Chromium here (apt-get install chromium, or set DIGITS_BROWSER)")
                )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Run one browser for all tests."""
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the server as a person does; return its address. A test leaves no job behind."""
    home = tmp_path_factory.mktemp("home")
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "digits.cli.main", "serve", "--port", "0", "--root", str(home / ".digits")],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"DIGITS_MIN_FREE_DISK_BYTES": "0", "HOME": str(home)},
        )
    try:
        yield _address(log, process)
    finally:
        process.terminate()
        process.wait(20)


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        if found:
            with urllib.request.urlopen(found.group() + "/healthz", timeout=30) as answer:
                assert answer.status == 200
            return found.group()
        time.sleep(0.05)
    raise AssertionError(f"The server did not start:\n{log.read_text()}")


OWN_REMARK = "Autofocus processing was blocked because a document already has a focused element"
"""Chromium's own, where a test was quicker than the page and had clicked into it already."""


@dataclass
class Watched:
    """A page, and all that went wrong behind it."""

    page: Page
    host: str
    expected: tuple[str, ...] = ()
    """Parts of messages that belong to the test: a refused form, as the browser tells of it."""
    troubles: list[str] = field(default_factory=list)

    def note(self, trouble: str) -> None:
        """Keep what went wrong, unless it was expected."""
        if not any(part in trouble for part in (*self.expected, OWN_REMARK)):
            self.troubles.append(trouble)

    def check(self) -> None:
        """Fail if the console said anything, a script threw, a request failed or went elsewhere."""
        assert not self.troubles, "\n".join(self.troubles)


@contextmanager
def watched(
    browser: Browser,
    address: str,
    *,
    user: str = "",
    width: int = 1440,
    dark: bool = False,
    expected: tuple[str, ...] = (),
) -> Iterator[Watched]:
    """Open a page on the server at ``address``; what went wrong behind it fails the test at the end."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", base_url=address
    )
    if user:
        context.add_cookies([{"name": "username", "value": user, "url": address}])
    page = context.new_page()
    page.set_default_timeout(20_000)
    watch = Watched(page, urlsplit(address).netloc, expected)
    page.on("console", lambda said: watch.note(f"console: {said.type}: {said.text} ({said.location})"))
    page.on("pageerror", lambda error: watch.note(f"script: {error}"))
    page.on("request", lambda asked: _check_host(watch, asked.url))
    try:
        yield watch
    except BaseException as error:
        error.add_note("\n".join(["Behind the page:", *watch.troubles]))
        raise
    finally:
        context.close()
    watch.check()


def _check_host(watch: Watched, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != watch.host:
        watch.note(f"asked another host: {url}")
