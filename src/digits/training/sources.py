"""What feeds a network: a whole database decoded once to uint8, then batches by index.

The records of batch ``k``, their crops and mirrors are a function of the seed and ``k`` alone. So the same seed gives the
same curve, a batch can be made ahead of its time by a thread, and a training resumes in the middle of an epoch with nothing but ``k``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.core.errors import TrainingError
from digits.data.reader import DatasetReader, ProgressCall
from digits.training.augment import Augmenter
from digits.training.order import Balanced, Order, Passes
from digits.training.transform import Places, Transform, cut
from digits.training.world import ALONE, World

Collate = Callable[[NDArray[Any]], Tensor]
"""Turns the targets of a batch into what the network takes: the kind of answer brings it."""
_Gathered = tuple[NDArray[np.int64], Tensor, Places | None]
"""Records, their pictures, and where those were cut out."""

_REORDER_RECORDS = 256  # pictures at a time when RGB becomes planes of B, G and R: some MB
_MEMORY_SHARE = 0.5  # of the memory that is free at the start; above it the decoded set goes to disk


@dataclass(frozen=True)
class Frames:
    """A decoded database: uint8 [N, C, H, W], BGR where there are 3 channels (Caffe's layout), and its targets."""

    images_NCHW: Tensor
    targets: NDArray[Any]
    in_memory: bool

    def __len__(self) -> int:
        return len(self.targets)


def load_frames(
    reader: DatasetReader,
    *,
    cache: Path,
    key: str,
    budget_bytes: int | None = None,
    progress: ProgressCall | None = None,
) -> Frames:
    """Decode a database once, into memory, or into a memory map below ``cache`` where it is larger than ``budget_bytes``.

    Args:
        reader: gives the pictures.
        cache: folder for memory maps; one that is there already under the same ``key`` is used again.
        key: names the database's content.
        budget_bytes: half of the free memory when None.
        progress: told how many pictures are decoded; may raise to stop.

    Raises:
        TrainingError: the database is empty, or the disk has no room for the decoded pictures.
    """
    if len(reader) == 0:
        raise TrainingError("The database holds no picture.", hint="Build the dataset anew.")
    shape = (len(reader), *reader.sample_shape)
    num_bytes = int(np.prod(shape, dtype=np.int64))
    if budget_bytes is None:
        budget_bytes = int(psutil.virtual_memory().available * _MEMORY_SHARE)
    in_memory = num_bytes <= budget_bytes
    if in_memory:
        images: NDArray[np.uint8] = np.empty(shape, np.uint8)
        _decode(reader, images, progress)
    else:
        path = cache / f"{key}-{'x'.join(map(str, shape))}.u8"
        if not path.exists():
            _decode_to_disk(reader, path, shape, num_bytes, progress)
        # copy-on-write: torch warns of arrays that cannot be written, and nothing here writes
        images = np.memmap(path, np.uint8, mode="c", shape=shape)
    count, height, width, channels = shape
    return Frames(torch.from_numpy(images).view(count, channels, height, width), reader.targets(), in_memory)


def _decode(reader: DatasetReader, out: NDArray[np.uint8], progress: ProgressCall | None) -> None:
    """Decode all into ``out`` [N, H, W, C], and lay each picture out as [C, H, W], BGR, in its own place."""
    reader.decode_all(out, progress)
    channels = out.shape[3]
    if channels == 1:
        return
    planes = out.reshape(len(out), channels, *out.shape[1:3])
    order = -1 if channels == 3 else 1
    for first in range(0, len(out), _REORDER_RECORDS):
        some = slice(first, first + _REORDER_RECORDS)
        planes[some] = out[some, :, :, ::order].transpose(0, 3, 1, 2).copy()


def _decode_to_disk(
    reader: DatasetReader, path: Path, shape: tuple[int, ...], num_bytes: int, progress: ProgressCall | None
) -> None:
    """Make the memory map's file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(".*.tmp"):  # of a process that was killed
        if not psutil.pid_exists(int(left.name.split(".")[-2])):
            left.unlink(missing_ok=True)
    if shutil.disk_usage(path.parent).free < num_bytes:
        raise TrainingError(
            f"The decoded pictures take {num_bytes / 1e9:.1f} GB, more than the memory that is free, and the disk has no room for them.",
            where=str(path.parent),
            hint="Free some disk or memory, or build the dataset with smaller pictures.",
        )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        out = np.memmap(temporary, np.uint8, mode="w+", shape=shape)
        _decode(reader, out, progress)
        out.flush()
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


class TrainingSource:
    """Endless batches of a database, each full; a pass over the records ends inside a batch, as Caffe wraps.

    Args:
        frames: the decoded database.
        transform: what happens to the pictures.
        collate: what happens to the targets.
        batch_size: pictures in a batch; may be more than the database has.
        seed: of the order, the crops and the mirrors.
        shuffle: a new order each pass; else the order of the keys.
        balanced: classes come equally often; ``frames.targets`` are class ids then.
        augmenter: changes the pictures by chance.
        world: the processes that share every batch; this one gives its own records of it, as they would be in the whole batch.
    """

    def __init__(
        self,
        frames: Frames,
        transform: Transform,
        collate: Collate,
        *,
        batch_size: int,
        seed: int,
        shuffle: bool,
        balanced: bool = False,
        augmenter: Augmenter | None = None,
        world: World = ALONE,
    ) -> None:
        self._own = world.own(batch_size)
        self._frames = frames
        self._transform = transform
        self._augmenter = augmenter
        self._collate = collate
        self._batch_size = batch_size
        self._seed = seed
        self._order: Order = (
            Balanced(frames.targets, seed=seed, shuffle=shuffle)
            if balanced
            else Passes(len(frames), seed=seed, shuffle=shuffle)
        )
        self._ahead: tuple[int, Future[_Gathered]] | None = None
        # A gather from memory takes less time than handing it to a thread; from disk, or for another device, it does not.
        needs_thread = not frames.in_memory or transform.device.type != "cpu"
        self._thread = ThreadPoolExecutor(1, "batches") if needs_thread else None

    def batch(self, number: int) -> tuple[Tensor, Tensor]:
        """Return batch ``number`` (from 0) on the device: float32 [N, C, H, W] and its targets."""
        if self._thread is None:
            records, images_NCHW, places = self._gather(number)
        else:
            ahead = self._ahead
            future = ahead[1] if ahead and ahead[0] == number else self._thread.submit(self._gather, number)
            records, images_NCHW, places = future.result()
            self._ahead = (number + 1, self._thread.submit(self._gather, number + 1))
        targets = self._collate(self._frames.targets[records])
        if self._augmenter is not None:
            images_NCHW = self._augmenter(images_NCHW, places, number, of=self._batch_size, own=self._own)
        return self._transform(images_NCHW, places), targets.to(self._transform.device, non_blocking=True)

    def records(self, number: int) -> NDArray[np.int64]:
        """Return the indices of the records of batch ``number``."""
        size = self._batch_size
        return self._order.records(np.arange(number * size, (number + 1) * size))

    def close(self) -> None:
        """End the thread, if there is one."""
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)

    def _gather(self, number: int) -> _Gathered:
        """Fetch the pictures of batch ``number``, cut out where a crop is asked for and nobody else does it; uint8, on the host."""
        images_NCHW, side_px = self._frames.images_NCHW, self._transform.crop_px
        records = self.records(number)[self._own]
        rows = torch.from_numpy(records)
        if not side_px and not self._transform.mirror:
            return records, self._pin(images_NCHW.index_select(0, rows)), None
        chance = np.random.default_rng((self._seed, 1, number))
        side_h, side_w = (side_px, side_px) if side_px else images_NCHW.shape[2:]
        count, own = self._batch_size, self._own  # drawn for the whole batch, whoever has a share of it
        places = Places(
            torch.from_numpy(chance.integers(0, images_NCHW.shape[2] - side_h + 1, count)[own]),
            torch.from_numpy(chance.integers(0, images_NCHW.shape[3] - side_w + 1, count)[own]),
            torch.from_numpy(chance.random(count)[own] < 0.5) if self._transform.mirror else None,
        )
        if not side_px or (self._augmenter is not None and self._augmenter.warps):
            return records, self._pin(images_NCHW.index_select(0, rows)), places
        return records, self._pin(cut(images_NCHW, rows, places.tops_px, places.lefts_px, side_px)), places

    def _pin(self, images_NCHW: Tensor) -> Tensor:
        return images_NCHW.pin_memory() if self._transform.device.type == "cuda" else images_NCHW


def batches_once(
    frames: Frames, transform: Transform, collate: Collate, batch_size: int, own: slice = slice(None)
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each record (of ``own`` alone) once, in the order of the keys, with centre crops; the last batch may be smaller.

    Caffe wraps instead, and counts the first records twice; so the accuracy here is of the whole set, exactly.
    """
    begin, end, _ = own.indices(len(frames))
    for first in range(begin, end, batch_size):
        some = slice(first, min(first + batch_size, end))
        images_NCHW = frames.images_NCHW[some]
        targets = collate(frames.targets[some])
        yield transform(images_NCHW), targets.to(transform.device, non_blocking=True)
