"""The two kinds of database that a dataset may have, with one face to write and one to read: LMDB of Datum messages, and HDF5.

Legend: HWC = height, width, channels of uint8 (RGB where there are 3); N records.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2
from digits.data.encode import encode_jpeg, encode_png
from digits.data.hdf5 import Hdf5File, Hdf5Writer
from digits.data.index import Index
from digits.data.png import decode_plain_png, read_plain_png
from digits.data.reader import Answer, TargetKind
from digits.data.records import (
    LABELS,
    Datum,
    RecordWriter,
    key,
    pictures_folder,
    plain_key,
    read_datum,
    write_datum,
)
from digits.data.shardfile import open_records

Backend = Literal["lmdb", "hdf5"]
Encoding = Literal["png", "jpg", "none"]
Compression = Literal["none", "gzip"]


@dataclass(frozen=True)
class Layout:
    """How a database is written."""

    backend: Backend
    encoding: Encoding
    compression: Compression
    shape: tuple[int, int, int]
    """(height, width, channels) of every picture."""
    kind: TargetKind
    num_outputs: int
    """Classes, or numbers a picture."""


class DatabaseWriter(Protocol):
    """Takes pictures in order; only :meth:`encode` may be called by several threads."""

    def encode(self, image_HWC: NDArray[np.uint8], answer: Answer, data: bytes | None = None, /) -> bytes:
        """Return the record of a picture; ``data`` is the picture in this database's encoding, where it is at hand."""

    def put(self, answer: Answer, record: bytes) -> None:
        """Add a record."""

    def close(self) -> None:
        """Force all to the disk."""

    def abort(self) -> None:
        """Close the files without caring what is in them."""


class Database(Protocol):
    """A database open for reading, by any number of threads."""

    def read(self, first: int, out: NDArray[np.uint8]) -> None:
        """Decode the records from ``first`` on into ``out`` [N, H, W, C].

        Raises:
            DataError: one is missing.
            ValueError: one is no picture of that size.
        """

    def close(self) -> None:
        """Let go of the files."""


def create_database(folder: Path, layout: Layout, *, place: str) -> DatabaseWriter:
    """Begin a database in ``folder``, which must not exist; ``place`` is how a model beside the dataset will name it."""
    if layout.backend == "lmdb":
        return _LmdbWriter(folder, layout)
    width = None if layout.kind == "class" else layout.num_outputs
    is_gzip, is_classes = layout.compression == "gzip", layout.kind == "classes"
    return Hdf5Writer(folder, place=place, shape=layout.shape, width=width, is_classes=is_classes, gzip=is_gzip)


def open_database(folder: Path, backend: Backend, index: Index) -> Database:
    """Open the database in ``folder``.

    Raises:
        DataError: there is none.
    """
    return _Hdf5Database(folder) if backend == "hdf5" else _LmdbDatabase(folder, index)


class _LmdbWriter:
    """One LMDB; with answers that are no single class two, as DIGITS' generic datasets have them."""

    def __init__(self, folder: Path, layout: Layout) -> None:
        self._layout, self._count = layout, 0
        if layout.kind != "class":
            folder.mkdir()
        self._pictures = RecordWriter(pictures_folder(folder, layout.kind))
        self._labels = RecordWriter(folder / LABELS) if layout.kind != "class" else None

    def encode(self, image_HWC: NDArray[np.uint8], answer: Answer, data: bytes | None = None, /) -> bytes:
        height, width, channels = image_HWC.shape
        encoding = self._layout.encoding
        data = encode(image_HWC, encoding) if data is None else data
        label = answer if isinstance(answer, int) else 0
        return write_datum(Datum(channels, height, width, data, label, encoding != "none"))

    def put(self, answer: Answer, record: bytes) -> None:
        if isinstance(answer, int):
            self._pictures.put(key(self._count, answer), record)
        else:
            assert self._labels is not None
            self._pictures.put(plain_key(self._count), record)
            self._labels.put(plain_key(self._count), self._label(answer))
        self._count += 1

    def close(self) -> None:
        self._pictures.close()
        if self._labels is not None:
            self._labels.close()

    def abort(self) -> None:
        self._pictures.abort()
        if self._labels is not None:
            self._labels.abort()

    def _label(self, answer: tuple[float, ...]) -> bytes:
        """Return a Datum of ``num_outputs`` × 1 × 1 floats: 0 or 1 for each class, or the numbers."""
        size = self._layout.num_outputs
        values = [0.0] * size if self._layout.kind == "classes" else list(answer)
        if self._layout.kind == "classes":
            for each in answer:
                values[int(each)] = 1.0
        return caffe_pb2.Datum(channels=size, height=1, width=1, float_data=values).SerializeToString()


class _LmdbDatabase:
    def __init__(self, folder: Path, index: Index) -> None:
        self._file, self._index = open_records(folder, index.kind), index

    def read(self, first: int, out: NDArray[np.uint8]) -> None:
        with self._file.views(self._index.key(first + place) for place in range(len(out))) as views:
            for place, view in enumerate(views):
                out[place] = datum_pixels(read_datum(view))

    def close(self) -> None:
        self._file.close()


class _Hdf5Database:
    def __init__(self, folder: Path) -> None:
        self._file = Hdf5File(folder)

    def read(self, first: int, out: NDArray[np.uint8]) -> None:
        out[...] = self._file.pictures(first, len(out))

    def close(self) -> None:
        self._file.close()


def encode(image_HWC: NDArray[np.uint8], encoding: Encoding) -> bytes:
    """Return the data of a record: an encoded picture, or raw CHW values, BGR where there are 3 channels."""
    if encoding == "png":
        return encode_png(image_HWC)
    if encoding == "jpg":
        return encode_jpeg(image_HWC)
    planes = cv2.split(image_HWC)
    return b"".join(plane.tobytes() for plane in (planes[::-1] if len(planes) == 3 else planes))


def datum_pixels(datum: Datum) -> NDArray[np.uint8]:
    """Return the picture in a record as HWC, RGB where there are 3 channels.

    Raises:
        ValueError: its data is no picture of the size that it tells.
    """
    shape = (datum.height, datum.width, datum.channels)
    if not datum.encoded:
        planes = np.frombuffer(datum.data, np.uint8).reshape(shape[2], *shape[:2])
        ordered = planes[::-1] if len(planes) == 3 else planes
        return np.asarray(cv2.merge(list(ordered)), np.uint8).reshape(shape)
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
