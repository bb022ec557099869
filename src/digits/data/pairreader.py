"""Reads a database of pictures and labels that are arrays: masks, pictures, numbers.

Legend: HWC = height, width, channels of uint8 (RGB where there are 3); N pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.databases import datum_pixels
from digits.data.index import Index
from digits.data.labels import datum_label
from digits.data.reader import PairSample, ProgressCall
from digits.data.records import FEATURES, LABELS, RecordFile, plain_key, read_datum
from digits.data.storedreader import StoredReader

_CHUNK = 64


@dataclass(frozen=True)
class _Files:
    features: RecordFile
    labels: RecordFile
    index: Index

    def close(self) -> None:
        self.features.close()
        self.labels.close()


class RecordPairReader(StoredReader[_Files, PairSample]):
    """A :class:`digits.data.reader.PairReader` over ``<folder>/<db>_db/{features,labels}`` and ``<folder>/index/<db>``."""

    @property
    def sample_shape(self) -> tuple[int, int, int] | None:
        """(height, width, channels) of every picture; None where they differ."""
        return self._size if self._facts.get("same_shape", True) else None

    @property
    def label_shape(self) -> tuple[int, ...] | None:
        """The shape of every label as :attr:`~digits.data.reader.PairSample.label` has it; None where they differ."""
        if self.sample_shape is None:
            return None
        stored = self._facts.get("label_shape")
        return self._size[:2] if stored is None else tuple(stored)

    @property
    def ignore_label(self) -> int | None:
        """Of masks: the value of pixels that have no class; None where all have one."""
        found: int | None = self._facts.get("ignore_label")
        return found

    @property
    def palette(self) -> NDArray[np.uint8]:
        """Of masks: the colours of the classes, [classes, 3] of RGB."""
        return np.array(self._facts.get("palette", ()), np.uint8).reshape(-1, 3)

    def _record(self, index: int) -> PairSample:
        files = self._open()
        source = files.index.paths[index].decode("utf-8", "surrogateescape")
        return PairSample(self._picture(index), self._label(index), source)

    def targets(self) -> NDArray[Any]:
        """Return the labels of all records, in order: float32 or uint8 [N, *label_shape]; of masks and pictures see :meth:`decode_all`.

        Raises:
            DataError: a record is broken; its number is told.
        """
        assert self.label_shape is not None, "the labels differ in size"
        return np.stack([self._label(index) for index in range(len(self))])

    def decode_all(
        self, images: NDArray[np.uint8], targets: NDArray[Any], progress: ProgressCall | None = None
    ) -> None:
        """Decode every record into ``images`` [N, H, W, C] and ``targets`` [N, *label_shape], in threads; all have one shape.

        Raises:
            DataError: a record is broken; its number is told.
        """
        assert self.sample_shape is not None, "the pictures differ in size"
        assert self.label_shape is not None
        assert images.shape == (len(self), *self.sample_shape), images.shape
        assert targets.shape == (len(self), *self.label_shape), targets.shape

        def chunk(begin: int, end: int) -> None:
            for index in range(begin, end):
                images[index], targets[index] = self._picture(index), self._label(index)

        self._in_chunks(chunk, _CHUNK, progress)

    def _picture(self, index: int) -> NDArray[np.uint8]:
        record = self._open().features.get(plain_key(index))
        try:
            if record is not None:
                return datum_pixels(read_datum(record))
        except (ValueError, cv2.error, DataError) as error:
            raise self._broken(index) from error
        raise self._broken(index)

    def _label(self, index: int) -> NDArray[Any]:
        record = self._open().labels.get(plain_key(index))
        try:
            if record is not None:
                label = self._array(record)
                shape = self.label_shape
                if shape is None or label.shape == shape:
                    return label
        except (ValueError, cv2.error, DataError) as error:
            raise self._broken(index) from error
        raise self._broken(index)

    def _array(self, record: bytes) -> NDArray[Any]:
        """Return the label in a record; who keeps labels in another form than they are learned in says how."""
        return datum_label(record, self.target_kind)

    def _open_files(self) -> _Files:
        place = self._folder / f"{self._db}_db"
        index = Index(self._folder / "index" / self._db, self.target_kind)
        return _Files(RecordFile(place / FEATURES), RecordFile(place / LABELS), index)
