"""What feeds a network: batches of a decoded database (``frames``), by index.

The records of batch ``k``, their crops and mirrors are a function of the seed and ``k`` alone. So the same seed gives the
same curve, a batch can be made ahead of its time by a thread, and a training resumes in the middle of an epoch with nothing but ``k``.
Answers that have places in the picture, as masks have, are moved with its pixels (``geometry``), on the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.training.augment import Augmenter
from digits.training.frames import Frames, Pictures
from digits.training.geometry import Moves, moves
from digits.training.order import Balanced, Order, Passes
from digits.training.transform import Places, Transform, cut
from digits.training.world import ALONE, World

Collate = Callable[[NDArray[Any]], Tensor]
"""Turns the targets of a batch into what the network takes: the kind of answer brings it."""
Move = Callable[[Tensor, Moves], Tensor]
"""Moves the collated targets of a batch with the pixels of their pictures."""


@dataclass(frozen=True)
class _Gathered:
    """The pictures of a batch on the host, where those were cut out, and their targets."""

    images_NCHW: Tensor
    places: Places | None
    targets: NDArray[Any]
    stored: tuple[int, int]
    """Height and width of the pictures before that."""


class TrainingSource:
    """Endless batches of a database, each full; a pass over the records ends inside a batch, as Caffe wraps.

    Args:
        frames: the database.
        transform: what happens to the pictures.
        collate: what happens to the targets.
        batch_size: pictures in a batch; may be more than the database has.
        seed: of the order, the crops and the mirrors.
        shuffle: a new order each pass; else the order of the keys.
        balanced: classes come equally often; ``frames.targets`` are class ids then.
        augmenter: changes the pictures by chance.
        move: moves the targets with the pictures; None for targets without places.
        unit: what a byte of the targets is worth.
        world: the processes that share every batch; this one gives its own records of it, as they would be in the whole batch.
    """

    def __init__(
        self,
        frames: Pictures,
        transform: Transform,
        collate: Collate,
        *,
        batch_size: int,
        seed: int,
        shuffle: bool,
        balanced: bool = False,
        augmenter: Augmenter | None = None,
        move: Move | None = None,
        unit: float = 1.0,
        world: World = ALONE,
    ) -> None:
        self._own = world.own(batch_size)
        self._frames = frames
        self._transform = transform
        self._augmenter = augmenter
        self._collate = collate
        self._move, self._unit = move, unit
        self._batch_size = batch_size
        self._seed = seed
        self._order: Order = (
            Balanced(frames.targets, seed=seed, shuffle=shuffle)
            if balanced and isinstance(frames, Frames)
            else Passes(len(frames), seed=seed, shuffle=shuffle)
        )
        self._ahead: tuple[int, Future[_Gathered]] | None = None
        # A gather from memory takes less time than handing it to a thread; from disk, or for another device, it does not.
        needs_thread = not frames.in_memory or transform.device.type != "cpu"
        self._thread = ThreadPoolExecutor(1, "batches") if needs_thread else None

    def batch(self, number: int) -> tuple[Tensor, Tensor]:
        """Return batch ``number`` (from 0) on the device: float32 [N, C, H, W] and its targets."""
        if self._thread is None:
            made = self._gather(number)
        else:
            ahead = self._ahead
            future = ahead[1] if ahead and ahead[0] == number else self._thread.submit(self._gather, number)
            made = future.result()
            self._ahead = (number + 1, self._thread.submit(self._gather, number + 1))
        targets = self._collate(made.targets).to(self._transform.device, non_blocking=True)
        if self._move is not None and (by := self._moves(made, number)) is not None:
            targets = self._move(targets, by)
        images_NCHW = made.images_NCHW
        if self._augmenter is not None:
            images_NCHW = self._augmenter(images_NCHW, made.places, number, of=self._batch_size, own=self._own)
        return self._transform(images_NCHW, made.places), as_floats(targets, self._unit)

    def records(self, number: int) -> NDArray[np.int64]:
        """Return the indices of the records of batch ``number``."""
        size = self._batch_size
        return self._order.records(np.arange(number * size, (number + 1) * size))

    def close(self) -> None:
        """End the thread, if there is one."""
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)

    def _moves(self, made: _Gathered, number: int) -> Moves | None:
        augmenter, chance = self._augmenter, None
        if augmenter is not None and augmenter.moves:
            chance = augmenter.chance(number, self._batch_size, self._own)
        warps = augmenter is not None and augmenter.warps
        return moves(made.stored, self._transform.crop_px, made.places, chance, warps=warps)

    def _gather(self, number: int) -> _Gathered:
        """Fetch the pictures of batch ``number``, cut out where a crop is asked for and nobody else does it; uint8, on the host."""
        side_px = self._transform.crop_px
        frames, rows = self._frames.of(self.records(number)[self._own])
        assert isinstance(rows, np.ndarray)
        images_NCHW, records, targets = frames.images_NCHW, torch.from_numpy(rows), frames.targets[rows]
        height, width = images_NCHW.shape[2:]
        if not side_px and not self._transform.mirror:
            return _Gathered(self._pin(images_NCHW.index_select(0, records)), None, targets, (height, width))
        chance = np.random.default_rng((self._seed, 1, number))
        side_h, side_w = (side_px, side_px) if side_px else (height, width)
        count, own = self._batch_size, self._own  # drawn for the whole batch, whoever has a share of it
        places = Places(
            torch.from_numpy(chance.integers(0, height - side_h + 1, count)[own]),
            torch.from_numpy(chance.integers(0, width - side_w + 1, count)[own]),
            torch.from_numpy(chance.random(count)[own] < 0.5) if self._transform.mirror else None,
        )
        if not side_px or (self._augmenter is not None and self._augmenter.warps):
            found = images_NCHW.index_select(0, records)
        else:
            found = cut(images_NCHW, records, places.tops_px, places.lefts_px, side_px)
        return _Gathered(self._pin(found), places, targets, (height, width))

    def _pin(self, images_NCHW: Tensor) -> Tensor:
        return images_NCHW.pin_memory() if self._transform.device.type == "cuda" else images_NCHW


def batches_once(
    frames: Pictures,
    transform: Transform,
    collate: Collate,
    batch_size: int,
    own: slice = slice(None),
    move: Move | None = None,
    unit: float = 1.0,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each record (of ``own`` alone) once, in the order of the keys, with centre crops; the last batch may be smaller.

    Caffe wraps instead, and counts the first records twice; so the accuracy here is of the whole set, exactly.
    """
    begin, end, _ = own.indices(len(frames))
    for first in range(begin, end, batch_size):
        found, rows = frames.of(slice(first, min(first + batch_size, end)))
        images_NCHW = found.images_NCHW[rows]
        targets = collate(found.targets[rows]).to(transform.device, non_blocking=True)
        height, width = images_NCHW.shape[2:]
        if move is not None and (by := moves((height, width), transform.crop_px, None)) is not None:
            targets = move(targets, by)
        yield transform(images_NCHW), as_floats(targets, unit)


def as_floats(targets: Tensor, unit: float) -> Tensor:
    """Return targets as networks take them: what came to the device as bytes are floats there, each worth ``unit``, as all blobs of Caffe."""
    if targets.dtype != torch.uint8:
        return targets
    return targets.float() if unit == 1 else targets.float() * unit
