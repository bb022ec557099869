"""What a model store offers: read from a folder or a web server, in DIGITS' format.

<store>/master.json      {"msg": words of welcome, "children": [folders]}; without it the server's listing of folders is taken
<store>/<entry>/info.json   as in a downloaded model      aux.json   {"dataset", "license": file, "logo": file}, may be missing

A store is somebody else's: names, texts and sizes are checked, and nothing outside it is read for it.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from digits.core.errors import DataError, DigitsError
from digits.core.modelinfo import MAX_BYTES, InfoError, described, parse
from digits.data.addresses import is_address
from digits.data.fetch import Fetcher, UrlRules
from digits.data.remote.webindex import links_of, listing

MASTER, INFO, AUX = "master.json", "info.json", "aux.json"
MAX_ENTRIES = 1_000
_HERE = "http://store/"
"""Any address: a listing's links are taken to begin here."""
MAX_LOGO_BYTES = 200_000
_IDS = uuid.UUID("6f1b3c1e-2f5d-4a52-9d0b-7f7d5c3d3e11")
Read = Callable[[str], bytes]
"""Reads a small file by its path below the store."""


@dataclass(frozen=True)
class Entry:
    """A model that a store offers."""

    dir_name: str
    id: str
    """The same for the same place each time."""
    place: str
    """Its folder, or its address with a slash at the end."""
    info: dict[str, Any]
    aux: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    """Why it cannot be brought in."""


@dataclass(frozen=True)
class Catalogue:
    """A store as it was found."""

    base_url: str
    welcome_msg: str = ""
    model_list: tuple[Entry, ...] = ()
    problem: str = ""


def read_store(base: str) -> Catalogue:
    """Return what the store at ``base`` offers, a folder or an address; one that cannot be read says why in ``problem``."""
    try:
        with opened(base) as read:
            message, names = _children(read)
            entries = tuple(entry for name in names if (entry := _entry(base, name, read)) is not None)
            return Catalogue(base, message, entries)
    except DigitsError as error:
        return Catalogue(base, problem=str(error))


@contextmanager
def opened(base: str) -> Iterator[Read]:
    """Give what reads small files of the store at ``base``.

    Raises:
        DataError: from the block, where a file is missing, too large or outside the store.
    """
    if not is_address(base):
        yield lambda name: read_below(Path(base).expanduser(), name)
        return
    root = base.rstrip("/") + "/"
    with Fetcher(UrlRules.for_origin(root), max_bytes=MAX_BYTES) as fetcher:
        yield lambda name: fetcher.get(root + quote(name), tries=1)


def read_below(root: Path, name: str, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the bytes of a file below ``root``, once every link is followed; without a name its listing as HTML.

    Raises:
        DataError: there is none, it lies outside, or it is too large.
    """
    try:
        place = root.resolve(strict=True)
        path = (place / name).resolve(strict=True)
        if not path.is_relative_to(place):
            raise DataError("A store's files lie inside it.", where=name)
        if not name:
            return "".join(
                f'<a href="{quote(each.name)}/">' for each in sorted(path.iterdir()) if each.is_dir()
            ).encode()
        if not path.is_file() or path.stat().st_size > max_bytes:
            raise DataError("This is no small file.", where=name)
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"It cannot be read: {error.strerror or error}.", where=str(root / name)) from error


def _children(read: Read) -> tuple[str, list[str]]:
    """Return the words of welcome and the entries' folders."""
    try:
        master = parse(read(MASTER))
    except DataError as error:
        try:
            return "", _plain(list(listing(_HERE, links_of(read(""))).folders))
        except DataError:
            raise error from None
    children = master.get("children")
    names = [name for name in children if isinstance(name, str)] if isinstance(children, list) else []
    message = master.get("msg")
    return (message if isinstance(message, str) else ""), _plain(names)


def _plain(names: list[str]) -> list[str]:
    """Return the names that are of one folder, without a slash; at most 1,000."""
    stripped = dict.fromkeys(name.strip("/") for name in names)
    return [name for name in stripped if name and name not in (".", "..") and not set(name) & set("/\\\0")][
        :MAX_ENTRIES
    ]


def _entry(base: str, name: str, read: Read) -> Entry | None:
    """Return an entry; None for a folder that is none."""
    try:
        info = parse(read(f"{name}/{INFO}"))
    except DataError:
        return None
    except InfoError as error:
        info = {"name": name}
        return Entry(name, _id(base, name), place_of(base, name), info, problem=str(error))
    try:
        aux = parse(read(f"{name}/{AUX}"))
    except DigitsError:
        aux = {}
    aux = {key: value for key, value in aux.items() if key != "logo_data"} | _logo(name, aux, read)
    try:
        described(info)
        problem = ""
    except InfoError as error:
        problem = str(error)
    return Entry(name, _id(base, name), place_of(base, name), info, aux, problem)


def _logo(name: str, aux: dict[str, Any], read: Read) -> dict[str, str]:
    """Return an affiliate's picture as a data address: a small PNG or JPEG by its first bytes, else nothing."""
    logo = aux.get("logo")
    if not isinstance(logo, str) or not _plain([logo]):
        return {}
    try:
        data = read(f"{name}/{logo}")
    except DataError:
        return {}
    kind = "png" if data.startswith(b"\x89PNG\r\n") else "jpeg" if data.startswith(b"\xff\xd8\xff") else ""
    if not kind or len(data) > MAX_LOGO_BYTES:
        return {}
    return {"logo_data": f"data:image/{kind};base64,{base64.b64encode(data).decode()}"}


def place_of(base: str, name: str) -> str:
    """Return the folder or the address of an entry."""
    return f"{base.rstrip('/')}/{quote(name)}/" if is_address(base) else str(Path(base).expanduser() / name)


def _id(base: str, name: str) -> str:
    return str(uuid.uuid5(_IDS, f"{base.rstrip('/')}/{name}"))
