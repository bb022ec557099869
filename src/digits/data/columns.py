"""Columns on disk, written as a stream and read as memory maps, so that a million rows cost no memory.

``index/<db>/`` of a dataset holds ``labels.npy`` (int32; for more than one class a picture, ``values.npy`` and ``ends.npy``) and the paths of the pictures in the order of the keys:
``paths.txt`` with one a line, and ``offsets.npy`` (int64) with the byte at which each begins, and the end.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_HEADER_BYTES = 128
_FLUSH_ROWS = 8192


class ColumnWriter:
    """Writes a ``.npy`` file of numbers whose count is known at the end only."""

    def __init__(self, path: Path, dtype: str) -> None:
        self._dtype = np.dtype(dtype)
        self._file = path.open("wb")
        self._file.write(b"\0" * _HEADER_BYTES)
        self._rows: list[float] = []
        self._count = 0

    def append(self, value: float) -> None:
        """Add one number."""
        self._rows.append(value)
        if len(self._rows) >= _FLUSH_ROWS:
            self._flush()

    def _flush(self) -> None:
        self._file.write(np.asarray(self._rows, self._dtype).tobytes())
        self._count += len(self._rows)
        self._rows.clear()

    def close(self, *, durable: bool = True) -> None:
        """Write what is left and the header, and (if ``durable``) force the file to the disk."""
        self._flush()
        text = f"{{'descr': '{self._dtype.str}', 'fortran_order': False, 'shape': ({self._count},), }}".encode()
        self._file.seek(0)
        self._file.write(b"\x93NUMPY\x01\x00" + (_HEADER_BYTES - 10).to_bytes(2, "little"))
        self._file.write(text.ljust(_HEADER_BYTES - 11) + b"\n")
        _close(self._file, durable)

    def abort(self) -> None:
        """Close the file without caring what is in it."""
        self._file.close()


def _close(file: IO[bytes], durable: bool) -> None:
    file.flush()
    if durable:
        os.fsync(file.fileno())
    file.close()


def read_column(path: Path) -> NDArray[Any]:
    """Return the numbers of a ``.npy`` file as a memory map."""
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


class RaggedWriter:
    """Writes rows of any length, all numbers after one another: ``values.npy``, and ``ends.npy`` (int64) with the end of each row."""

    def __init__(self, folder: Path, dtype: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._values = ColumnWriter(folder / "values.npy", dtype)
        self._ends = ColumnWriter(folder / "ends.npy", "<i8")
        self._end = 0

    def append(self, row: Sequence[float]) -> None:
        """Add one row."""
        for value in row:
            self._values.append(value)
        self._end += len(row)
        self._ends.append(self._end)

    def close(self, *, durable: bool = True) -> None:
        """Write what is left, and (if ``durable``) force both files to the disk."""
        self._values.close(durable=durable)
        self._ends.close(durable=durable)

    def abort(self) -> None:
        """Close both files without caring what is in them."""
        self._values.abort()
        self._ends.abort()


class Ragged:
    """The rows that a :class:`RaggedWriter` wrote, as memory maps."""

    def __init__(self, folder: Path) -> None:
        self.values = read_column(folder / "values.npy")
        self._ends = read_column(folder / "ends.npy")

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, row: int) -> NDArray[Any]:
        """Return row ``row``, which is not negative."""
        return np.asarray(self.values[int(self._ends[row - 1]) if row else 0 : int(self._ends[row])])

    def rows_of(self, places: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the row that each of ``places`` in ``values`` belongs to."""
        return np.asarray(np.searchsorted(self._ends, places, side="right"), np.int64)


class PathListWriter:
    """Writes ``paths.txt`` and ``offsets.npy`` into ``folder``; a path is bytes, as the system has it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / "paths.txt").open("wb")
        self._offsets = ColumnWriter(folder / "offsets.npy", "<i8")
        self._offsets.append(0)
        self._position = 0

    def append(self, path: bytes) -> None:
        """Add one path."""
        self._position += self._file.write(path) + self._file.write(b"\n")
        self._offsets.append(self._position)

    def close(self, *, durable: bool = True) -> None:
        """Write what is left, and (if ``durable``) force both files to the disk."""
        _close(self._file, durable)
        self._offsets.close(durable=durable)

    def abort(self) -> None:
        """Close both files without caring what is in them."""
        self._file.close()
        self._offsets.abort()


class PathList:
    """The paths that a :class:`PathListWriter` wrote; random access without reading the file through."""

    def __init__(self, folder: Path) -> None:
        self._offsets = read_column(folder / "offsets.npy")
        with (folder / "paths.txt").open("rb") as file:
            empty = len(self._offsets) <= 1
            self._bytes: bytes | mmap.mmap = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> bytes:
        """Return path ``index``, which is not negative."""
        return self._bytes[int(self._offsets[index]) : int(self._offsets[index + 1]) - 1]

    def __iter__(self) -> Iterator[bytes]:
        return (self[index] for index in range(len(self)))

    def search(self, text: bytes) -> NDArray[np.int64]:
        """Return the indices of the paths that hold ``text``, upper or lower case alike in ASCII; ascending."""
        starts = [match.start() for match in re.finditer(re.escape(text.lower()), bytes(self._bytes).lower())]
        return np.unique(np.searchsorted(self._offsets, np.asarray(starts, np.int64), side="right") - 1)
