"""What readers of a dataset's databases have in common: the facts they start from, files opened late, threads that decode.

Legend: N pictures.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

from digits.core.errors import DataError, NotFoundError
from digits.core.files import read_json
from digits.data.reader import ProgressCall, TargetKind


class Closable(Protocol):
    """Files that can be let go of."""

    def close(self) -> None:
        """Let go of them."""


Files = TypeVar("Files", bound=Closable)
Record = TypeVar("Record")


class StoredReader(ABC, Generic[Files, Record]):
    """A sequence of the records of ``<folder>/<db>_db``, picklable.

    Files are opened at the first access, in the process that makes it; any number of threads may read.

    Raises:
        NotFoundError: the folder has no such database.
    """

    def __init__(self, folder: Path, db: str, *, num_threads: int = 1) -> None:
        self._folder, self._db, self._num_threads = folder, db, num_threads
        try:
            self._facts: dict[str, Any] = read_json(folder / "dataset.json")
            self._entries = int(self._facts["dbs"][db]["entries"])
        except (OSError, KeyError) as error:
            raise NotFoundError(f"The dataset has no database {db!r}.", where=str(folder)) from error
        image = self._facts["image"]
        self._size = (int(image["height"]), int(image["width"]), int(image["channels"]))
        self._lock = threading.Lock()
        self._files: Files | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_files": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in order of their ids; for "vector" those of the numbers."""
        return tuple(self._facts["labels"])

    @property
    def target_kind(self) -> TargetKind:
        """What kind of answer the targets are."""
        return cast(TargetKind, self._facts.get("target_kind", "class"))

    def __len__(self) -> int:
        return self._entries

    def __iter__(self) -> Iterator[Record]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Record:
        """Return record ``index``.

        Raises:
            IndexError: there is no such record.
            DataError: the record is broken.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._record(index)

    @abstractmethod
    def _record(self, index: int) -> Record: ...

    @abstractmethod
    def _open_files(self) -> Files: ...

    def _open(self) -> Files:
        with self._lock:
            if self._files is None:
                self._files = self._open_files()
            return self._files

    def close(self) -> None:
        """Let go of the files; the next access opens them again."""
        with self._lock:
            if self._files is not None:
                self._files.close()
                self._files = None

    def _in_chunks(self, work: Callable[[int, int], None], size: int, progress: ProgressCall | None) -> None:
        """Have threads call ``work(begin, end)`` for all records, ``size`` at a time."""

        def chunk(begin: int) -> int:
            end = min(begin + size, len(self))
            work(begin, end)
            return end

        with ThreadPoolExecutor(self._num_threads, thread_name_prefix="decode") as pool:
            try:
                for done in pool.map(chunk, range(0, len(self), size)):
                    if progress:
                        progress(done, len(self))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _broken(self, index: int) -> DataError:
        return DataError(
            f"Record {index} of the {self._db} database is broken.",
            where=str(self._folder), hint="Build the dataset again.", rule="RECORD_BROKEN",
        )  # fmt: skip
