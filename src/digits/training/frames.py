"""A database as a training reads it: all of it decoded once to uint8, or, where pictures differ in size, one record after another.

Legend: N pictures, H height, W width, C channels; BGR where there are 3 (Caffe's layout).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.core.errors import TrainingError
from digits.data.reader import PairReader, ProgressCall, Records

Rows = slice | NDArray[np.int64]

DENSE = ("mask", "image")
"""Kinds of answer that are stored as pictures are: uint8 until they are on the device."""

_REORDER_RECORDS = 256  # pictures at a time when RGB becomes planes of B, G and R: some MB
_MEMORY_SHARE = 0.5  # of the memory that is free at the start; above it the decoded set goes to disk


class Pictures(Protocol):
    """The records of a database, at hand."""

    @property
    def in_memory(self) -> bool:
        """Whether reading them takes no time."""

    def __len__(self) -> int:
        """Return the number of records."""

    def of(self, rows: Rows) -> tuple[Frames, Rows]:
        """Return decoded pictures that hold the records ``rows``, and where among them those are."""


@dataclass(frozen=True)
class Frames:
    """A decoded database: uint8 [N, C, H, W], and its targets, of which those of masks and pictures are uint8 [N, H, W(, C)]."""

    images_NCHW: Tensor
    targets: NDArray[Any]
    in_memory: bool

    def __len__(self) -> int:
        return len(self.targets)

    def of(self, rows: Rows) -> tuple[Frames, Rows]:
        """Return itself."""
        return self, rows


class LooseFrames:
    """A database whose pictures differ in size: each record is decoded when its turn comes, by whoever reads ahead."""

    in_memory = False

    def __init__(self, reader: PairReader) -> None:
        self._reader = reader

    def __len__(self) -> int:
        return len(self._reader)

    def of(self, rows: Rows) -> tuple[Frames, Rows]:
        """Return the one record that ``rows`` name.

        Raises:
            DataError: it is broken.
        """
        (number,) = np.arange(len(self))[rows].tolist()
        sample = self._reader[number]
        image_HWC = sample.image_HWC[:, :, ::-1] if sample.image_HWC.shape[2] == 3 else sample.image_HWC
        planes = torch.from_numpy(np.ascontiguousarray(image_HWC.transpose(2, 0, 1)))
        return Frames(planes[None], sample.label[None], in_memory=True), np.zeros(1, np.int64)


def load_frames(
    reader: Records,
    *,
    cache: Path,
    key: str,
    budget_bytes: int | None = None,
    progress: ProgressCall | None = None,
) -> Pictures:
    """Decode a database once, into memory, or into memory maps below ``cache`` where it is larger than ``budget_bytes``.

    Args:
        reader: gives the pictures.
        cache: folder for memory maps; those that are there already under the same ``key`` are used again.
        key: names the database's content.
        budget_bytes: half of the free memory when None.
        progress: told how many pictures are decoded; may raise to stop.

    Raises:
        TrainingError: the database is empty, or the disk has no room for the decoded pictures.
    """
    if len(reader) == 0:
        raise TrainingError("The database holds no picture.", hint="Build the dataset anew.")
    if reader.sample_shape is None:
        assert isinstance(reader, PairReader)
        return LooseFrames(reader)
    shapes: list[tuple[int, ...]] = [(len(reader), *reader.sample_shape)]
    if isinstance(reader, PairReader) and reader.target_kind in DENSE:
        assert reader.label_shape is not None
        shapes.append((len(reader), *reader.label_shape))
    num_bytes = sum(int(np.prod(shape, dtype=np.int64)) for shape in shapes)
    if budget_bytes is None:
        budget_bytes = int(psutil.virtual_memory().available * _MEMORY_SHARE)
    in_memory = num_bytes <= budget_bytes
    if in_memory:
        arrays = [np.empty(shape, np.uint8) for shape in shapes]
        _decode(reader, arrays, progress)
    else:
        arrays = _mapped(reader, cache, key, shapes, num_bytes, progress)
    count, height, width, channels = shapes[0]
    images = torch.from_numpy(arrays[0]).view(count, channels, height, width)
    return Frames(images, arrays[1] if len(arrays) > 1 else reader.targets(), in_memory)


def _decode(reader: Records, out: Sequence[NDArray[np.uint8]], progress: ProgressCall | None) -> None:
    """Decode all into ``out`` [N, H, W, C], and lay each picture out as [C, H, W], BGR, in its own place; dense answers stay as they are."""
    images = out[0]
    if len(out) > 1:
        assert isinstance(reader, PairReader)
        reader.decode_all(images, out[1], progress)
    elif isinstance(reader, PairReader):
        shape = reader.label_shape
        assert shape is not None
        reader.decode_all(images, np.empty((len(reader), *shape), np.float32), progress)
    else:
        reader.decode_all(images, progress)
    channels = images.shape[3]
    if channels == 1:
        return
    planes = images.reshape(len(images), channels, *images.shape[1:3])
    order = -1 if channels == 3 else 1
    for first in range(0, len(images), _REORDER_RECORDS):
        some = slice(first, first + _REORDER_RECORDS)
        planes[some] = images[some, :, :, ::order].transpose(0, 3, 1, 2).copy()


def _mapped(
    reader: Records, cache: Path, key: str, shapes: Sequence[tuple[int, ...]], num_bytes: int, progress: ProgressCall | None
) -> list[NDArray[np.uint8]]:  # fmt: skip
    """Return memory maps of the decoded database, made where they are not there: each whole or not at all."""
    paths = [
        cache / f"{key}-{'x'.join(map(str, shape))}{kind}.u8" for shape, kind in zip(shapes, ("", "-answers"), strict=False)
    ]  # fmt: skip
    if not all(path.exists() for path in paths):
        _decode_to_disk(reader, paths, shapes, num_bytes, progress)
    # copy-on-write: torch warns of arrays that cannot be written, and nothing here writes
    return [np.memmap(path, np.uint8, mode="c", shape=shape) for path, shape in zip(paths, shapes, strict=True)]


def _decode_to_disk(
    reader: Records, paths: Sequence[Path], shapes: Sequence[tuple[int, ...]], num_bytes: int, progress: ProgressCall | None
) -> None:  # fmt: skip
    folder = paths[0].parent
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".*.tmp"):  # of a process that was killed
        if not psutil.pid_exists(int(left.name.split(".")[-2])):
            left.unlink(missing_ok=True)
    if shutil.disk_usage(folder).free < num_bytes:
        raise TrainingError(
            f"The decoded pictures take {num_bytes / 1e9:.1f} GB, more than the memory that is free, and the disk has no room for them.",
            where=str(folder),
            hint="Free some disk or memory, or build the dataset with smaller pictures.",
        )
    temporary = [path.with_name(f".{path.name}.{os.getpid()}.tmp") for path in paths]
    try:
        out = [np.memmap(path, np.uint8, mode="w+", shape=shape) for path, shape in zip(temporary, shapes, strict=True)]
        _decode(reader, out, progress)
        for each in out:
            each.flush()
        for path, place in zip(temporary, paths, strict=True):
            os.replace(path, place)
    finally:
        for path in temporary:
            path.unlink(missing_ok=True)
