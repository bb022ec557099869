"""The members of an archive, and their bytes, with limits that no bomb passes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import stat
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from digits.core.errors import DataError, SetupError
from digits.core.work import StopCheck, StoppedError
from digits.data.archive.kinds import HEAD_BYTES, is_tar, kind_of
from digits.data.images import MAX_FILE_BYTES

MAX_MEMBERS = 5_000_000
MAX_RATIO = 200
"""Bytes unpacked for each packed one."""
MIN_FREE_BYTES = 1_000_000_000
_RATIO_COUNTS_FROM = 10_000_000
"""Little archives may pack as well as they like."""
_MAX_HEADER_BYTES = 1 << 20
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Member:
    """One entry of an archive."""

    name: bytes
    """As the archive has it: to be shown, never to be used as a path."""
    place: int
    """What :meth:`Archive.read` takes: its offset in a tar, its number in a zip."""
    size: int
    problem: DataError | None = None
    """Why it cannot be read: a link, a device, too large, encrypted."""

    @property
    def parts(self) -> tuple[bytes, ...]:
        """The names of its folders, and its own."""
        return tuple(part for part in self.name.replace(b"\\", b"/").split(b"/") if part not in (b"", b"."))


class Archive(Protocol):
    """An open archive."""

    def members(self) -> Iterator[Member]:
        """Yield every entry that is no folder, in the archive's order; may be asked for again.

        Raises:
            DataError: the archive is damaged.
        """

    def read(self, place: int, size: int) -> bytes:
        """Return the first ``size`` bytes of the member at ``place``; called by several threads.

        Raises:
            DataError: it cannot be read.
        """

    def pieces(self, place: int, size: int) -> Iterator[bytes]:
        """Yield the same bytes piece by piece: a large member takes little memory.

        Raises:
            DataError: it cannot be read.
        """


def open_archive(path: Path, scratch: Path, *, stop: StopCheck) -> Archive:
    """Open the archive at ``path``; a packed tar is unpacked to one file in ``scratch`` first.

    Raises:
        DataError: it is no archive, is damaged, or would become too large.
        StoppedError: asked to stop.
    """
    try:
        kind = kind_of(path)
        if kind == "zip":
            return _Zip(path)
        if kind == "tar":
            return _Tar(path)
        if kind:
            return _Tar(_unpacked(path, _OPENERS[kind], scratch / "archive.tar", stop))
    except (OSError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError) as error:
        raise _damaged(error) from error
    raise DataError("This is no archive.", hint="A .zip or .tar is needed, perhaps packed.", rule="ARCHIVE_UNKNOWN")


_OPENERS: dict[str, Callable[[Any], Any]] = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}


def _damaged(error: BaseException) -> DataError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return DataError(f"The archive is damaged: {reason}.", hint="Make or fetch it again.", rule="ARCHIVE_DAMAGED")


def _unpacked(path: Path, opener: Callable[[Any], Any], place: Path, stop: StopCheck) -> Path:
    """Unpack a packed tar to ``place``, checked on the way."""
    packed, total = path.stat().st_size, 0
    most = max(_RATIO_COUNTS_FROM, packed * MAX_RATIO)
    with opener(path) as source, place.open("wb") as out:
        while block := source.read(_BLOCK):
            if stop():
                raise StoppedError
            if not total and not is_tar(block[:HEAD_BYTES]):
                raise DataError(
                    "What is packed is no tar.", hint="Pack the pictures as .tar.gz or .zip.", rule="ARCHIVE_UNKNOWN"
                )
            total += len(block)
            if total > most:
                raise DataError(f"The archive unpacks to more than {MAX_RATIO} times its size.", rule="ARCHIVE_BOMB")
            if total % (64 * _BLOCK) < _BLOCK and shutil.disk_usage(place.parent).free < MIN_FREE_BYTES:
                raise SetupError("The disk has too little room to unpack the archive.", hint="Make room on the server.")
            out.write(block)
    return place


class _Tar:
    """A tar that is not packed: members are read where they lie."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        self._lock = threading.Lock()

    def members(self) -> Iterator[Member]:
        count = 0
        try:
            with _Wary(self._path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
                while (info := tar.next()) is not None:
                    tar.members.clear()  # type: ignore[attr-defined]  # it would keep every header; typeshed lacks the attribute
                    count += 1
                    _check_count(count)
                    if not info.isdir():
                        name = info.name.encode("utf-8", "surrogateescape")
                        yield Member(name, info.offset_data, info.size, _tar_problem(info))
        except (tarfile.TarError, OSError, ValueError, EOFError) as error:
            raise _damaged(error) from error

    def read(self, place: int, size: int) -> bytes:
        try:
            with self._lock:  # Windows has no pread
                self._file.seek(place)
                data = self._file.read(size)
        except OSError as error:
            raise DataError(f"It cannot be read: {error.strerror or error}.", rule="IMG_UNREADABLE") from error
        if len(data) < size:
            raise DataError("The archive ends in the middle of it.", rule="IMG_TRUNCATED")
        return data

    def pieces(self, place: int, size: int) -> Iterator[bytes]:
        for start in range(0, size, _BLOCK):
            yield self.read(place + start, min(_BLOCK, size - start))


def _tar_problem(info: tarfile.TarInfo) -> DataError | None:
    if info.issym() or info.islnk():
        return DataError("This is a link.", hint="Put the file itself into the archive.", rule="ARCHIVE_LINK")
    if not info.isreg() or info.issparse():
        return DataError("This is no ordinary file.", rule="IMG_NOT_A_PICTURE")
    return _size_problem(info.size)


class _Wary(io.BufferedReader):
    """A file that a tar reader may read in small pieces alone, so that a forged header cannot ask for gigabytes."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= _MAX_HEADER_BYTES:
            raise DataError("The archive has a header of absurd size.", rule="ARCHIVE_DAMAGED")
        return super().read(size)


class _Zip:
    """A zip: members are unpacked one by one, in memory."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path)
        self._infos = self._zip.infolist()
        _check_count(len(self._infos))

    def members(self) -> Iterator[Member]:
        for number, info in enumerate(self._infos):
            if not info.is_dir():
                yield Member(os.fsencode(info.filename), number, info.file_size, _zip_problem(info))

    def read(self, place: int, size: int) -> bytes:
        return b"".join(self.pieces(place, size))

    def pieces(self, place: int, size: int) -> Iterator[bytes]:
        left = size
        try:
            with self._zip.open(self._infos[place]) as member:
                while left and (piece := member.read(min(_BLOCK, left))):
                    left -= len(piece)
                    yield piece
        except (
            zipfile.BadZipFile,
            OSError,
            EOFError,
            zlib.error,
            lzma.LZMAError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise DataError(f"It cannot be unpacked: {str(error).rstrip('.')}.", rule="IMG_UNREADABLE") from error
        if left:
            raise DataError("The archive ends in the middle of it.", rule="IMG_TRUNCATED")


def _zip_problem(info: zipfile.ZipInfo) -> DataError | None:
    if info.flag_bits & 1:
        return DataError("It is encrypted.", hint="Make the archive without a password.", rule="ARCHIVE_ENCRYPTED")
    if stat.S_ISLNK(info.external_attr >> 16):
        return DataError("This is a link.", hint="Put the file itself into the archive.", rule="ARCHIVE_LINK")
    if info.file_size > max(_RATIO_COUNTS_FROM, info.compress_size * MAX_RATIO):
        return DataError(f"It unpacks to more than {MAX_RATIO} times its size.", rule="ARCHIVE_BOMB")
    return _size_problem(info.file_size)


def _size_problem(size: int) -> DataError | None:
    if size > MAX_FILE_BYTES:
        return DataError(f"The file has {size:,} bytes, more than {MAX_FILE_BYTES:,}.", rule="IMG_TOO_LARGE")
    return None


def _check_count(count: int) -> None:
    if count > MAX_MEMBERS:
        raise DataError(f"The archive has more than {MAX_MEMBERS:,} entries.", rule="ARCHIVE_BOMB")
