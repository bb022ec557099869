"""Reads a database of a dataset of pictures, as it lies in the job folder, whatever kind of database it is.

Legend: HWC = height, width, channels of uint8 (RGB where there are 3); N pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.databases import Backend, Database, open_database
from digits.data.index import Index
from digits.data.reader import ProgressCall, Sample
from digits.data.storedreader import StoredReader

_CHUNK = 256


@dataclass(frozen=True)
class _Files:
    database: Database
    index: Index

    def close(self) -> None:
        self.database.close()


class RecordReader(StoredReader[_Files, Sample]):
    """A :class:`digits.data.reader.DatasetReader` over ``<folder>/<db>_db`` and ``<folder>/index/<db>``."""

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of every picture."""
        return self._size

    def targets(self) -> NDArray[Any]:
        """Return the answers of all records, in order, as :class:`~digits.data.reader.DatasetReader` says."""
        return self._open().index.answers(len(self.labels))

    def _record(self, index: int) -> Sample:
        rows = self._open().index
        image = np.empty((1, *self._size), np.uint8)
        self._read(index, image)
        return Sample(image[0], rows.answer(index), rows.paths[index].decode("utf-8", "surrogateescape"))

    def decode_all(self, out: NDArray[np.uint8], progress: ProgressCall | None = None) -> None:
        """Decode every record into ``out`` [N, H, W, C], in threads.

        Raises:
            DataError: a record is broken; its number is told.
        """
        assert out.shape == (len(self), *self._size), f"out is {out.shape}, the set {(len(self), *self._size)}"
        self._open()
        self._in_chunks(lambda begin, end: self._read(begin, out[begin:end]), _CHUNK, progress)

    def _read(self, first: int, out: NDArray[np.uint8]) -> None:
        """Decode the records from ``first`` on into ``out`` [N, H, W, C]; of several, the broken one is looked for."""
        try:
            self._open().database.read(first, out)
        except (ValueError, cv2.error, DataError) as error:
            if getattr(error, "rule", "") == "RECORD_MISSING":
                raise
            for place in range(len(out)) if len(out) > 1 else ():
                self._read(first + place, out[place : place + 1])
            raise self._broken(first) from error

    def _open_files(self) -> _Files:
        index = Index(self._folder / "index" / self._db, self.target_kind)
        backend = cast(Backend, self._facts.get("backend", "lmdb"))
        return _Files(open_database(self._folder / f"{self._db}_db", backend, index), index)
