"""Record files as Caffe and DIGITS read them: an LMDB of ``Datum`` messages under ordered keys.

A ``Datum`` has seven fields and is written and read by the million, so its few bytes of protobuf are made here by hand
(a test holds them against protobuf itself). No numpy here: the web process reads single records.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lmdb

from digits.core.errors import DataError, SetupError
from digits.core.files import sync_folder

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
FEATURES, LABELS = "features", "labels"
FIRST_MAP_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Datum:
    """One record: raw ``data`` is CHW uint8 (BGR when 3 channels); ``encoded`` data is a PNG or JPEG file (RGB inside)."""

    channels: int
    height: int
    width: int
    data: bytes | memoryview
    label: int
    encoded: bool


def key(index: int, label: int) -> bytes:
    """Return the key of record ``index``, DIGITS' ``%08d_%d``."""
    return b"%08d_%d" % (index, label)


def plain_key(index: int) -> bytes:
    """Return the key of record ``index`` where answers are no single class, ``%09d`` as in DIGITS' generic datasets."""
    return b"%09d" % index


def numbered(key: bytes, more: int) -> bytes:
    """Return ``key``, of either kind, with a number that is greater by ``more``."""
    number, mark, label = key.partition(b"_")
    return b"%0*d%b%b" % (8 if mark else 9, int(number) + more, mark, label)


def pictures_folder(folder: Path, kind: str) -> Path:
    """Return where the pictures of the database ``folder`` lie: itself, or a part of it, beside one of labels that are no single class."""
    return folder if kind == "class" else folder / FEATURES


def write_datum(datum: Datum) -> bytes:
    """Return ``datum`` as protobuf; negative labels are not for this kind of record."""
    return b"".join(
        (
            b"\x08", _varint(datum.channels), b"\x10", _varint(datum.height), b"\x18", _varint(datum.width),
            b"\x22", _varint(len(datum.data)), datum.data, b"\x28", _varint(datum.label),
            b"\x38\x01" if datum.encoded else b"",
        )
    )  # fmt: skip


def _varint(value: int) -> bytes:
    if value < 0x80:
        return value.to_bytes(1, "little")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_datum(record: bytes | memoryview) -> Datum:
    """Return the record; its ``data`` is a part of ``record``, not a copy, where that is a memoryview.

    Raises:
        DataError: it is no Datum.
    """
    numbers = {1: 0, 2: 0, 3: 0, 5: 0, 7: 0}
    data: bytes | memoryview = b""
    position, end = 0, len(record)
    try:
        while position < end:
            tag, position = _read_varint(record, position)
            field, wire = tag >> 3, tag & 7
            if wire == _VARINT:
                value, position = _read_varint(record, position)
                numbers[field] = value
            elif wire == _BYTES:
                length, position = _read_varint(record, position)
                if field == 4:
                    data = record[position : position + length]
                position += length
            elif wire in (_FIXED32, _FIXED64):
                position += 4 if wire == _FIXED32 else 8
            else:
                raise IndexError
    except IndexError:
        raise DataError("The record is no Datum.", rule="RECORD_BROKEN") from None
    if position != end:
        raise DataError("The record ends early.", rule="RECORD_BROKEN")
    label = numbers[5] - (1 << 64) if numbers[5] >> 63 else numbers[5]
    return Datum(numbers[1], numbers[2], numbers[3], data, label, bool(numbers[7]))


def _read_varint(record: bytes | memoryview, position: int) -> tuple[int, int]:
    value = record[position]
    position += 1
    if value < 0x80:
        return value, position
    value &= 0x7F
    for shift in range(7, 64, 7):
        byte = record[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise IndexError


class RecordWriter:
    """Writes an LMDB in ascending order of keys; nothing is forced to the disk before :meth:`close`.

    Args:
        folder: becomes the LMDB (``data.mdb`` in it); must not exist.
        batch: records a transaction.
        map_bytes: room at first; doubled whenever it is full.
    """

    def __init__(self, folder: Path, *, batch: int = 100, map_bytes: int = FIRST_MAP_BYTES) -> None:
        folder.mkdir()
        self._folder = folder
        self._map_bytes = map_bytes
        self._batch = batch
        self._pending: list[tuple[bytes, bytes]] = []
        self._env = lmdb.open(str(folder), map_size=map_bytes, sync=False, metasync=False, lock=False)

    def put(self, key: bytes, record: bytes) -> None:
        """Add a record; its key must be greater than all before.

        Raises:
            SetupError: the disk is full or broken.
        """
        self._pending.append((key, record))
        if len(self._pending) >= self._batch:
            self._flush()

    def _flush(self) -> None:
        while True:
            try:
                with self._env.begin(write=True) as transaction:
                    for each in self._pending:
                        transaction.put(*each, append=True)
                break
            except lmdb.MapFullError:
                self._map_bytes *= 2
                self._env.set_mapsize(self._map_bytes)
            except lmdb.Error as error:
                raise _disk_error(self._folder, error) from error
        self._pending.clear()

    def close(self) -> None:
        """Write what is left, and force everything to the disk.

        Raises:
            SetupError: the disk is full or broken.
        """
        self._flush()
        try:
            self._env.sync(True)
        except lmdb.Error as error:
            raise _disk_error(self._folder, error) from error
        self._env.close()
        sync_folder(self._folder)

    def abort(self) -> None:
        """Close the files without caring what is in them."""
        self._env.close()


def _disk_error(folder: Path, error: lmdb.Error) -> SetupError:
    text = f"The database cannot be written: {error}."
    return SetupError(text, where=str(folder), hint="Is the disk full?")


_lock = threading.Lock()
_open: dict[str, tuple[lmdb.Environment, int]] = {}


class RecordFile:
    """An LMDB open for reading, by any number of threads; needs no right to write beside it.

    LMDB forbids to open a file twice in one process, so those who read the same one share it.

    Raises:
        DataError: there is no LMDB in ``folder``.
    """

    def __init__(self, folder: Path) -> None:
        self._name = str(folder.resolve())
        with _lock:
            env, users = _open.get(self._name) or (_open_env(self._name), 0)
            _open[self._name] = (env, users + 1)
        self._env: lmdb.Environment | None = env

    def close(self) -> None:
        """Let go of the file; the last one to do so closes it."""
        if self._env is None:
            return
        self._env = None
        with _lock:
            env, users = _open.pop(self._name)
            if users > 1:
                _open[self._name] = (env, users - 1)
            else:
                env.close()

    def __enter__(self) -> RecordFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        assert self._env is not None
        return int(self._env.stat()["entries"])

    def get(self, key: bytes) -> bytes | None:
        """Return the record under ``key``, or None."""
        assert self._env is not None
        with self._env.begin() as transaction:
            record: bytes | None = transaction.get(key)
            return record

    def keys(self) -> Iterator[bytes]:
        """Yield all keys in order."""
        assert self._env is not None
        with self._env.begin() as transaction:
            yield from transaction.cursor().iternext(keys=True, values=False)

    def items(self, *, after: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, record) in the order of the keys, from the first one that is greater than ``after``."""
        assert self._env is not None
        with self._env.begin() as transaction:
            cursor = transaction.cursor()
            if cursor.set_range(after + b"\0") if after else cursor.first():
                yield from cursor.iternext()

    def records(self) -> Iterator[bytes]:
        """Yield all records in the order of their keys."""
        assert self._env is not None
        with self._env.begin() as transaction:
            yield from transaction.cursor().iternext(keys=False, values=True)

    @contextmanager
    def views(self, keys: Iterable[bytes]) -> Iterator[Iterator[memoryview]]:
        """Give the records under ``keys``, in their order, as views that are good until the block ends.

        Raises:
            DataError: a key is missing.
        """
        assert self._env is not None
        with self._env.begin(buffers=True) as transaction:
            yield self._each(transaction, keys)

    @staticmethod
    def _each(transaction: lmdb.Transaction, keys: Iterable[bytes]) -> Iterator[memoryview]:
        for each in keys:
            record = transaction.get(each)
            if record is None:
                raise DataError(f"The database has no record {each.decode()!r}.", rule="RECORD_MISSING")
            assert isinstance(record, memoryview)
            yield record


def _open_env(name: str) -> lmdb.Environment:
    try:
        return lmdb.open(name, readonly=True, lock=False, readahead=False, create=False, max_spare_txns=8)
    except lmdb.Error as error:
        raise DataError("There is no database here.", where=name, rule="RECORD_MISSING") from error
