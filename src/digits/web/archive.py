"""Archives made while they are sent: a tar or zip of any size takes the memory of one chunk.

A member is a name with bytes or a file; the names are ours, never a client's.
"""

from __future__ import annotations

import bz2
import io
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

CHUNK_BYTES = 1 << 18
EXTENSIONS = ("tar", "tar.gz", "tgz", "tar.bz2", "zip")
MEDIA_TYPES = {
    "tar": "application/x-tar", "tar.gz": "application/gzip", "tgz": "application/gzip", "tar.bz2": "application/x-bzip2",
    "zip": "application/zip",
}  # fmt: skip
GZIP_WINDOW = 31  # zlib: 15 bits of window, and 16 to say "gzip"


@dataclass(frozen=True)
class Member:
    """One file of the archive."""

    name: str
    content: bytes | Path

    def size(self) -> int:
        """Return the number of bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    def chunks(self) -> Iterator[bytes]:
        """Yield the content."""
        if isinstance(self.content, bytes):
            yield self.content
            return
        with self.content.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk


class Compressor(Protocol):
    """zlib's and bz2's."""

    def compress(self, data: bytes, /) -> bytes:
        """Return what is ready."""

    def flush(self) -> bytes:
        """Return the rest."""


def archive(members: Iterable[Member], extension: str) -> Iterator[bytes]:
    """Yield the archive of ``members``; ``extension`` is one of ``EXTENSIONS``."""
    if extension == "zip":
        return _zip(members)
    if extension in ("tar.gz", "tgz"):
        # Weights hardly compress: level 1 takes a quarter of the time of level 6 for the same size.
        return _compressed(_tar(members), zlib.compressobj(1, zlib.DEFLATED, GZIP_WINDOW))
    if extension == "tar.bz2":
        return _compressed(_tar(members), bz2.BZ2Compressor(1))
    assert extension == "tar", extension
    return _tar(members)


def _tar(members: Iterable[Member]) -> Iterator[bytes]:
    total = 0
    for member in members:
        info = tarfile.TarInfo(member.name)
        info.size = member.size()
        info.mtime = time.time()
        header = info.tobuf(tarfile.GNU_FORMAT)
        yield header
        left = info.size
        for chunk in member.chunks():
            piece = chunk[:left]  # a file that grew meanwhile keeps the size its header says
            left -= len(piece)
            yield piece
        assert left == 0, f"{member.name} shrank"
        padding = -info.size % tarfile.BLOCKSIZE
        yield b"\0" * padding
        total += len(header) + info.size + padding
    end = 2 * tarfile.BLOCKSIZE
    yield b"\0" * (end + -(total + end) % tarfile.RECORDSIZE)


def _compressed(chunks: Iterable[bytes], compressor: Compressor) -> Iterator[bytes]:
    for chunk in chunks:
        if ready := compressor.compress(chunk):
            yield ready
    yield compressor.flush()


class _Sink(io.RawIOBase):
    """What zipfile writes into: it cannot seek, and is emptied after every chunk."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]  # zipfile writes bytes alone
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _zip(members: Iterable[Member]) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for member in members:
            with out.open(member.name, "w", force_zip64=True) as file:
                for chunk in member.chunks():
                    file.write(chunk)
                    if ready := sink.take():
                        yield ready
    yield sink.take()
