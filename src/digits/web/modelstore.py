"""The model stores of a server: what they offer, kept for a day; and an entry brought in as a pretrained model.

The first store is the one that the package ships; others are named by the setting ``model_store_url``.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import digits
from digits.core.errors import NotFoundError
from digits.core.files import read_json, write_json
from digits.core.modelinfo import described
from digits.core.settings import Settings
from digits.data.modelstore.catalogue import Catalogue, Entry, read_store
from digits.store import Job, Store
from digits.web import packagedstore, pretrained

SHIPPED = Path(digits.__file__).parent / "modelstore"
KEPT_S = 24 * 3600.0
_FAILED_S = 60.0
"""A store that did not answer is asked again after so long."""


def bases(settings: Settings) -> list[str]:
    """Return the stores: the shipped one, that of installed packages, then those of the setting."""
    packaged = packagedstore.write_store(settings.cache)
    return [
        str(SHIPPED),
        *([str(packaged)] if packaged else []),
        *(part.strip() for part in settings.model_store_url.split(",") if part.strip()),
    ]


def catalogues(settings: Settings, *, refresh: bool = False) -> list[Catalogue]:
    """Return what every store offers: as it was found within the last day, or now with ``refresh``."""
    place = settings.cache / "modelstore.json"
    try:
        known: dict[str, Any] = {} if refresh else read_json(place)
    except (OSError, ValueError):
        known = {}
    found: list[Catalogue] = []
    kept: dict[str, Any] = {}
    for base in bases(settings):
        before = known.get(base)
        is_fresh = not _is_ours(base) and before and time.time() < before["until"]
        catalogue = _from_json(before["catalogue"]) if before and is_fresh else read_store(base)
        found.append(catalogue)
        until = before["until"] if before and is_fresh else time.time() + (_FAILED_S if catalogue.problem else KEPT_S)
        kept[base] = {"until": until, "catalogue": asdict(catalogue)}
    place.parent.mkdir(parents=True, exist_ok=True)
    write_json(place, kept)
    return found


def _from_json(value: dict[str, Any]) -> Catalogue:
    return Catalogue(**{**value, "model_list": tuple(Entry(**each) for each in value["model_list"])})


def title_of(base: str) -> str:
    """Return what people call a store."""
    if not _is_ours(base):
        return base
    return "Shipped with OpenDIGITS" if base == str(SHIPPED) else packagedstore.TITLE


def _is_ours(base: str) -> bool:
    """Whether a store is the shipped one or that of packages: those are read each time."""
    return base == str(SHIPPED) or Path(base).name == packagedstore.FOLDER


def bring_in(store: Store, entry_id: str, username: str) -> Job:
    """Queue the making of a pretrained model of a store's entry; its files are fetched by the worker.

    Raises:
        NotFoundError: no store has such an entry.
        InfoError: its ``info.json`` cannot be used.
    """
    for catalogue in catalogues(store.settings):
        for entry in catalogue.model_list:
            if entry.id == entry_id:
                return _submit(store, catalogue, entry, username)
    raise NotFoundError("Unable to find requested model", hint="Update the list of models.")


def _submit(store: Store, catalogue: Catalogue, entry: Entry, username: str) -> Job:
    model = described(entry.info)
    spec = pretrained.spec_of(
        model.fields, {}, origin=f"Model store: {title_of(catalogue.base_url)}", store_entry=entry.place,
        store_files=dict(model.files),
    )  # fmt: skip
    with pretrained.new_folder(store) as folder:
        return pretrained.submit(store, spec, username, folder)
