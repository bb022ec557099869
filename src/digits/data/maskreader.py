"""Reads a database of pictures and masks as it lies in the job folder.

Legend: HWC = height, width, channels of uint8 (RGB where there are 3); HW = height, width of class ids; N pictures.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError, NotFoundError
from digits.core.files import read_json
from digits.data.databases import datum_pixels
from digits.data.index import Index
from digits.data.reader import MaskSample, ProgressCall, TargetKind
from digits.data.records import FEATURES, LABELS, RecordFile, plain_key, read_datum

_CHUNK = 64


class RecordMaskReader:
    """A :class:`digits.data.reader.MaskReader` over ``<folder>/<db>_db/{features,labels}``.

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
        self._labels: tuple[str, ...] = tuple(facts["labels"])
        self._ignore: int | None = facts["ignore_label"]
        self._palette = np.array(facts["palette"], np.uint8).reshape(-1, 3)
        image = facts["image"]
        shape = (int(image["height"]), int(image["width"]), int(image["channels"]))
        self._shape = shape if facts["same_shape"] else None
        self._lock = threading.Lock()
        self._files: tuple[RecordFile, RecordFile, Index] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_files": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in order of their ids."""
        return self._labels

    @property
    def ignore_label(self) -> int | None:
        """The value of pixels that have no class; None where all have one."""
        return self._ignore

    @property
    def palette(self) -> NDArray[np.uint8]:
        """The colours of the classes: [classes, 3] of RGB."""
        return self._palette

    @property
    def sample_shape(self) -> tuple[int, int, int] | None:
        """(height, width, channels) of every picture; None where they differ."""
        return self._shape

    @property
    def target_kind(self) -> TargetKind:
        """What kind of answer the targets are."""
        return "mask"

    def __len__(self) -> int:
        return self._entries

    def __iter__(self) -> Iterator[MaskSample]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> MaskSample:
        """Return record ``index``.

        Raises:
            IndexError: there is no such record.
            DataError: the record is broken.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        features, labels, rows = self._open()
        image_HWC, mask_HWC = self._pixels(features, index), self._pixels(labels, index)
        return MaskSample(image_HWC, mask_HWC[:, :, 0], rows.paths[index].decode("utf-8", "surrogateescape"))

    def decode_all(
        self, images: NDArray[np.uint8], masks: NDArray[np.uint8], progress: ProgressCall | None = None
    ) -> None:
        """Decode every record into ``images`` [N, H, W, C] and ``masks`` [N, H, W], in threads; all have one shape.

        Raises:
            DataError: a record is broken; its number is told.
        """
        assert self._shape is not None, "the pictures differ in size"
        assert images.shape == (len(self), *self._shape), images.shape
        assert masks.shape == (len(self), *self._shape[:2]), masks.shape

        def chunk(start: int) -> int:
            stop = min(start + _CHUNK, len(self))
            for index in range(start, stop):
                sample = self[index]
                images[index], masks[index] = sample.image_HWC, sample.mask_HW
            return stop

        with ThreadPoolExecutor(self._num_threads, thread_name_prefix="decode") as pool:
            try:
                for done in pool.map(chunk, range(0, len(self), _CHUNK)):
                    if progress:
                        progress(done, len(self))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _pixels(self, file: RecordFile, index: int) -> NDArray[np.uint8]:
        record = file.get(plain_key(index))
        try:
            if record is not None:
                return datum_pixels(read_datum(record))
        except (ValueError, cv2.error, DataError) as error:
            raise self._broken(index) from error
        raise self._broken(index)

    def _broken(self, index: int) -> DataError:
        return DataError(
            f"Record {index} of the {self._db} database is broken.",
            where=str(self._folder), hint="Build the dataset again.", rule="RECORD_BROKEN",
        )  # fmt: skip

    def _open(self) -> tuple[RecordFile, RecordFile, Index]:
        with self._lock:
            if self._files is None:
                place = self._folder / f"{self._db}_db"
                self._files = (
                    RecordFile(place / FEATURES),
                    RecordFile(place / LABELS),
                    Index(self._folder / "index" / self._db, "mask"),
                )
            return self._files

    def close(self) -> None:
        """Let go of the files; the next access opens them again."""
        with self._lock:
            if self._files is not None:
                self._files[0].close()
                self._files[1].close()
                self._files = None
