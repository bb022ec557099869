"""One look at every stored picture of a dataset: all that the other checks need, a thousand bytes a picture.

Legend: N pictures of all databases, one database after the other; H × W their thumbnails.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.probe import picture_size
from digits.data.reader import DatasetReader
from digits.data.records import key

THUMB_SIDE = 32
"""Thumbnails are no larger; smaller pictures stay as they are."""
_CHUNK = 64

Tell = Callable[[int], None]
"""Told how many pictures are done; may raise to stop."""


@dataclass(frozen=True)
class Item:
    """One record as findings name it."""

    db: str
    index: int
    key: str
    path: str
    label: str
    label_id: int
    digest: str
    """Beginning of the SHA-256 of its pixels: equal ones are equal pictures."""


@dataclass(frozen=True)
class Looks:
    """What was seen of N pictures; ``broken`` ones are black everywhere else."""

    labels: tuple[str, ...]
    dbs: tuple[str, ...]
    starts: tuple[int, ...]
    """Where each database begins, and the end."""
    targets_N: NDArray[np.int64]
    paths: list[str]
    digests_N: NDArray[np.bytes_]
    thumbs_NHW: NDArray[np.uint8]
    mean_N: NDArray[np.float32]
    """Of the grey values."""
    spread_N: NDArray[np.float32]
    """Largest standard deviation among the channels: 0 for a single colour."""
    sizes: list[tuple[int, int] | None]
    """(height, width) of the files they were made of; None where that is gone or cannot be told."""
    broken: dict[int, str]
    """What is wrong with records that cannot be read."""

    def __len__(self) -> int:
        return len(self.paths)

    def db_of(self, place: int) -> int:
        """Return which database picture ``place`` lies in."""
        return int(np.searchsorted(self.starts, place, side="right")) - 1

    def item(self, place: int) -> Item:
        """Return picture ``place`` by its names."""
        db = self.db_of(place)
        index, target = place - self.starts[db], int(self.targets_N[place])
        label = self.labels[target] if 0 <= target < len(self.labels) else str(target)
        digest = bytes(self.digests_N[place]).hex()[:16]
        return Item(self.dbs[db], index, key(index, target).decode(), self.paths[place], label, target, digest)


def look(readers: Mapping[str, DatasetReader], *, num_threads: int = 1, tell: Tell | None = None) -> Looks:
    """Look at every picture of some databases, in threads."""
    first = next(iter(readers.values()))
    height, width, _ = first.sample_shape
    starts = [0]
    for reader in readers.values():
        starts.append(starts[-1] + len(reader))
    count = starts[-1]
    seen = Looks(
        labels=first.labels,
        dbs=tuple(readers),
        starts=tuple(starts),
        targets_N=np.concatenate([reader.targets() for reader in readers.values()]),
        paths=[""] * count,
        digests_N=np.zeros(count, "S32"),
        thumbs_NHW=np.zeros((count, min(height, THUMB_SIDE), min(width, THUMB_SIDE)), np.uint8),
        mean_N=np.zeros(count, np.float32),
        spread_N=np.zeros(count, np.float32),
        sizes=[None] * count,
        broken={},
    )
    done = 0
    with ThreadPoolExecutor(num_threads, thread_name_prefix="look") as pool:
        for start, reader in zip(starts, readers.values(), strict=False):
            chunks = range(0, len(reader), _CHUNK)
            try:
                # One chunk a thread at a time: what is asked of the pool is not kept in memory.
                for size in pool.map(lambda begin: _look_chunk(seen, reader, start, begin), chunks):  # noqa: B023 - ends within the loop
                    done += size
                    if tell:
                        tell(done)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return seen


def _look_chunk(seen: Looks, reader: DatasetReader, start: int, begin: int) -> int:
    indices = range(begin, min(begin + _CHUNK, len(reader)))
    for index in indices:
        place = start + index
        try:
            sample = reader[index]
        except DataError as error:
            seen.broken[place] = error.message
            continue
        image = sample.image_HWC
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[2] == 3 else image[:, :, 0]
        height, width = seen.thumbs_NHW.shape[1:]
        seen.thumbs_NHW[place] = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
        seen.digests_N[place] = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).digest()
        seen.mean_N[place] = grey.mean()
        seen.spread_N[place] = max(cv2.meanStdDev(plane)[1].max() for plane in cv2.split(image))
        seen.paths[place] = sample.source
        seen.sizes[place] = _source_size(sample.source)
    return len(indices)


def _source_size(path: str) -> tuple[int, int] | None:
    try:
        return picture_size(path) if os.path.isabs(path) and os.path.isfile(path) else None
    except (DataError, ValueError):
        return None
