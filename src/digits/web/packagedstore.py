"""A model store of what is installed: standard networks whose published weights a Python package holds (the extra ``[pretrained]``).

It is a folder in DIGITS' format like any other store, written anew from the cards where a package came, changed or went; weights stay where the
package has them, and the folder links to them.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import digits
from digits.core.extensions import FrameworkExtension, installed
from digits.core.files import write_json, write_text
from digits.data.modelstore.catalogue import AUX, INFO, MASTER
from digits.networks.standard import Card, standard_networks, standard_text

FOLDER = "packaged-models"
TITLE = "Installed with Python packages"


def write_store(cache: Path) -> Path | None:
    """Return the folder of the store below ``cache``; None where no such package is installed."""
    found = {name: path for name, card in _cards().items() if card.pretrained and (path := card.pretrained.path())}
    folder = cache / FOLDER
    if not found:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    for name, weights in found.items():
        _write_entry(folder / name, _cards()[name], weights)
    for gone in {each.name for each in folder.iterdir() if each.is_dir()} - found.keys():
        shutil.rmtree(folder / gone, ignore_errors=True)
    write_json(folder / MASTER, {"msg": "", "children": sorted(found)})
    return folder


def _cards() -> dict[str, Card]:
    """Return the cards of classifiers with published weights whose framework takes models in.

    Networks with other answers take a classifier's weights as a beginning: they answer nothing before they are trained.
    """
    known: dict[str, FrameworkExtension] = installed("frameworks")
    cards = standard_networks("classification", suffix=None)
    return {
        name: card for name, card in cards.items()
        if card.pretrained and (own := known.get(card.pretrained.framework)) is not None and own.take_in
    }  # fmt: skip


def _write_entry(folder: Path, card: Card, weights: Path) -> None:
    assert card.pretrained is not None
    framework: FrameworkExtension = installed("frameworks")[card.pretrained.framework]
    folder.mkdir(parents=True, exist_ok=True)
    _link(weights, folder / weights.name)
    write_text(folder / framework.definition, standard_text(card.name, framework.standard_suffix))
    info: dict[str, Any] = {
        "name": f"{card.title} on {card.pretrained.title.partition(',')[0]}",
        "framework": framework.name,
        "snapshot file": weights.name,
        "model file": framework.definition,
        "image dimensions": [card.height, card.width, card.channels],
        "image resize mode": "squash",
        "preprocessing": {"crop_size": card.crop_size, "use_mean": card.mean or "none", "target_kind": "class"},
        "username": card.pretrained.package.replace("_", "-"),
        "note": f"{card.title}: {card.pretrained.title}, in the published order and without their names. "
        f"{card.authors}, {card.year}.",
        "license": card.weights,
        "digits version": digits.__version__,
    }  # fmt: skip
    write_json(folder / INFO, info)
    write_json(folder / AUX, {"dataset": card.pretrained.title})


def _link(source: Path, place: Path) -> None:
    """Put a link to ``source`` at ``place``, or a copy where the system has no links for everybody."""
    if place.is_symlink() and place.readlink() == source:
        return
    other = place.with_name(f".{place.name}.{os.getpid()}")
    other.unlink(missing_ok=True)
    try:
        os.symlink(source, other)
    except OSError:
        shutil.copyfile(source, other)
    os.replace(other, place)
