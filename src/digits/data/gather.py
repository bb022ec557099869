"""Pictures from wherever they lie into an inventory: files, slices of archives, bytes at hand, and what must be fetched first.

What is fetched or cut out of a table is written behind one another into one file, the pack, in the inventory's scratch folder. Fetching
is done by several threads; the inventory keeps the order of the source all the same.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from digits.core.errors import DataError
from digits.data.columns import ColumnWriter, PathList, read_column
from digits.data.images import MAX_FILE_BYTES, read_file
from digits.data.inventory import InventoryWriter, Read
from digits.data.reader import Answer
from digits.data.rules import DBS, UNDECIDED
from digits.data.sniff import HEAD_BYTES, sniff

Fetch = Callable[[], bytes]
"""Gets a picture's file; raises DataError; is called in another thread."""

THREADS = 8
_WINDOW = 4 * THREADS
_POLL_S = 0.2
_ON_DISK, _NOT_FETCHED = -1, -2
LOOKED_AT = 20
"""Pictures of each class that are fetched for a look."""


class NotFetchedError(DataError):
    """A picture that a look left where it is."""

    def __init__(self) -> None:
        super().__init__("It was not fetched for a look.", rule="URL_UNREACHABLE")


class Entry(NamedTuple):
    """What a source says of one picture."""

    name: bytes
    answer: Answer
    db: int = UNDECIDED
    line: int = 0


class Gatherer:
    """Adds pictures to an inventory, and remembers where the bytes of each are."""

    def __init__(self, writer: InventoryWriter) -> None:
        self._writer = writer
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="fetch")
        self._waiting: deque[tuple[Entry, Future[bytes] | tuple[int, int, int]]] = deque()
        self._asked: Counter[Answer] = Counter()
        self._began = 0.0  # of the first fetch
        self._pack_path = writer.scratch / "pack.bin"
        self._pack = self._pack_path.open("wb")
        self._files = [self._pack_path]
        self._columns = {
            name: ColumnWriter(writer.scratch / f"place-{name}.npy", dtype)
            for name, dtype in (("file", "<i4"), ("offset", "<i8"), ("size", "<i8"))
        }

    def __enter__(self) -> Gatherer:
        return self

    def __exit__(self, *_error: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pack.close()

    def add_file(self, entry: Entry) -> None:
        """Add a picture whose name is its path."""
        self._put(entry, (_ON_DISK, 0, 0))

    def add_slice(self, entry: Entry, file: int, offset: int, size: int) -> None:
        """Add a picture that is a part of a file, by the number that :meth:`file` gave."""
        self._put(entry, (file, offset, size))

    def add_bytes(self, entry: Entry, data: bytes) -> None:
        """Add a picture whose file is ``data``; refuse it where that is none."""
        try:
            _check(data)
        except DataError as error:
            self.refuse(entry, error)
            return
        self._put(entry, self._packed(data))

    def add_fetched(self, entry: Entry, fetch: Fetch) -> None:
        """Add what ``fetch`` gets once it has come; refuse it where it does not."""
        self._asked[entry.answer] += 1
        self._writer.fetches.count += 1
        if self._writer.is_look and self._asked[entry.answer] > LOOKED_AT:
            self._put(entry, (_NOT_FETCHED, 0, 0))
            return
        self._began = self._began or time.monotonic()
        self._writer.fetches.done += 1
        self._put(entry, self._threads.submit(_fetched, fetch))

    def refuse(self, entry: Entry, error: DataError) -> None:
        """Write down a picture that cannot be taken."""
        db = DBS[entry.db] if entry.db >= 0 else ""
        self._writer.refuse(db, entry.name, error, entry.line or None)

    def file(self, path: Path) -> int:
        """Return the number of a file that pictures are parts of."""
        self._files.append(path)
        return len(self._files) - 1

    def finish(self) -> Callable[[PathList], Read]:
        """Wait for all that is still to come, and return what makes, from the names, the reader of the pictures.

        Raises:
            StoppedError: asked to stop.
        """
        while self._waiting:
            self._settle()
        self._pack.close()
        for column in self._columns.values():
            column.close(durable=False)
        files, offsets, sizes = (
            read_column(self._writer.scratch / f"place-{name}.npy") for name in ("file", "offset", "size")
        )
        paths = tuple(self._files)

        def reader(names: PathList) -> Read:
            def read(item: int) -> bytes:
                number = int(files[item])
                if number == _ON_DISK:
                    return read_file(names[item])
                if number == _NOT_FETCHED:
                    raise NotFetchedError
                return _slice(paths[number], int(offsets[item]), int(sizes[item]))

            return read

        return reader

    def _put(self, entry: Entry, place: Future[bytes] | tuple[int, int, int]) -> None:
        if not self._waiting and isinstance(place, tuple):
            self._add(entry, place)
            return
        self._waiting.append((entry, place))
        while len(self._waiting) > _WINDOW or (self._waiting and _is_there(self._waiting[0][1])):
            self._settle()

    def _settle(self) -> None:
        """Add the picture that has waited longest."""
        entry, place = self._waiting[0]
        while isinstance(place, Future) and not place.done():
            self._writer.tick()
            _wait(place)
        self._writer.fetches.seconds = time.monotonic() - self._began
        self._waiting.popleft()
        if isinstance(place, tuple):
            self._add(entry, place)
            return
        try:
            data = place.result()
            self._writer.fetches.num_bytes += len(data)
            self._add(entry, self._packed(data))
        except DataError as error:
            self.refuse(entry, error)

    def _add(self, entry: Entry, place: tuple[int, int, int]) -> None:
        self._writer.add(entry.name, entry.answer, entry.db, entry.line)
        for column, value in zip(self._columns.values(), place, strict=True):
            column.append(value)

    def _packed(self, data: bytes) -> tuple[int, int, int]:
        offset = self._pack.tell()
        self._pack.write(data)
        return 0, offset, len(data)


def _is_there(place: Future[bytes] | tuple[int, int, int]) -> bool:
    return isinstance(place, tuple) or place.done()


def _wait(future: Future[bytes]) -> None:
    with contextlib.suppress(TimeoutError):
        future.exception(timeout=_POLL_S)


def _fetched(fetch: Fetch) -> bytes:
    data = fetch()
    _check(data)
    return data


def _check(data: bytes) -> None:
    if len(data) > MAX_FILE_BYTES:
        raise DataError(f"The file has {len(data):,} bytes, more than {MAX_FILE_BYTES:,}.", rule="IMG_TOO_LARGE")
    sniff(data[:HEAD_BYTES])


def _slice(path: Path, offset: int, size: int) -> bytes:
    try:
        with path.open("rb", buffering=0) as file:  # of thousands of shards not all can be kept open
            file.seek(offset)
            data = file.read(size) or b""
    except OSError as error:
        raise DataError(f"It cannot be read: {error.strerror or error}.", rule="IMG_UNREADABLE") from error
    if len(data) < size:
        raise DataError("The file ends in the middle of it.", rule="IMG_TRUNCATED")
    return data
