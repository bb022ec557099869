"""Builds a dataset of ready-made LMDBs, and opens it: records are looked at, and taken over under keys of our own.

Legend: HWC = height, width, channels of uint8 (RGB where there are 3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.events import Emit, Progress
from digits.core.jobfolder import JobFolder
from digits.core.work import StopCheck, StoppedError, WorkerSettings
from digits.data.databases import datum_pixels
from digits.data.labels import datum_label
from digits.data.masks import usual_palette
from digits.data.mean import MeanAccumulator, read_mean
from digits.data.pairdb import CreatedPairs, Pair
from digits.data.pairreader import RecordPairReader
from digits.data.reader import DatasetReader, PairReader, TargetKind
from digits.data.recordreader import RecordReader
from digits.data.records import Datum, RecordFile, read_datum
from digits.extensions.datasets.building.build import PairBuild, Work, build_with
from digits.extensions.datasets.generic.check import ANALYZE, dbs_of
from digits.extensions.datasets.generic.spec import PrebuiltSpec

_IGNORED = 255
_MOST_CLASSES = 100_000
_REPORT_EVERY = 5000


class _Item(NamedTuple):
    db: str
    key: bytes


@dataclass(frozen=True)
class _Source:
    """The two LMDBs of a database."""

    pictures: RecordFile
    labels: RecordFile | None


class _Build(PairBuild[PrebuiltSpec, _Item]):
    unit = "records"
    parses = False

    def __init__(self, spec: PrebuiltSpec, work: Work) -> None:
        super().__init__(spec, work)
        self._sources: dict[str, _Source] = {}
        self._analyzed: list[dict[str, Any]] = []
        self.kind: TargetKind = "vector"

    def close(self) -> None:
        """Let go of the files."""
        for source in self._sources.values():
            source.pictures.close()
            if source.labels is not None:
                source.labels.close()

    # ------------------------------------------------------------ what there is

    def find(self) -> dict[str, list[_Item]]:
        parts: dict[str, list[_Item]] = {}
        for db, (pictures, labels) in dbs_of(self.spec).items():
            self._sources[db] = _Source(
                RecordFile(Path(pictures).expanduser()), RecordFile(Path(labels).expanduser()) if labels else None
            )
            parts[db] = [_Item(db, key) for key in self._analyze(db)]
        self.kind = self._kind(parts["train"])
        return parts

    def _analyze(self, db: str) -> list[bytes]:
        """Return the keys of a database, and note its size and the sizes of its pictures."""
        source, task = self._sources[db], ANALYZE.format(db)
        shapes: Counter[tuple[int, int, int]] = Counter()
        keys: list[bytes] = []
        total = len(source.pictures)
        for key, record in source.pictures.items():
            if self.work.stop():
                raise StoppedError
            keys.append(key)
            datum = _datum(record)
            if datum is not None:
                shapes[datum.height, datum.width, datum.channels] += 1
            if len(keys) % _REPORT_EVERY == 0:
                self._say(task, len(keys), total, {})
        if not shapes:
            raise DataError(
                "The LMDB has no Datum record.", where=dbs_of(self.spec)[db][0], rule="DB_EMPTY",
                hint="Records are Datum messages, as Caffe and DIGITS write them.",
            )  # fmt: skip
        height, width, channels = shapes.most_common(1)[0][0]
        facts = {"image_count": len(keys), "image_width": width, "image_height": height, "image_channels": channels}
        if len(shapes) > 1 and self.spec.storage.force_same_shape:
            sizes = ", ".join(f"{w}×{h}×{c} ({count:,})" for (h, w, c), count in shapes.most_common(3))
            raise DataError(
                f"The pictures have {len(shapes)} sizes: {sizes}.", where=dbs_of(self.spec)[db][0],
                hint="Let sizes differ (Enforce same shape: No).", rule="IMG_SIZE",
            )  # fmt: skip
        self._analyzed.append({"name": db} | facts)
        self._say(task, len(keys), total, facts)
        return keys

    def _say(self, task: str, done: int, total: int, facts: dict[str, int]) -> None:
        more: dict[str, Any] = {"state": "done", "facts": facts} if facts else {}
        text = f"{done:,} of {total:,} records"
        self.work.emit(Progress(task=task, done=done, total=total, unit=self.unit, text=text, **more))

    def _kind(self, items: Sequence[_Item]) -> TargetKind:
        """Return what labels are: as the form says, or as the first record looks."""
        source = self._sources["train"]
        first = next((datum for item in items if (datum := _datum(source.pictures.get(item.key)))), None)
        assert first is not None
        if first.encoded:
            self.encoding = "jpg" if bytes(first.data[:2]) == b"\xff\xd8" else "png"
        else:
            self.encoding = "none"
        if self.spec.prebuilt_label_kind != "auto":
            return self.spec.prebuilt_label_kind
        if source.labels is None:
            found = {datum.label for item in items[:_REPORT_EVERY] if (datum := _datum(source.pictures.get(item.key)))}
            return "class" if len(found) > 1 else "image"
        record = next((record for item in items if (record := source.labels.get(item.key))), None)
        label = _datum(record) if record else None
        if label is None or not len(label.data) or (label.height, label.width) != (first.height, first.width):
            return "vector"
        return "mask" if label.channels == 1 else "image"

    # ------------------------------------------------------------ one record

    def names(self, item: _Item) -> tuple[bytes, bytes]:
        return item.key, item.key

    def line(self, item: _Item) -> bytes:
        return item.key

    def make(self, item: _Item, _db: str) -> Pair:
        source = self._sources[item.db]
        datum, image_HWC = _picture(source.pictures.get(item.key))
        data = bytes(datum.data) if datum.encoded and self._is_kept(bytes(datum.data[:2])) else None
        if self.kind == "class":
            return Pair(image_HWC, self._class_of(item, datum), data=data)
        if source.labels is None:
            return Pair(image_HWC, image_HWC, data=data)
        label = self._label(source.labels.get(item.key))
        if self.kind in ("mask", "image") and label.shape[:2] != image_HWC.shape[:2]:
            sizes = f"{image_HWC.shape[1]}×{image_HWC.shape[0]} and its label {label.shape[1]}×{label.shape[0]}"
            raise DataError(f"The picture is {sizes}.", rule="LABEL_SIZE")
        counts = np.bincount(label.ravel(), minlength=256) if self.kind == "mask" else None
        return Pair(image_HWC, label, counts, data=data)

    def _is_kept(self, head: bytes) -> bool:
        """Whether an encoded picture is of the encoding that the database will have."""
        return self.encoding == ("jpg" if head == b"\xff\xd8" else "png")

    def _class_of(self, item: _Item, datum: Datum) -> int:
        labels = self._sources[item.db].labels
        if labels is None:
            found = datum.label
        else:
            values = self._label(labels.get(item.key)).ravel()
            if len(values) != 1 or values[0] != int(values[0]):
                raise DataError(f"The label has {len(values)} values, and is no class.", rule="LABEL_VALUE")
            found = int(values[0])
        if not 0 <= found < _MOST_CLASSES:
            raise DataError(f"The label is {found}, and no class.", rule="LABEL_VALUE")
        return found

    def _label(self, record: bytes | None) -> NDArray[Any]:
        if record is None:
            raise DataError("The label database has no record of its key.", rule="PAIR_MISSING")
        try:
            return datum_label(record, "vector" if self.kind == "class" else self.kind)
        except (ValueError, cv2.error, DataError) as error:
            raise DataError("The label is broken.", rule="LABEL_BROKEN") from error

    # ------------------------------------------------------------ what is known of it

    def labels(self, made: Mapping[str, CreatedPairs]) -> list[str]:
        if self.kind == "vector":
            size = next(iter(made.values())).label_shape
            return [f"number {index}" for index in range(size[0] if size else 0)]
        if self.kind == "image":
            return []
        held = {each for created in made.values() for each in created.holding}
        held -= {_IGNORED} if self.kind == "mask" and held - {_IGNORED} else set()
        return [f"class {index}" for index in range(max(held, default=0) + 1)]

    def facts(self, made: Mapping[str, CreatedPairs], labels: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {"analyzed": self._analyzed}
        if self.kind != "mask":
            return found
        totals = sum(np.asarray(created.counts) for created in made.values())
        assert isinstance(totals, np.ndarray)
        size = len(labels)
        is_ignored = size <= _IGNORED and bool(totals[_IGNORED])
        return found | {
            "ignore_label": _IGNORED if is_ignored else None,
            "palette": usual_palette()[:size].tolist(),
            "class_frequencies": (totals[:size] / max(1, totals[:size].sum())).round(6).tolist(),
        }

    def _db_facts(self, db: str, created: CreatedPairs, num_labels: int) -> dict[str, Any]:
        found = super()._db_facts(db, created, num_labels)
        if self.kind != "mask":
            return found
        counts = np.asarray(created.counts)
        ignored = int(counts[_IGNORED]) if num_labels <= _IGNORED else 0
        return found | {"class_pixels": counts[:num_labels].tolist(), "ignored_pixels": ignored}

    def mean_of(self, training: MeanAccumulator) -> NDArray[np.uint8]:
        if not self.spec.prebuilt_mean_file:
            return training.mean()
        path = Path(self.spec.prebuilt_mean_file).expanduser()
        mean_HWC = read_mean(path).transpose(1, 2, 0)
        mean_HWC = mean_HWC[:, :, ::-1] if mean_HWC.shape[2] == 3 else mean_HWC
        wanted = training.mean().shape
        if mean_HWC.shape != wanted:
            sizes = " and ".join(f"{w}×{h}×{c}" for h, w, c in (mean_HWC.shape, wanted))
            raise DataError(f"The mean and the pictures differ in size: {sizes}.", where=str(path), rule="IMG_SIZE")
        return np.asarray(np.clip(np.rint(mean_HWC), 0, 255), np.uint8)


def _datum(record: bytes | None) -> Datum | None:
    """Return a record as a Datum; None where it is none."""
    try:
        return None if record is None else read_datum(record)
    except DataError:
        return None


def _picture(record: bytes | None) -> tuple[Datum, NDArray[np.uint8]]:
    datum = _datum(record)
    try:
        if datum is not None:
            return datum, datum_pixels(datum)
    except (ValueError, cv2.error) as error:
        text = "The record holds no picture of bytes of the size that it tells."
        raise DataError(text, rule="RECORD_BROKEN") from error
    raise DataError("The record is no Datum.", rule="RECORD_BROKEN")


def build(
    spec: PrebuiltSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck
) -> dict[str, Any]:
    """Make the dataset; see :func:`~digits.extensions.datasets.building.build.build_with`."""
    return build_with(_Build, spec, folder, settings, emit, stop)


def open_reader(folder: JobFolder, db: str) -> DatasetReader | PairReader:
    """Return the records of database ``db`` ("train" or "val").

    Raises:
        NotFoundError: the dataset has no such database (yet).
    """
    threads = WorkerSettings.from_environment().num_threads
    reader = RecordPairReader(folder.path, db, num_threads=threads)
    return reader if reader.target_kind in ("mask", "image") else RecordReader(folder.path, db, num_threads=threads)
