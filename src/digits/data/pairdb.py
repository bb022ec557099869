"""Makes a database of pictures and labels of any form: a class, numbers, a mask, another picture.

Where a label is an array there are two LMDBs, ``features`` and ``labels``, under the same keys, as DIGITS' generic datasets have them; of one
class a picture there is one LMDB, as of classification. Beside them the index has, of each record, the picture's path, the classes in its
label (or its numbers), and a digest of picture and label.

Legend: HWC = height, width, channels of uint8 (RGB where there are 3).
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.files import sync_folder
from digits.core.work import StopCheck, StoppedError
from digits.data.contenthash import INDEXED, LABEL_DIGESTS, DigestWriter, picture_digest
from digits.data.createdb import Places, Progress, check_entries, in_order, num_bytes
from digits.data.databases import Encoding, encode
from digits.data.index import IndexWriter
from digits.data.labels import LabelEncoding, label_digest, label_record
from digits.data.reader import Answer, TargetKind
from digits.data.records import LABELS, Datum, RecordWriter, key, pictures_folder, plain_key, write_datum
from digits.data.refused import RefusedWriter

_REPORT_S = 0.5
_LOG_S = 2.0


@dataclass(frozen=True)
class Pair:
    """A picture with its label, as they are to be stored."""

    image_HWC: NDArray[np.uint8]
    label: int | NDArray[Any]
    """A class id; uint8 [H, W] (mask) or [H, W, C] (picture); float32 [n] (numbers), [h, w] or [c, h, w]."""
    counts: NDArray[np.int64] | None = None
    """How much of each class is in the label, by id: pixels of a mask, boxes; None where it holds no classes, or is one."""
    notes: tuple[str, ...] = ()
    digest: bytes = b""
    """The label's, where another than that of its values names what it says."""
    data: bytes | None = None
    """The picture as a file in the database's encoding, where it is at hand."""


@dataclass(frozen=True)
class PairItems:
    """What a database is made of: the names of the picture and of the label of item i, and what makes the two of it.

    ``make`` is called by several threads, and raises DataError for an item that cannot be used. ``line`` is that of the list which names
    the item, 0 where none does.
    """

    names: Sequence[tuple[bytes, bytes]]
    make: Callable[[int], Pair]
    order: NDArray[np.integer]
    line: Callable[[int], int] = lambda _item: 0


@dataclass(frozen=True)
class PairForm:
    """How the two are kept."""

    kind: TargetKind
    feature_encoding: Encoding
    label_encoding: LabelEncoding = "none"
    batch: int = 100
    """Records a transaction."""
    ignore_label: int | None = None
    """A class id that does not count as one that a record holds."""


@dataclass
class CreatedPairs:
    """What was made."""

    entries: int = 0
    refused: int = 0
    counts: NDArray[np.int64] | int = 0
    """The sum of the labels' ``counts``, by class id; 0 where they have none."""
    holding: Counter[int] = field(default_factory=Counter)
    """Records that hold each class."""
    notes: Counter[str] = field(default_factory=Counter)
    largest: tuple[int, int, int] = (0, 0, 0)
    """The greatest height, width and number of channels."""
    smallest: tuple[int, int, int] | None = None
    """The least; None before there is a picture."""
    label_shape: tuple[int, ...] = ()
    """That of the last label."""
    bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class _Record:
    feature: bytes
    label: bytes
    digests: tuple[bytes, bytes]
    answer: Answer
    pair: Pair


@dataclass(frozen=True)
class _Made:
    item: int
    record: _Record | None = None
    refusal: DataError | None = None


def create_pair_db(
    places: Places,
    name: str,
    items: PairItems,
    form: PairForm,
    *,
    num_threads: int,
    progress: Progress,
    stop: StopCheck,
    refused: RefusedWriter,
) -> CreatedPairs:
    """Write the LMDBs and the index of database ``name``; they appear whole, or not at all.

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
        sink = _Sink(places, name, items, form, refused, log.write)
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
        return _Made(item, _record(items.make(item), form))
    except DataError as error:
        return _Made(item, refusal=error)


def _record(pair: Pair, form: PairForm) -> _Record:
    height, width, channels = pair.image_HWC.shape
    encoding: Encoding = form.feature_encoding if channels in (1, 3) else "none"
    data = encode(pair.image_HWC, encoding) if pair.data is None or encoding == "none" else pair.data
    digest = picture_digest(pair.image_HWC, data if encoding == "jpg" else None)
    label = pair.label
    feature = write_datum(
        Datum(channels, height, width, data, label if isinstance(label, int) else 0, encoding != "none")
    )
    if isinstance(label, int):
        return _Record(feature, b"", (digest, b""), label, pair)
    if form.kind == "vector":
        answer: Answer = tuple(label.tolist())
    else:
        present = () if pair.counts is None else np.flatnonzero(pair.counts).tolist()
        answer = tuple(each for each in present if each != form.ignore_label)
    digests = digest, pair.digest or label_digest(label)
    return _Record(feature, label_record(label, form.label_encoding), digests, answer, pair)


class _Sink:
    """Receives outcomes in order, one thread: numbers them, writes records, index, log and refused rows."""

    def __init__(
        self, places: Places, name: str, items: PairItems, form: PairForm, refused: RefusedWriter, log: Callable[[str], object]
    ) -> None:  # fmt: skip
        self._name, self._items, self._refused, self._log = name, items, refused, log
        self._places = places.database, places.index
        self._temporary = tuple(place.with_name(place.name + ".tmp") for place in self._places)
        for leftover in self._temporary:
            shutil.rmtree(leftover, ignore_errors=True)
        database, index = self._temporary
        has_labels = form.kind != "class"
        if has_labels:
            database.mkdir()
        self._features = RecordWriter(pictures_folder(database, form.kind), batch=form.batch)
        self._labels = RecordWriter(database / LABELS, batch=form.batch) if has_labels else None
        self._index = IndexWriter(index, form.kind)
        self._digests = DigestWriter(index)
        self._label_digests = DigestWriter(index, LABEL_DIGESTS) if form.kind not in INDEXED else None
        self.created = CreatedPairs()
        self._started = self._reported = self._logged = time.monotonic()

    def add(self, made: _Made) -> None:
        picture, label = self._items.names[made.item]
        created, record = self.created, made.record
        if record is None:
            created.refused += 1
            error = made.refusal or DataError("It could not be read.")
            name = label if error.rule.startswith("LABEL_") else picture
            self._refused.add(self._name, name, error, self._items.line(made.item) or None)
            return
        answer, pair = record.answer, record.pair
        number = created.entries
        self._features.put(key(number, answer) if isinstance(answer, int) else plain_key(number), record.feature)
        if self._labels is not None:
            self._labels.put(plain_key(number), record.label)
        self._index.append(picture, answer)
        self._digests.append(record.digests[0])
        if self._label_digests is not None:
            self._label_digests.append(record.digests[1])
        created.entries += 1
        self._count(pair)

    def _count(self, pair: Pair) -> None:
        created = self.created
        if isinstance(pair.label, int):
            created.holding[pair.label] += 1
        else:
            created.label_shape = pair.label.shape
        if pair.counts is not None:
            created.counts = created.counts + pair.counts
            created.holding.update(np.flatnonzero(pair.counts).tolist())
        created.notes.update(pair.notes)
        height, width, channels = shape = pair.image_HWC.shape
        (most_h, most_w, most_c), (least_h, least_w, least_c) = created.largest, created.smallest or shape
        created.largest = max(most_h, height), max(most_w, width), max(most_c, channels)
        created.smallest = min(least_h, height), min(least_w, width), min(least_c, channels)

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
        for each in (self._features, self._labels, self._index, self._digests, self._label_digests):
            if each is not None:
                each.close()
        self._say(f"{self.created.entries} images written to database")
        for temporary, place in zip(self._temporary, self._places, strict=True):
            shutil.rmtree(place, ignore_errors=True)
            os.replace(temporary, place)
            sync_folder(place.parent)

    def abort(self) -> None:
        for each in (self._features, self._labels, self._index):
            if each is not None:
                each.abort()
        for digests in (self._digests, self._label_digests):
            if digests is not None:
                digests.close()
        for leftover in self._temporary:
            shutil.rmtree(leftover, ignore_errors=True)

    def _say(self, text: str) -> None:
        self._log(f"{time.strftime('%Y-%m-%d %H:%M:%S')} [INFO ] {text}\n")
