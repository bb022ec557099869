"""Makes a database of pictures and masks: two LMDBs, ``features`` and ``labels``, under the same keys, as DIGITS' generic datasets have them.

Beside them the index has, of each record, the picture's path, the classes in its mask, and a digest of each of the two.

Legend: HWC = height, width, channels of uint8 RGB; HW = height, width of class ids.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.files import sync_folder
from digits.core.work import StopCheck, StoppedError
from digits.data.contenthash import MASK_DIGESTS, DigestWriter, picture_digest
from digits.data.createdb import Places, Progress, check_entries, in_order, num_bytes
from digits.data.databases import Encoding, encode
from digits.data.encode import encode_png
from digits.data.index import IndexWriter
from digits.data.masks import MOST_CLASSES
from digits.data.records import FEATURES, LABELS, Datum, RecordWriter, plain_key, write_datum
from digits.data.refused import RefusedWriter

_REPORT_S = 0.5
_LOG_S = 2.0


@dataclass(frozen=True)
class Pair:
    """A picture with its mask, as they are to be stored."""

    image_HWC: NDArray[np.uint8]
    mask_HW: NDArray[np.uint8]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PairItems:
    """What a database is made of: the names of the picture and of the label of item i, and what makes the two of it.

    ``make`` is called by several threads, and raises DataError for an item that cannot be used.
    """

    names: Sequence[tuple[bytes, bytes]]
    make: Callable[[int], Pair]
    order: NDArray[np.integer]


@dataclass(frozen=True)
class PairForm:
    """How the two are kept."""

    feature_encoding: Encoding
    label_encoding: Literal["png", "none"]
    batch: int = 100
    """Records a transaction."""


@dataclass
class CreatedPairs:
    """What was made."""

    entries: int = 0
    refused: int = 0
    values: NDArray[np.int64] = field(default_factory=lambda: np.zeros(MOST_CLASSES, np.int64))
    """Pixels of each value, 0 to 255."""
    holding: NDArray[np.int64] = field(default_factory=lambda: np.zeros(MOST_CLASSES, np.int64))
    """Records that hold each value."""
    notes: Counter[str] = field(default_factory=Counter)
    largest: tuple[int, int, int] = (0, 0, 0)
    """The greatest height, width and number of channels."""
    bytes: int = 0
    seconds: float = 0.0


@dataclass
class _Made:
    item: int
    feature: bytes = b""
    label: bytes = b""
    digests: tuple[bytes, bytes] = (b"", b"")
    counts: NDArray[np.int64] | None = None
    shape: tuple[int, int, int] = (0, 0, 0)
    notes: tuple[str, ...] = ()
    refusal: DataError | None = None


def create_pair_db(
    places: Places,
    name: str,
    items: PairItems,
    form: PairForm,
    *,
    ignore_label: int | None,
    num_threads: int,
    progress: Progress,
    stop: StopCheck,
    refused: RefusedWriter,
) -> CreatedPairs:
    """Write the two LMDBs and the index of database ``name``; they appear whole, or not at all.

    Raises:
        StoppedError: asked to stop; what was written is removed.
        DataError: not one pair could be used.
        SetupError: the disk is full or broken.
    """
    started = time.monotonic()
    cv2.setNumThreads(1)  # the threads are ours: one a picture
    cancelled = threading.Event()

    def work(chunk: Sequence[int]) -> list[_Made]:
        return [_make(item, items, form, lambda: cancelled.is_set() or stop()) for item in chunk]

    with places.log.open("w", buffering=1, encoding="utf-8") as log:
        sink = _Sink(places, name, items, form, ignore_label, refused, log.write)
        try:
            for made in in_order(work, cancelled, items.order, num_threads):
                sink.add(made)
                sink.report(progress)
            check_entries(sink.created.entries, sink.created.refused, name)
            sink.finish()
        except BaseException:
            sink.abort()
            raise
    sink.created.bytes, sink.created.seconds = num_bytes(places.database), time.monotonic() - started
    return sink.created


def _make(item: int, items: PairItems, form: PairForm, stop: StopCheck) -> _Made:
    if stop():
        raise StoppedError
    try:
        pair = items.make(item)
    except DataError as error:
        return _Made(item, refusal=error)
    height, width, channels = pair.image_HWC.shape
    encoding: Encoding = form.feature_encoding if channels in (1, 3) else "none"
    data, mask_HWC = encode(pair.image_HWC, encoding), pair.mask_HW[:, :, None]
    is_png = form.label_encoding == "png"
    label = encode_png(mask_HWC) if is_png else np.ascontiguousarray(pair.mask_HW).tobytes()
    return _Made(
        item,
        write_datum(Datum(channels, height, width, data, 0, encoding != "none")),
        write_datum(Datum(1, height, width, label, 0, is_png)),
        (picture_digest(pair.image_HWC, data if encoding == "jpg" else None), picture_digest(mask_HWC)),
        np.bincount(pair.mask_HW.ravel(), minlength=MOST_CLASSES),
        (height, width, channels),
        pair.notes,
    )


class _Sink:
    """Receives outcomes in order, one thread: numbers them, writes records, index, log and refused rows."""

    def __init__(
        self, places: Places, name: str, items: PairItems, form: PairForm, ignore_label: int | None,
        refused: RefusedWriter, log: Callable[[str], object],
    ) -> None:  # fmt: skip
        self._name, self._items, self._ignore, self._refused, self._log = name, items, ignore_label, refused, log
        self._places = places.database, places.index
        self._temporary = tuple(place.with_name(place.name + ".tmp") for place in self._places)
        for leftover in self._temporary:
            shutil.rmtree(leftover, ignore_errors=True)
        database, index = self._temporary
        database.mkdir()
        self._features = RecordWriter(database / FEATURES, batch=form.batch)
        self._labels = RecordWriter(database / LABELS, batch=form.batch)
        self._index = IndexWriter(index, "mask")
        self._digests = DigestWriter(index), DigestWriter(index, MASK_DIGESTS)
        self.created = CreatedPairs()
        self._started = self._reported = self._logged = time.monotonic()

    def add(self, made: _Made) -> None:
        picture, label = self._items.names[made.item]
        created = self.created
        if made.refusal is not None or made.counts is None:
            created.refused += 1
            error = made.refusal or DataError("It could not be read.")
            is_label = error.rule.startswith("LABEL_")
            self._refused.add(self._name, label if is_label else picture, error)
            return
        key, present = plain_key(created.entries), np.flatnonzero(made.counts)
        self._features.put(key, made.feature)
        self._labels.put(key, made.label)
        self._index.append(picture, tuple(value for value in present.tolist() if value != self._ignore))
        for writer, digest in zip(self._digests, made.digests, strict=True):
            writer.append(digest)
        created.entries += 1
        created.values += made.counts
        created.holding[present] += 1
        created.notes.update(made.notes)
        height, width, channels = (max(pair) for pair in zip(created.largest, made.shape, strict=True))
        created.largest = height, width, channels

    def report(self, progress: Progress) -> None:
        now, total = time.monotonic(), len(self._items.order)
        done = self.created.entries + self.created.refused
        if now - self._reported >= _REPORT_S or done == total:
            self._reported = now
            progress(done=done, total=total, rate=done / max(now - self._started, 1e-9))
        if now - self._logged >= _LOG_S or done == total:
            self._logged = now
            self._say(f"Processed {done}/{total}")

    def finish(self) -> None:
        for each in (self._features, self._labels, self._index, *self._digests):
            each.close()
        self._say(f"{self.created.entries} images written to database")
        for temporary, place in zip(self._temporary, self._places, strict=True):
            shutil.rmtree(place, ignore_errors=True)
            os.replace(temporary, place)
            sync_folder(place.parent)

    def abort(self) -> None:
        for each in (self._features, self._labels, self._index):
            each.abort()
        for digests in self._digests:
            digests.close()
        for leftover in self._temporary:
            shutil.rmtree(leftover, ignore_errors=True)

    def _say(self, text: str) -> None:
        self._log(f"{time.strftime('%Y-%m-%d %H:%M:%S')} [INFO ] {text}\n")
