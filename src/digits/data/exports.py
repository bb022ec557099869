"""A finished dataset as files that other programs read: folders of classes, WebDataset tar files, plain LMDB; boxes as ``boxexports`` has them.

Records go out as they are stored: a PNG or JPEG file is copied, raw values become PNG. The files lie below ``train/``, ``val/`` and
``test/``; LMDB keeps the names of a job folder (``train_db``, ``labels.txt``, ``mean.binaryproto``).
"""

from __future__ import annotations

import io
import json
import re
import shutil
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from digits.core.errors import DataError
from digits.core.files import write_json
from digits.data import boxexports
from digits.data.reader import Answer
from digits.data.records import Datum, RecordWriter, write_datum
from digits.data.stored import StoredDb, StoredPicture

SHARD_RECORDS = 1_000
SHARED_FILES = ("labels.txt", "mean.binaryproto", "mean.jpg", "train.txt", "val.txt", "test.txt")
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f%]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)|\.+$|^\s*$|.*[. ]$")
_MTIME = 0  # two exports of one dataset are the same bytes


class Sink(Protocol):
    """Takes the records of one database after one another."""

    def add(self, row: int, key: str, answer: Answer, picture: StoredPicture) -> None:
        """Write one record."""

    def close(self) -> None:
        """Write what is left."""


def folder_name(label: str) -> str:
    """Return a class's name as a folder's on any system; what no folder may be called is %-escaped."""
    name = _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", label)
    return (
        "".join(f"%{ord(each):02X}" if each in ". " else each for each in name) or "%"
        if _RESERVED.match(name)
        else name
    )


class ImageFolders:
    """``<db>/<class>/<key>.png``."""

    def __init__(self, folder: Path, stored: StoredDb) -> None:
        if stored.kind != "class":
            raise DataError(
                "Folders say one class a picture, and this dataset has other answers.", hint="Take webdataset."
            )
        self._folders = [folder / stored.db / folder_name(label) for label in stored.labels]
        for each in self._folders:
            each.mkdir(parents=True, exist_ok=True)

    def add(self, row: int, key: str, answer: Answer, picture: StoredPicture) -> None:
        """Write one file."""
        del row
        assert isinstance(answer, int)
        (self._folders[answer] / f"{key}.{picture.suffix}").write_bytes(picture.file())

    def close(self) -> None:
        """Do nothing: every file is whole."""


class WebDataset:
    """``<db>/<db>-000000.tar`` of ``<key>.png``, ``<key>.cls`` (the class id) and ``<key>.json`` (label or numbers, path)."""

    def __init__(self, folder: Path, stored: StoredDb) -> None:
        self._folder, self._stored = folder / stored.db, stored
        self._folder.mkdir(parents=True)
        self._tar: tarfile.TarFile | None = None
        self._count = 0

    def add(self, row: int, key: str, answer: Answer, picture: StoredPicture) -> None:
        """Write one sample."""
        if self._count % SHARD_RECORDS == 0:
            self.close()
            name = f"{self._stored.db}-{self._count // SHARD_RECORDS:06d}.tar"
            self._tar = tarfile.open(self._folder / name, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed with its shard
        self._count += 1
        facts: dict[str, Any] = {"path": self._stored.index.paths[row].decode("utf-8", "replace")}
        if self._stored.kind == "vector":
            facts["values"] = answer
        else:
            ids = (answer,) if isinstance(answer, int) else answer
            facts["label"] = ", ".join(self._stored.labels[int(each)] for each in ids)
        self._member(f"{key}.{picture.suffix}", picture.file())
        if isinstance(answer, int):
            self._member(f"{key}.cls", b"%d" % answer)
        self._member(f"{key}.json", json.dumps(facts, ensure_ascii=False).encode())

    def _member(self, name: str, data: bytes) -> None:
        assert self._tar is not None
        info = tarfile.TarInfo(name)
        info.size, info.mtime = len(data), _MTIME
        self._tar.addfile(info, io.BytesIO(data))

    def close(self) -> None:
        """End the shard."""
        if self._tar is not None:
            self._tar.close()
            self._tar = None


class Lmdb:
    """``<db>_db``: the records as they are, under their keys; of an HDF5 dataset raw values."""

    def __init__(self, folder: Path, stored: StoredDb) -> None:
        if stored.kind != "class":
            raise DataError(
                "An LMDB says one class a picture, and this dataset has other answers.", hint="Take webdataset."
            )
        self._writer = RecordWriter(folder / f"{stored.db}_db")

    def add(self, row: int, key: str, answer: Answer, picture: StoredPicture) -> None:
        """Write one record."""
        del row
        assert isinstance(answer, int)
        height, width, channels = picture.image_HWC.shape
        ordered = picture.image_HWC[:, :, ::-1] if channels == 3 else picture.image_HWC
        data = np.ascontiguousarray(ordered.transpose(2, 0, 1)).tobytes() if picture.data is None else picture.data
        self._writer.put(
            key.encode(), write_datum(Datum(channels, height, width, data, answer, picture.data is not None))
        )

    def close(self) -> None:
        """Force all to the disk."""
        self._writer.close()


SINKS: Mapping[str, Callable[[Path, StoredDb], Sink]] = {
    "imagefolder": ImageFolders,
    "webdataset": WebDataset,
    "lmdb": Lmdb,
    **boxexports.SINKS,
}


def export_records(source: Path, facts: Mapping[str, Any], folder: Path, name: str, tell: Callable[[int], None]) -> int:
    """Write the dataset in the job folder ``source`` into ``folder`` in the format ``name``; return the number of records.

    Args:
        source: the dataset's job folder.
        facts: its ``dataset.json``.
        folder: an empty folder.
        name: of ``SINKS``.
        tell: told how many are done; may raise to stop.

    Raises:
        DataError: a record is broken, or the format cannot say its answer.
    """
    done = 0
    for db in facts["dbs"]:
        with StoredDb(source, db, facts) as stored:
            sink = SINKS[name](folder, stored)
            for row in range(len(stored)):
                sink.add(row, stored.index.key(row).decode(), stored.index.answer(row), stored.read(row))
                done += 1
                tell(done)
            sink.close()
    for shared in SHARED_FILES if name == "lmdb" else SHARED_FILES[:1]:
        if (source / shared).is_file():
            shutil.copyfile(source / shared, folder / shared)
    write_json(folder / "dataset.json", {key: value for key, value in facts.items() if key != "parsed"})
    return done
