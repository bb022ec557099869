"""An entry of a model store, made of a model of the server."""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from digits.client import Client
from digits.core.errors import DigitsError
from digits.core.files import read_json, write_json

_LEFT_OUT = ("model.onnx", "example.py", "solver.prototxt")
"""Of a downloaded model, what an entry of a store does not need."""


def add_entry(
    client: Client, job_id: str, folder: Path, *, name: str | None, note: str, dataset: str, licence: str, epoch: float | str | None = None,
    safetensors: bool = False, logo: Path | None = None, more: dict[str, Any] | None = None,
) -> Path:  # fmt: skip
    """Write a model of the server into the store ``folder`` as one entry, which is whole or not there, and return its folder.

    Raises:
        RefusedError: the model has no such snapshot.
        DigitsError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".entry-") as made:
            work = Path(made)
            client.download(f"/models/{job_id}/download.tar", work / "model.tar", epoch=epoch)
            _unpack(work / "model.tar", work)
            (work / "model.tar").unlink()
            info: dict[str, Any] = read_json(work / "info.json")
            if safetensors:
                _as_safetensors(client, job_id, work, info, epoch)
            info |= {"name": name or info["name"], "note": note, "license": licence} | (more or {})
            aux = {"dataset": dataset, "license": licence}
            if logo is not None:
                aux["logo"] = f"logo{logo.suffix.lower()}"
                shutil.copyfile(logo, work / aux["logo"])
            write_json(work / "info.json", info)
            write_json(work / "aux.json", aux)
            place = folder / _slug(str(info["name"]))
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(work, place)
        _name_in_master(folder, place.name)
        for each in (folder, place, *place.iterdir()):
            each.chmod(0o755 if each.is_dir() else 0o644)  # for a web server to read
        return place
    except OSError as error:
        raise DigitsError(f"The store cannot be written: {error.strerror or error}.", where=str(folder)) from error


def _unpack(archive: Path, folder: Path) -> None:
    """Write the files of our own server's flat archive, by their plain names alone."""
    with tarfile.open(archive, "r:") as tar:
        for member in tar:
            source = tar.extractfile(member)
            if source is not None and Path(member.name).name == member.name and member.name not in _LEFT_OUT:
                with (folder / member.name).open("xb") as out:
                    shutil.copyfileobj(source, out)


def _as_safetensors(client: Client, job_id: str, work: Path, info: dict[str, Any], epoch: float | str | None) -> None:
    before = str(info["snapshot file"])
    after = f"{before.partition('.')[0]}.safetensors"
    client.model.export(job_id, "safetensors", work / f"new-{after}", epoch=epoch)
    (work / before).unlink()
    (work / f"new-{after}").rename(work / after)
    info["snapshot file"] = after


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80] or "model"


def _name_in_master(folder: Path, entry: str) -> None:
    master = folder / "master.json"
    try:
        found: dict[str, Any] = read_json(master)
    except FileNotFoundError:
        found = {"msg": "", "children": []}
    write_json(master, found | {"children": sorted({*found.get("children", []), entry})})
