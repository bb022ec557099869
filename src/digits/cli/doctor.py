"""``digits doctor``: what this machine has and lacks, each line with what to do about it. Nothing is changed."""

from __future__ import annotations

import os
import platform as machine
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import click
import psutil

import digits
from digits.cli.connect import root_option, running_server
from digits.cli.output import json_option, print_json, table
from digits.core.settings import Settings, load_settings

State = Literal["ok", "note", "bad"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox")
LIBRARIES = ("torch", "numpy", "lmdb", "opencv-python-headless", "protobuf", "fastapi")


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    what: str
    state: State
    found: str
    advice: str = ""


@click.command()
@root_option
@click.option("-p", "--port", type=click.IntRange(1, 65535), help="The port to look at (the setting's).")
@json_option
def doctor(root: Path | None, port: int | None, as_json: bool) -> None:
    """Say what this machine has, and what it lacks; exit status 1 if something is missing that no work can do without."""
    settings = load_settings(root=root, port=port)
    found = list(findings(settings))
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        table(["", "What", "Found", "Advice"], [[each.state, each.what, each.found, each.advice] for each in found])
    if any(each.state == "bad" for each in found):
        raise SystemExit(1)


def findings(settings: Settings) -> Iterator[Finding]:
    """Look at everything, one after the other; a check that fails is a finding too."""
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _versions, _processor, _gpus, _root, _disk, _server, _web, _extensions, _browser,
    )  # fmt: skip
    for check in checks:
        try:
            yield from check(settings)
        except Exception as error:  # whatever is broken here is what the report is for
            yield Finding(check.__name__.strip("_"), "bad", f"{type(error).__name__}: {error}", "Set up anew.")


def _versions(_: Settings) -> Iterator[Finding]:
    yield Finding("OpenDIGITS", "ok", digits.__version__)
    yield Finding("Python", "ok", f"{machine.python_version()} ({sys.executable})")
    for name in LIBRARIES:
        try:
            yield Finding(name, "ok", version(name))
        except PackageNotFoundError:
            yield Finding(name, "bad", "not installed", "pip install it, or set up anew.")


def _processor(settings: Settings) -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    yield Finding(
        "processor", "ok",
        f"{os.cpu_count()} cores, {memory.total / 1e9:.0f} GB of memory ({memory.available / 1e9:.0f} free); "
        f"{settings.num_cpu_slots} jobs at a time with {settings.num_threads} threads",
    )  # fmt: skip


def _gpus(_: Settings) -> Iterator[Finding]:
    if sys.platform == "darwin" and machine.machine() == "arm64":
        yield Finding("GPU", "ok", "Apple MPS")
        return
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield Finding("GPU", "note", "none: networks run on the processor", "Small networks do well without one.")
        return
    try:
        driver = pynvml.nvmlSystemGetDriverVersion()
        for index in range(pynvml.nvmlDeviceGetCount()):
            device = pynvml.nvmlDeviceGetHandleByIndex(index)
            memory = pynvml.nvmlDeviceGetMemoryInfo(device)
            words = f"{pynvml.nvmlDeviceGetName(device)}, {memory.free / 1e9:.0f} of {memory.total / 1e9:.0f} GB free"
            yield Finding(f"GPU {index}", "ok", f"{words}, driver {driver}")
    finally:
        pynvml.nvmlShutdown()
    if "+cpu" in version("torch"):
        advice = "Set up anew without --cpu."
        yield Finding("torch", "note", "this build cannot use the GPU", advice)


def _root(settings: Settings) -> Iterator[Finding]:
    root = settings.root
    existing = next(each for each in (root, *root.parents) if each.exists())
    writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    state: State = "ok" if writable else "bad"
    found = f"{root}{'' if root.exists() else ' (made at the first start)'}"
    yield Finding("root", state, found, "" if writable else f"{existing} may not be written to: --root names another.")
    if root.exists() and os.name != "nt" and root.stat().st_mode & 0o077:
        yield Finding("rights", "note", "others on this machine can look into the root", f"chmod 700 {root}")


def _disk(settings: Settings) -> Iterator[Finding]:
    existing = next(each for each in (settings.root, *settings.root.parents) if each.exists())
    usage = shutil.disk_usage(existing)
    low = usage.free < settings.min_free_disk_bytes
    advice = f"No job starts below {settings.min_free_disk_bytes / 1e9:.0f} GB (min_free_disk_bytes)." if low else ""
    yield Finding("disk", "bad" if low else "ok", f"{usage.free / 1e9:.0f} of {usage.total / 1e9:.0f} GB free", advice)


def _server(settings: Settings) -> Iterator[Finding]:
    if address := running_server(settings):
        yield Finding("server", "ok", f"runs on this root: {address}")
        return
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            yield Finding("port", "note", f"{settings.port}: {error.strerror}", "-p takes another, -p 0 a free one.")
        else:
            yield Finding("port", "ok", f"{settings.port} is free")


def _web(_: Settings) -> Iterator[Finding]:
    from importlib.resources import files

    vendor = files("digits.web") / "static" / "vendor"
    missing = [name for name in ("htmx", "uplot", "pico", "swagger", "ace") if not (vendor / name).is_dir()]
    if missing:
        yield Finding("web assets", "bad", f"missing: {', '.join(missing)}", "Set up anew: pip install . brings them.")
    else:
        yield Finding("web assets", "ok", "htmx, uPlot, pico.css, Swagger UI and Ace")


def _extensions(_: Settings) -> Iterator[Finding]:
    from digits.core.extensions import KINDS, broken, installed

    for group in KINDS:
        names = list(installed(group))
        yield Finding(group, "ok" if names else "bad", ", ".join(names) or "none", "" if names else "Set up anew.")
    for each in broken():
        what = f"{each.name} of {each.group}, {each.distribution}"
        yield Finding("extension", "note", f"{what}: {each.problem}", f"Mend or uninstall {each.distribution}.")


def _browser(_: Settings) -> Iterator[Finding]:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), "")
    if found:
        yield Finding("browser", "ok", found)
    else:
        yield Finding("browser", "note", "none found here", "Only the browser tests and screenshots need one.")
