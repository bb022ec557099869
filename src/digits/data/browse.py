"""Looks into a database page by page, from its index, and hands out single pictures as they are stored.

For the web process: no decoder is imported, and the database is never read through. A page of 100,000 pictures costs
what one of 1,000 does. A stored picture never changes, so its URL may be cached for ever.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError, NotFoundError
from digits.core.jobfolder import JobFolder
from digits.data.columns import PathList, read_column
from digits.data.records import Datum, RecordFile, key, read_datum

_DB = re.compile(r"[a-z]{1,20}")
_KEY = re.compile(r"\d{8,12}_\d{1,9}")
_MAX_SIZE = 1000


@dataclass(frozen=True)
class Item:
    """One record: its key, its class id, and the file that it was made of."""

    key: str
    label: int
    path: str


@dataclass(frozen=True)
class Page:
    """``items`` are those of page ``page`` of ``size`` each; ``total`` counts all that the filter lets through."""

    total: int
    page: int
    size: int
    items: tuple[Item, ...]


def page(
    folder: JobFolder, db: str, *, page: int = 0, size: int = 25, label: int | None = None, search: str = ""
) -> Page:
    """Return one page of database ``db`` in the order of its keys.

    Args:
        folder: the dataset's.
        db: "train", "val" or "test".
        page: from 0; one beyond the end is empty.
        size: pictures a page.
        label: this class alone.
        search: files whose path holds this text alone; case does not count in ASCII.

    Raises:
        NotFoundError: there is no such database.
    """
    labels, paths = _index(folder, db)
    page, size = max(page, 0), min(max(size, 1), _MAX_SIZE)
    chosen: NDArray[np.int64] | None = None
    if label is not None:
        chosen = np.flatnonzero(labels == label)
    if search:
        found = paths.search(search.encode("utf-8", "surrogateescape"))
        chosen = found if chosen is None else np.intersect1d(chosen, found, assume_unique=True)
    total = len(labels) if chosen is None else len(chosen)
    rows = range(min(page * size, total), min((page + 1) * size, total))
    indices = rows if chosen is None else chosen[rows.start : rows.stop].tolist()
    return Page(total, page, size, tuple(_item(labels, paths, index) for index in indices))


def item(folder: JobFolder, db: str, key: str) -> Item:
    """Return the record under ``key``.

    Raises:
        NotFoundError: there is no such database or record.
    """
    labels, paths = _index(folder, db)
    index = int(key.partition("_")[0]) if _KEY.fullmatch(key) else len(labels)
    if index >= len(labels) or _item(labels, paths, index).key != key:
        raise NotFoundError(f"The database has no record {key!r}.")
    return _item(labels, paths, index)


def picture(folder: JobFolder, db: str, key: str) -> tuple[bytes, str]:
    """Return the stored picture under ``key`` and its media type: as it is where it is encoded, else as a PNG.

    Raises:
        NotFoundError: there is no such database or record.
        DataError: the record is broken.
    """
    database = _db_folder(folder, db)
    if not _KEY.fullmatch(key):
        raise NotFoundError(f"The database has no record {key!r}.")
    with RecordFile(database) as records:
        record = records.get(key.encode())
    if record is None:
        raise NotFoundError(f"The database has no record {key!r}.")
    datum = read_datum(record)
    if not datum.encoded:
        return _raw_to_png(datum), "image/png"
    return bytes(datum.data), "image/jpeg" if datum.data[:2] == b"\xff\xd8" else "image/png"


def _index(folder: JobFolder, db: str) -> tuple[NDArray[np.int32], PathList]:
    _db_folder(folder, db)
    index = folder.path / "index" / db
    try:
        return read_column(index / "labels.npy"), PathList(index)
    except (OSError, ValueError) as error:
        raise NotFoundError(f"The database {db!r} has no index.", where=str(index)) from error


def _db_folder(folder: JobFolder, db: str) -> Path:
    database = folder.path / f"{db}_db"
    if not _DB.fullmatch(db) or not (database / "data.mdb").is_file():
        raise NotFoundError(f"The dataset has no database {db!r}.")
    return database


def _item(labels: NDArray[np.int32], paths: PathList, index: int) -> Item:
    label = int(labels[index])
    return Item(key(index, label).decode(), label, paths[index].decode("utf-8", "replace"))


def _raw_to_png(datum: Datum) -> bytes:
    """Return raw pixels (CHW, BGR) as a PNG, by the standard library alone."""
    plane, channels = datum.height * datum.width, datum.channels
    if channels not in (1, 3) or len(datum.data) != plane * channels:
        raise DataError("The record's data has not the size that it tells.", rule="RECORD_BROKEN")
    pixels = bytearray(plane * channels)
    for channel in range(channels):
        pixels[channels - 1 - channel :: channels] = datum.data[channel * plane : (channel + 1) * plane]
    stride = datum.width * channels
    rows = b"".join(b"\0" + pixels[at : at + stride] for at in range(0, len(pixels), stride))
    header = struct.pack(">IIBBBBB", datum.width, datum.height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
