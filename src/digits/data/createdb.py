"""Makes one database of a dataset from a list of files: decoded and resized in threads, written in order, memory flat.

A file that cannot be used costs its own row: it is written down as refused, and the keys of the others have no gap.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.files import sync_folder
from digits.core.work import StopCheck, StoppedError
from digits.data.contenthash import DigestWriter, record_digest
from digits.data.databases import Backend, Compression, DatabaseWriter, Encoding, Layout, create_database
from digits.data.images import Limits, prepare
from digits.data.index import IndexWriter
from digits.data.mean import MeanAccumulator
from digits.data.reader import Answer, TargetKind
from digits.data.refused import RefusedWriter
from digits.data.resize import ResizeMode
from digits.data.stored import StoredPicture

_CHUNK = 16  # pictures a task: few enough that a stop is heard at once, enough that queueing costs nothing
_REPORT_S = 0.5
_LOG_S = 2.0
T = TypeVar("T")


@dataclass(frozen=True)
class PictureForm:
    """What every picture of a dataset becomes."""

    height: int
    width: int
    channels: int
    mode: ResizeMode
    encoding: Encoding
    seed: int
    limits: Limits = field(default_factory=Limits)
    backend: Backend = "lmdb"
    compression: Compression = "none"
    converts: bool = True
    """False: a picture of another number of channels is refused, where else grey and colour become each other."""


class Progress(Protocol):
    """Told about twice a second."""

    def __call__(self, *, done: int, total: int, rate: float) -> None:
        """Hear how many of how many files are done, and how many a second."""


@dataclass(frozen=True)
class Places:
    """Where a database lies, with its index and what is said while it is made."""

    database: Path
    index: Path
    log: Path

    @classmethod
    def of(cls, folder: Path, name: str) -> Places:
        """Return the places of database ``name`` in a job folder."""
        return cls(folder / f"{name}_db", folder / "index" / name, folder / f"create_{name}_db.log")


@dataclass(frozen=True)
class CreatedDb:
    """What :func:`create_db` made."""

    entries: int
    refused: int
    class_counts: list[int]
    notes: Counter[str]
    bytes: int
    seconds: float
    shards: int = 1


@dataclass(frozen=True)
class Items:
    """What a database is made of: name, file, answer (``label``) of item i, written in ``order``.

    ``line`` is that of the list which names the item, 0 where none does. Class ids are below ``num_classes``; for ``kind`` "vector" that
    is the length of each answer.
    """

    name: Callable[[int], bytes]
    read: Callable[[int], bytes]
    label: Callable[[int], Answer]
    line: Callable[[int], int]
    order: NDArray[np.integer]
    num_classes: int
    kind: TargetKind = "class"
    stored: Callable[[int], StoredPicture | None] = lambda _item: None
    """The record that an item is elsewhere, kept as it is where it has this database's form; None for a file."""


@dataclass
class _Made:
    """One item's outcome: a record, or the reason why there is none."""

    item: int
    record: bytes = b""
    digest: bytes = b""
    notes: tuple[str, ...] = ()
    refusal: DataError | None = None


def create_db(
    folder: Path,
    name: str,
    items: Items,
    form: PictureForm,
    *,
    num_threads: int,
    progress: Progress,
    stop: StopCheck,
    refused: RefusedWriter,
    mean: MeanAccumulator | None = None,
    places: Places | None = None,
) -> CreatedDb:
    """Write ``<folder>/<name>_db`` and ``<folder>/index/<name>``; they appear whole, or not at all.

    Args:
        folder: the job folder.
        name: "train", "val" or "test".
        items: the files with their class ids.
        form: what every picture becomes.
        num_threads: decoding threads.
        progress: told about twice a second.
        stop: asked for each picture.
        refused: where files that cannot be used are written down.
        mean: given every picture, where there is one.
        places: other places for a part of a database, which may have no record.

    Raises:
        StoppedError: asked to stop; what was written is removed.
        DataError: not one file could be used.
        SetupError: the disk is full or broken.
    """
    started = time.monotonic()
    cv2.setNumThreads(1)  # the threads are ours: one a picture
    layout = Layout(
        form.backend,
        form.encoding,
        form.compression,
        (form.height, form.width, form.channels),
        items.kind,
        items.num_classes,
    )
    is_part, places = places is not None, places or Places.of(folder, name)
    with places.log.open("w", buffering=1, encoding="utf-8") as log:
        sink = _Sink(places, name, f"../{folder.name}/{name}_db", items, layout, refused, log.write)
        work = _Worker(items, form, sink.database, mean, stop)
        try:
            for made in in_order(work, work.cancelled, items.order, num_threads):
                sink.add(made)
                sink.report(progress)
            if not is_part:
                sink.check()
            sink.finish()
        except BaseException:
            sink.abort()
            raise
    size = num_bytes(places.database)
    return CreatedDb(sink.entries, sink.refused_count, sink.class_counts, sink.notes, size, time.monotonic() - started)


def num_bytes(folder: Path) -> int:
    """Return what the files below ``folder`` take."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def check_entries(entries: int, refused: int, name: str) -> None:
    """Do nothing if a database has a record.

    Raises:
        DataError: it has none (DB_EMPTY).
    """
    if not entries:
        raise DataError(
            f"Not one of the {refused:,} files for {name} could be used.",
            where="refused.csv",
            hint="It names every file with the reason.",
            rule="DB_EMPTY",
        )


class _Worker:
    """Turns items into records; called by several threads."""

    def __init__(
        self, items: Items, form: PictureForm, database: DatabaseWriter, mean: MeanAccumulator | None, stop: StopCheck
    ) -> None:
        self._items, self._form, self._database, self._mean, self._stop = items, form, database, mean, stop
        self.cancelled = threading.Event()

    def __call__(self, chunk: Sequence[int]) -> list[_Made]:
        """Return the outcome of each item."""
        return [self._make(item) for item in chunk]

    def _make(self, item: int) -> _Made:
        if self.cancelled.is_set() or self._stop():
            raise StoppedError
        form = self._form
        try:
            stored = self._items.stored(item)
            if stored is not None and stored.image_HWC.shape == (form.height, form.width, form.channels):
                return self._finished(item, stored.image_HWC, stored.data if stored.encoding == form.encoding else None)
            decoded = prepare(
                self._items.read(item),
                height=form.height, width=form.width, channels=form.channels,
                mode=form.mode, seed=form.seed, limits=form.limits, converts=form.converts,
            )  # fmt: skip
        except DataError as error:
            return _Made(item, refusal=error)
        return self._finished(item, decoded.image_HWC, None, decoded.notes)

    def _finished(
        self, item: int, image_HWC: NDArray[np.uint8], data: bytes | None, notes: tuple[str, ...] = ()
    ) -> _Made:
        if self._mean is not None:
            self._mean.add(image_HWC)
        record = self._database.encode(image_HWC, self._items.label(item), data)
        digest = record_digest(image_HWC, record, backend=self._form.backend, encoding=self._form.encoding)
        return _Made(item, record, digest, notes)


def in_order(
    work: Callable[[Sequence[int]], list[T]], cancelled: threading.Event, order: NDArray[np.integer], num_threads: int
) -> Iterator[T]:
    """Yield what ``work`` makes of the items in ``order``, in that order, made by threads.

    Only a few chunks are ever made ahead of the one that is waited for; ``cancelled`` is set when nothing more is wanted.
    """
    items = iter(range(0, len(order), _CHUNK))
    pending: deque[Future[list[T]]] = deque()
    pool = ThreadPoolExecutor(num_threads, thread_name_prefix="decode")
    try:
        for at in islice(items, 2 * num_threads + 2):
            pending.append(pool.submit(work, order[at : at + _CHUNK].tolist()))
        while pending:
            yield from pending.popleft().result()
            for at in islice(items, 1):
                pending.append(pool.submit(work, order[at : at + _CHUNK].tolist()))
    finally:
        cancelled.set()
        pool.shutdown(wait=True, cancel_futures=True)


class _Sink:
    """Receives outcomes in order, one thread: numbers them, writes records, index, log and refused rows."""

    def __init__(
        self, places: Places, name: str, beside: str, items: Items, layout: Layout, refused: RefusedWriter,
        log: Callable[[str], object],
    ) -> None:  # fmt: skip
        self._name, self._items, self._refused, self._log = name, items, refused, log
        self._places = places.database, places.index
        self._temporary = tuple(place.with_name(place.name + ".tmp") for place in self._places)
        for leftover in self._temporary:
            shutil.rmtree(leftover, ignore_errors=True)
        self.database = create_database(self._temporary[0], layout, place=beside)
        self._index = IndexWriter(self._temporary[1], layout.kind)
        self._digests = DigestWriter(self._temporary[1])
        self.class_counts = [0] * items.num_classes if layout.kind != "vector" else []
        self.notes: Counter[str] = Counter()
        self.entries = self.refused_count = 0
        self._started = self._reported = self._logged = time.monotonic()

    def add(self, made: _Made) -> None:
        path = self._items.name(made.item)
        if made.refusal is not None:
            self.refused_count += 1
            self._refused.add(self._name, path, made.refusal, self._items.line(made.item) or None)
            return
        answer = self._items.label(made.item)
        self.database.put(answer, made.record)
        self._index.append(path, answer)
        self._digests.append(made.digest)
        if self.class_counts:
            for class_id in (answer,) if isinstance(answer, int) else answer:
                self.class_counts[int(class_id)] += 1
        self.notes.update(made.notes)
        self.entries += 1

    def report(self, progress: Progress) -> None:
        now, done, total = time.monotonic(), self.entries + self.refused_count, len(self._items.order)
        if now - self._reported >= _REPORT_S or done == total:
            self._reported = now
            progress(done=done, total=total, rate=done / max(now - self._started, 1e-9))
        if now - self._logged >= _LOG_S or done == total:
            self._logged = now
            self._say(f"Processed {done}/{total}")

    def check(self) -> None:
        check_entries(self.entries, self.refused_count, self._name)

    def finish(self) -> None:
        self.database.close()
        self._index.close()
        self._digests.close()
        for label, count in enumerate(self.class_counts):
            self._say(f"Category {label} has {count} images.")
        self._say(f"{self.entries} images written to database")
        for temporary, place in zip(self._temporary, self._places, strict=True):
            shutil.rmtree(place, ignore_errors=True)
            os.replace(temporary, place)
            sync_folder(place.parent)

    def abort(self) -> None:
        self.database.abort()
        self._index.abort()
        self._digests.close()
        for leftover in self._temporary:
            shutil.rmtree(leftover, ignore_errors=True)

    def _say(self, text: str) -> None:
        self._log(f"{time.strftime('%Y-%m-%d %H:%M:%S')} [INFO ] {text}\n")
