"""Reads a database of a dataset with one class a picture, as it lies in the job folder.

Legend: HWC = height, width, channels (1 grey, 3 RGB) of uint8; N pictures.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from digits.core.errors import DataError, NotFoundError
from digits.core.files import read_json
from digits.data.columns import PathList, read_column
from digits.data.png import decode_plain_png, read_plain_png
from digits.data.reader import ProgressCall, Sample, TargetKind
from digits.data.records import Datum, RecordFile, key, read_datum

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
        self._lock = threading.Lock()
        self._records: RecordFile | None = None
        self._index: tuple[NDArray[np.int32], PathList] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_records": None, "_index": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in order of their ids."""
        return self._labels

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of every picture."""
        return self._shape

    @property
    def target_kind(self) -> TargetKind:
        """One class a picture."""
        return "class"

    def __len__(self) -> int:
        return self._entries

    def targets(self) -> NDArray[np.int64]:
        """Return the class ids of all records, in order."""
        return np.asarray(read_column(self._folder / "index" / self._db / "labels.npy"), np.int64)

    def __getitem__(self, index: int) -> Sample:
        """Return record ``index``.

        Raises:
            IndexError: there is no such record.
            DataError: the record is broken.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        labels, paths = self._columns()
        label = int(labels[index])
        with self._file().views([key(index, label)]) as views:
            image = np.empty(self._shape, np.uint8)
            self._decode(next(views), image, index)
        return Sample(image, label, paths[index].decode("utf-8", "surrogateescape"))

    def decode_all(self, out: NDArray[np.uint8], progress: ProgressCall | None = None) -> None:
        """Decode every record into ``out`` [N, H, W, C], in threads.

        Raises:
            DataError: a record is broken; its key is told.
        """
        assert out.shape == (len(self), *self._shape), f"out is {out.shape}, the set {(len(self), *self._shape)}"
        labels, records = self.targets(), self._file()
        done = 0
        with ThreadPoolExecutor(self._num_threads, thread_name_prefix="decode") as pool:
            starts = range(0, len(self), _CHUNK)
            try:
                for count in pool.map(lambda start: self._decode_chunk(records, labels, out, start), starts):
                    done += count
                    if progress:
                        progress(done, len(self))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _decode_chunk(self, records: RecordFile, labels: NDArray[np.int64], out: NDArray[np.uint8], start: int) -> int:
        indices = range(start, min(start + _CHUNK, len(self)))
        with records.views(
            key(index, label) for index, label in zip(indices, labels[start:].tolist(), strict=False)
        ) as views:
            for index, view in zip(indices, views, strict=False):
                self._decode(view, out[index], index)
        return len(indices)

    def _decode(self, record: memoryview, out: NDArray[np.uint8], index: int) -> None:
        """Decode one record into ``out`` (HWC)."""
        datum = read_datum(record)
        try:
            out[...] = datum_pixels(datum)
        except (ValueError, cv2.error) as error:
            raise DataError(
                f"Record {index} of the {self._db} database is broken.",
                where=str(self._folder),
                hint="Build the dataset again.",
                rule="RECORD_BROKEN",
            ) from error

    def _file(self) -> RecordFile:
        with self._lock:
            if self._records is None:
                self._records = RecordFile(self._folder / f"{self._db}_db")
            return self._records

    def _columns(self) -> tuple[NDArray[np.int32], PathList]:
        with self._lock:
            if self._index is None:
                folder = self._folder / "index" / self._db
                self._index = read_column(folder / "labels.npy"), PathList(folder)
            return self._index

    def close(self) -> None:
        """Let go of the files; the next access opens them again."""
        with self._lock:
            self._index = None
            if self._records is not None:
                self._records.close()
                self._records = None

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))


def datum_pixels(datum: Datum) -> NDArray[np.uint8]:
    """Return the picture in a record as HWC, RGB.

    Raises:
        ValueError: its data is no picture of the size that it tells.
    """
    shape = (datum.height, datum.width, datum.channels)
    if not datum.encoded:
        planes = np.frombuffer(datum.data, np.uint8).reshape(shape[2], *shape[:2])
        return np.asarray(cv2.merge(list(planes[::-1])), np.uint8).reshape(shape)
    if bytes(datum.data[:2]) == b"\xff\xd8":
        colorspace = "GRAY" if datum.channels == 1 else "RGB"
        return np.asarray(simplejpeg.decode_jpeg(datum.data, colorspace=colorspace), np.uint8)
    png = read_plain_png(datum.data)
    pixels = decode_plain_png(png, datum.data) if png else None
    if pixels is not None:
        return pixels.reshape(shape)
    # Records that others wrote; OpenCV's own order is BGR, and it is asked for RGB.
    flag = cv2.IMREAD_GRAYSCALE if datum.channels == 1 else cv2.IMREAD_COLOR_RGB
    decoded = cv2.imdecode(np.frombuffer(datum.data, np.uint8), flag)
    if decoded is None:
        raise ValueError("no picture")
    return np.asarray(decoded, np.uint8).reshape(shape)
