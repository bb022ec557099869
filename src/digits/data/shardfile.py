"""A database in shards, read as one: ``manifest.jsonl`` has a row for each, and a key's number leads to the shard that has it.

    train_db/
      manifest.jsonl   shard, file, first_key, count, class_counts, sha256, refused, seconds ...
      shard-00000/     an LMDB of its own, whose keys begin at 0
      shard-00001/

No numpy here: the web process reads single records.
"""

from __future__ import annotations

import json
import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any

from digits.data.records import RecordFile, numbered, pictures_folder

MANIFEST = "manifest.jsonl"
_MOST_OPEN = 256
"""Shards; those that were read longest ago are closed, as each takes a file descriptor and a map."""


def read_manifest(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a database's manifest; what a broken-off writer left at its end is passed over."""
    rows = []
    for line in (folder / MANIFEST).read_bytes().splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def open_records(folder: Path, kind: str = "class") -> RecordFile | ShardedFile:
    """Open the pictures of the LMDB, or of the shards, in ``folder``; ``kind`` is that of the answers.

    Raises:
        DataError: there is neither.
    """
    if (folder / MANIFEST).is_file():
        return ShardedFile(folder, kind)
    return RecordFile(pictures_folder(folder, kind))


@dataclass
class _Opened:
    file: RecordFile
    users: int = 0


class ShardedFile:
    """Shards with the face of a :class:`~digits.data.records.RecordFile`; keys count through all of them."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder, self._kind = folder, kind
        rows = read_manifest(folder)
        self._names: list[str] = [row["file"] for row in rows]
        self._firsts: list[int] = [row["first_key"] for row in rows]
        self._count = sum(int(row["count"]) for row in rows)
        self._open: dict[int, _Opened] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].file.close()

    def __enter__(self) -> ShardedFile:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self._count

    def get(self, key: bytes) -> bytes | None:
        """Return the record under ``key``, or None."""
        shard, own = self._place(key)
        with self._shard(shard) as file:
            return file.get(own)

    def keys(self) -> Iterator[bytes]:
        """Yield all keys in order."""
        for shard, first in enumerate(self._firsts):
            with self._shard(shard) as file:
                for key in file.keys():  # noqa: SIM118 - no mapping
                    yield numbered(key, first)

    def records(self) -> Iterator[bytes]:
        """Yield all records in the order of their keys."""
        for shard in range(len(self._firsts)):
            with self._shard(shard) as file:
                yield from file.records()

    @contextmanager
    def views(self, keys: Iterable[bytes]) -> Iterator[Iterator[memoryview]]:
        """Give the records under ``keys``, in their order, as views that are good until the block ends.

        Raises:
            DataError: a key is missing.
        """
        with ExitStack() as stack:
            yield self._each(stack, keys)

    def _each(self, stack: ExitStack, keys: Iterable[bytes]) -> Iterator[memoryview]:
        for shard, group in groupby(map(self._place, keys), itemgetter(0)):
            file = stack.enter_context(self._shard(shard))
            yield from stack.enter_context(file.views(own for _, own in group))

    def _place(self, key: bytes) -> tuple[int, bytes]:
        """Return the shard of a key, and its key there."""
        try:
            number = int(key.partition(b"_")[0])
        except ValueError:
            return 0, key
        shard = max(0, bisect_right(self._firsts, number) - 1)
        return shard, numbered(key, -self._firsts[shard])

    @contextmanager
    def _shard(self, shard: int) -> Iterator[RecordFile]:
        """Give a shard, which stays open meanwhile, and afterwards until others are wanted more."""
        with self._lock:
            opened = self._open.pop(shard, None) or _Opened(
                RecordFile(pictures_folder(self._folder / self._names[shard], self._kind))
            )
            self._open[shard] = opened  # the last in order
            opened.users += 1
            if len(self._open) > _MOST_OPEN:
                self._close_oldest()
        try:
            yield opened.file
        finally:
            with self._lock:
                opened.users -= 1

    def _close_oldest(self) -> None:
        oldest = next((shard for shard, opened in self._open.items() if not opened.users), None)
        if oldest is not None:
            self._open.pop(oldest).file.close()
