"""A database in HDF5, as DIGITS laid it out and Caffe's ``HDF5Data`` reads it.

The folder holds ``<index of the first record>.h5`` files and ``list.txt``, which names them as seen from a model's job folder beside the
dataset's. A file has ``data``, float32 [N, C, H, W] (RGB where there are 3 channels), and ``label``, float32 [N], or [N, C] for several
classes (0 or 1 each) or numbers. Other layers of Caffe count values by int32, so no file has 2^31 of them.
"""

from __future__ import annotations

import bisect
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError, SetupError
from digits.core.files import sync_folder
from digits.data.reader import Answer

LIST_FILE = "list.txt"
MAX_VALUES = 2**31
_CHUNK_BYTES = 1 << 20  # a reader of one picture reads a chunk; a chunk costs a look-up


class Hdf5Writer:
    """Writes the files in the order of the records.

    Args:
        folder: becomes the database; must not exist.
        place: the database's folder as seen from a model's job folder: goes before each name in the list.
        shape: (height, width, channels) of every picture.
        width: of a label; None for one class a picture.
        is_classes: labels are classes, not numbers.
        gzip: whether the arrays are compressed.
        max_values: of a file.
    """

    def __init__(
        self, folder: Path, *, place: str, shape: tuple[int, int, int], width: int | None = None,
        is_classes: bool = False, gzip: bool = False, max_values: int = MAX_VALUES,
    ) -> None:  # fmt: skip
        folder.mkdir()
        self._folder, self._place, self._gzip, self._is_classes = folder, place, gzip, is_classes
        height, width_px, channels = shape
        self._shape = (channels, height, width_px)
        num_values = channels * height * width_px
        self._chunk = max(1, _CHUNK_BYTES // (4 * num_values))
        self._label_shape: tuple[int, ...] = () if width is None else (width,)
        self._per_file = max(1, max_values // num_values)
        self._chunk = min(self._chunk, self._per_file)
        self._rows: list[tuple[bytes, Answer]] = []
        self._file: h5py.File | None = None
        self._names: list[str] = []
        self._count = self._in_file = 0

    @staticmethod
    def encode(image_HWC: NDArray[np.uint8], _answer: Answer, _data: bytes | None = None) -> bytes:
        """Return the record of a picture; called by several threads."""
        return image_HWC.transpose(2, 0, 1).tobytes()

    def put(self, answer: Answer, record: bytes) -> None:
        """Add a record.

        Raises:
            SetupError: the disk is full or broken.
        """
        self._rows.append((record, answer))
        if len(self._rows) == self._chunk or self._in_file + len(self._rows) == self._per_file:
            self._flush()

    def close(self) -> None:
        """Write what is left and the list, and force all to the disk."""
        self._flush()
        self._end_file()
        lines = "".join(f"{self._place}/{name}\n" for name in self._names)
        (self._folder / LIST_FILE).write_text(lines, encoding="utf-8", errors="surrogateescape")
        sync_folder(self._folder)

    def abort(self) -> None:
        """Close the files without caring what is in them."""
        self._rows.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _flush(self) -> None:
        if not self._rows:
            return
        try:
            file = self._file or self._begin_file()
            first, end = self._in_file, self._in_file + len(self._rows)
            images = np.frombuffer(b"".join(record for record, _ in self._rows), np.uint8)
            for name, values in (
                ("data", images.reshape(-1, *self._shape).astype(np.float32)),
                ("label", np.stack([self._label(answer) for _, answer in self._rows])),
            ):
                file[name].resize(end, axis=0)
                file[name][first:end] = values
            self._in_file, self._count = end, self._count + len(self._rows)
            self._rows.clear()
            if end == self._per_file:
                self._end_file()
        except OSError as error:
            raise SetupError(
                f"The database cannot be written: {error}.", where=str(self._folder), hint="Is the disk full?"
            ) from error

    def _begin_file(self) -> h5py.File:
        name = f"{self._count}.h5"
        self._names.append(name)
        self._file = file = h5py.File(self._folder / name, "w", libver="earliest")
        self._in_file = 0
        filters: dict[str, Any] = {"compression": "gzip"} if self._gzip else {}
        for array, row, chunk in (("data", self._shape, self._chunk), ("label", self._label_shape, 1024)):
            file.create_dataset(
                array, (0, *row), np.float32, maxshape=(None, *row), chunks=(chunk, *row), **filters
            )  # fmt: skip
        return file

    def _end_file(self) -> None:
        if self._file is not None:
            self._file.flush()
            self._file.close()
            self._file = None

    def _label(self, answer: Answer) -> NDArray[np.float32]:
        if not isinstance(answer, tuple) or not self._is_classes:
            return np.asarray(answer, np.float32)
        label = np.zeros(self._label_shape, np.float32)
        label[np.asarray(answer, np.int64)] = 1
        return label


class Hdf5File:
    """A database open for reading; h5py lets one thread at a time in.

    Raises:
        DataError: there is no database in ``folder``, or a file of it is broken.
    """

    def __init__(self, folder: Path) -> None:
        found = sorted((int(path.stem), path) for path in folder.glob("*.h5") if path.stem.isdigit())
        if not found:
            raise DataError("There is no database here.", where=str(folder), rule="RECORD_MISSING")
        self._starts = [start for start, _ in found]
        self._files: list[h5py.File] = []
        try:
            for _, path in found:
                self._files.append(h5py.File(path, "r"))
        except OSError as error:
            self.close()
            raise DataError(
                f"A file of the database is broken: {error}.", where=str(folder), rule="RECORD_BROKEN"
            ) from error

    def pictures(self, first: int, count: int) -> NDArray[np.uint8]:
        """Return records ``first`` to ``first + count`` as [count, H, W, C], RGB.

        Raises:
            DataError: one is missing or broken.
        """
        parts = []
        while count:
            number = bisect.bisect_right(self._starts, first) - 1
            row = first - self._starts[number]
            try:
                values = np.asarray(self._files[number]["data"][row : row + count])
            except (OSError, KeyError, ValueError) as error:
                raise DataError(f"Record {first} is broken: {error}.", rule="RECORD_BROKEN") from error
            if not len(values) or values.ndim != 4:
                raise DataError(f"The database has no record {first}.", rule="RECORD_MISSING")
            parts.append(values)
            first, count = first + len(values), count - len(values)
        return np.concatenate(parts).astype(np.uint8).transpose(0, 2, 3, 1)

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()
        self._files.clear()
