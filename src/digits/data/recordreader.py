"""Reads a database of a dataset of pictures, as it lies in the job folder, whatever kind of database it is.

Legend: HWC = height, width, channels of uint8 (RGB where there are 3); N pictures.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError, NotFoundError
from digits.core.files import read_json
from digits.data.databases import Backend, Database, open_database
from digits.data.index import Index
from digits.data.reader import ProgressCall, Sample, TargetKind

_CHUNK = 256


class RecordReader:
    """A :class:`digits.data.reader.DatasetReader` over ``<folder>/<db>_db`` and ``<folder>/index/<db>``.

    Files are opened at the first access, in the process that makes it; any number of threads may read.

    Raises:
        NotFoundError: the folder has no such database.
    """

    def __init__(self, folder: Path, db: str, *, num_threads: int = 1) -> None:
        self._folder, self._db, self._num_threads = folder, db, num_threads
        try:
            facts = read_json(folder / "dataset.json")
            self._entries = int(facts["dbs"][db]["entries"])
        except (OSError, KeyError) as error:
            raise NotFoundError(f"The dataset has no database {db!r}.", where=str(folder)) from error
        image = facts["image"]
        self._labels = tuple(facts["labels"])
        self._shape = (int(image["height"]), int(image["width"]), int(image["channels"]))
        self._backend = cast(Backend, facts.get("backend", "lmdb"))
        self._kind = cast(TargetKind, facts.get("target_kind", "class"))
        self._lock = threading.Lock()
        self._database: Database | None = None
        self._index: Index | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_database": None, "_index": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in order of their ids; for "vector" those of the numbers."""
        return self._labels

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of every picture."""
        return self._shape

    @property
    def target_kind(self) -> TargetKind:
        """What kind of answer the targets are."""
        return self._kind

    def __len__(self) -> int:
        return self._entries

    def targets(self) -> NDArray[Any]:
        """Return the answers of all records, in order, as :class:`~digits.data.reader.DatasetReader` says."""
        return self._open_index().answers(len(self._labels))

    def __getitem__(self, index: int) -> Sample:
        """Return record ``index``.

        Raises:
            IndexError: there is no such record.
            DataError: the record is broken.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        rows = self._open_index()
        image = np.empty((1, *self._shape), np.uint8)
        self._read(index, image)
        return Sample(image[0], rows.answer(index), rows.paths[index].decode("utf-8", "surrogateescape"))

    def decode_all(self, out: NDArray[np.uint8], progress: ProgressCall | None = None) -> None:
        """Decode every record into ``out`` [N, H, W, C], in threads.

        Raises:
            DataError: a record is broken; its number is told.
        """
        assert out.shape == (len(self), *self._shape), f"out is {out.shape}, the set {(len(self), *self._shape)}"
        self._open_database()
        done = 0
        with ThreadPoolExecutor(self._num_threads, thread_name_prefix="decode") as pool:
            starts = range(0, len(self), _CHUNK)
            try:
                for count in pool.map(lambda start: self._read_chunk(out, start), starts):
                    done += count
                    if progress:
                        progress(done, len(self))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _read_chunk(self, out: NDArray[np.uint8], start: int) -> int:
        chunk = out[start : start + _CHUNK]
        self._read(start, chunk)
        return len(chunk)

    def _read(self, first: int, out: NDArray[np.uint8]) -> None:
        """Decode the records from ``first`` on into ``out`` [N, H, W, C]; of several, the broken one is looked for."""
        try:
            self._open_database().read(first, out)
        except (ValueError, cv2.error, DataError) as error:
            if getattr(error, "rule", "") == "RECORD_MISSING":
                raise
            for place in range(len(out)) if len(out) > 1 else ():
                self._read(first + place, out[place : place + 1])
            raise DataError(
                f"Record {first} of the {self._db} database is broken.",
                where=str(self._folder),
                hint="Build the dataset again.",
                rule="RECORD_BROKEN",
            ) from error

    def _open_database(self) -> Database:
        index = self._open_index()
        with self._lock:
            if self._database is None:
                self._database = open_database(self._folder / f"{self._db}_db", self._backend, index)
            return self._database

    def _open_index(self) -> Index:
        with self._lock:
            if self._index is None:
                self._index = Index(self._folder / "index" / self._db, self._kind)
            return self._index

    def close(self) -> None:
        """Let go of the files; the next access opens them again."""
        with self._lock:
            self._index = None
            if self._database is not None:
                self._database.close()
                self._database = None

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))
