"""Datasets of records that are handed over one by one: what a plugin builds with, where pictures and answers are all that it knows.

Legend: HWC = height, width, channels of uint8 (RGB where there are 3).
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.events import Emit
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder
from digits.core.work import StopCheck, WorkerSettings
from digits.data.contenthash import INDEXED
from digits.data.images import decode
from digits.data.pairdb import CreatedPairs, Pair
from digits.data.pairreader import RecordPairReader
from digits.data.reader import Records, TargetKind
from digits.data.recordreader import RecordReader
from digits.data.rules import DBS
from digits.extensions.datasets.building.build import PairBuild, Work, build_with
from digits.extensions.datasets.building.pictures import Read
from digits.extensions.datasets.building.spec import PairSpec
from digits.extensions.datasets.building.tables import shared_in_three
from digits.extensions.datasets.paths import outside

Picture = NDArray[np.uint8] | bytes | Path
"""uint8 [H, W], [H, W, 1] or [H, W, 3] (RGB); the bytes of an image file; the path of one."""
Label = str | Sequence[float] | NDArray[np.uint8]
"""Of "class" the name of the class; of "vector" the numbers; of "image" the picture that a network should answer with."""
KINDS: tuple[TargetKind, ...] = ("class", "vector", "image")


class Record(NamedTuple):
    """A picture with what it stands for.

    A picture that is an array or bytes stays in memory until it is written; a path is read, and a function called, only then, by several
    threads, and it may raise :class:`~digits.core.errors.DataError`: the record is refused with its words.
    """

    picture: Picture | Callable[[], Picture]
    label: Label
    name: str
    """What Explore, the lists and ``refused.csv`` call it: a path, or "table.csv:17"."""
    line: int = 0
    """The line of the list or table that names it; 0 where none does."""


class Refusal(NamedTuple):
    """What would have been a record, with the reason why it is none."""

    error: DataError
    name: str
    line: int = 0


class _Build(PairBuild[PairSpec, Record]):
    def __init__(
        self, spec: PairSpec, work: Work, *, records: Mapping[str, Iterable[Record | Refusal]], kind: TargetKind,
        labels: Sequence[str], shares: tuple[float, float], facts: Mapping[str, Any],
    ) -> None:  # fmt: skip
        super().__init__(spec, work)
        self.kind = kind
        self._given, self._names, self._shares, self._more = records, list(labels), shares, facts
        self._ids: dict[str, int] = {}

    def find(self) -> dict[str, list[Record]]:
        found = {db: list(self._kept(db, records)) for db, records in self._given.items()}
        val, test = (0.0 if db in found else share for db, share in zip(("val", "test"), self._shares, strict=True))
        parts = shared_in_three(found.pop("train", []), val, test, self.seed) | found
        if self.kind == "class":
            self._names = self._names or _sorted({str(each.label) for items in parts.values() for each in items})
            self._ids = {name: number for number, name in enumerate(self._names)}
        return {db: parts[db] for db in DBS if parts.get(db)}

    def _kept(self, db: str, records: Iterable[Record | Refusal]) -> Iterable[Record]:
        for count, each in enumerate(records):
            self.tick(count)
            if isinstance(each, Refusal):
                self.work.refused.add(db, os.fsencode(each.name), each.error, each.line or None)
            else:
                yield each

    def names(self, item: Record) -> tuple[bytes, bytes]:
        return os.fsencode(item.name), b""

    def line(self, item: Record) -> bytes:
        if self.kind == "image":
            return os.fsencode(item.name)
        answer = item.label if isinstance(item.label, str) else " ".join(f"{float(each):.9g}" for each in item.label)
        return b"%b %b" % (os.fsencode(item.name), answer.encode("utf-8", "surrogateescape"))

    def number(self, item: Record) -> int:
        return item.line

    def make(self, item: Record, _db: str) -> Pair:
        read = self._read(item)
        return Pair(self.pictures.fit(read.image_HWC, read.check), self._label(item, read), notes=read.notes)

    def _read(self, item: Record) -> Read:
        """Return an item's picture in the channels asked for."""
        given = item.picture() if callable(item.picture) else item.picture
        if isinstance(given, Path):
            if wrong := outside(os.fsencode(given), self.work.settings.data_roots):
                raise wrong
            return self.pictures.read(os.fsencode(given))
        if isinstance(given, bytes):
            decoded = decode(given, limits=self.pictures.limits)
            return Read(self.pictures.convert(decoded.image_HWC), decoded.notes, zlib.crc32(given))
        image_HWC = _with_channels(given)
        return Read(self.pictures.convert(image_HWC), (), zlib.crc32(np.ascontiguousarray(image_HWC).data))

    def _label(self, item: Record, read: Read) -> int | NDArray[Any]:
        label = item.label
        if self.kind == "class":
            if str(label) not in self._ids:
                raise DataError(f"There is no class {str(label)[:40]!r}.", rule="LABEL_UNKNOWN")
            return self._ids[str(label)]
        if self.kind == "image":
            return self.pictures.fit(_with_channels(label), read.check)
        numbers = np.asarray(label, np.float32).reshape(-1)
        if len(numbers) != len(self._names) or not np.isfinite(numbers).all():
            raise DataError(f"It takes {len(self._names)} numbers that are finite.", rule="LABEL_VALUE")
        return numbers

    def labels(self, _made: Mapping[str, CreatedPairs]) -> list[str]:
        return self._names

    def facts(self, _made: Mapping[str, CreatedPairs], _labels: Sequence[str]) -> dict[str, Any]:
        return dict(self._more)


def _with_channels(given: object) -> NDArray[np.uint8]:
    if not isinstance(given, np.ndarray) or given.dtype != np.uint8 or given.ndim not in (2, 3) or 0 in given.shape:
        found = f"{given.dtype} {list(given.shape)}" if isinstance(given, np.ndarray) else type(given).__name__
        raise DataError(
            f"A picture is uint8 [height, width] or [height, width, channels], not {found}.", rule="IMG_BROKEN"
        )
    return given[:, :, None] if given.ndim == 2 else given


def _sorted(names: set[str]) -> list[str]:
    """Return class names in order: numbers by their value, before words."""
    return sorted(names, key=lambda name: (0, int(name), name) if name.isascii() and name.isdigit() else (1, 0, name))


def write_dataset(
    spec: PairSpec,
    folder: JobFolder,
    settings: WorkerSettings,
    emit: Emit,
    stop: StopCheck,
    *,
    records: Mapping[str, Iterable[Record | Refusal]],
    kind: TargetKind = "class",
    labels: Sequence[str] = (),
    pct_val: float = 0.0,
    pct_test: float = 0.0,
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write everything that a dataset's job folder holds: databases, lists, labels, mean, ``refused.csv``, ``dataset.json`` with its hash.

    Progress is told and ``stop`` asked while records are taken and while they are written; a dataset that is stopped leaves no
    ``dataset.json``. Pictures are brought to the spec's ``size`` and ``channel_conversion`` where it has such fields.

    Args:
        spec: what was asked for; its seed draws the shares.
        folder: of the job; these five as ``build`` was given them.
        settings: of the worker.
        emit: hears of the progress.
        stop: whether to stop.
        records: what there is for "train", "val" and "test", in order; generators are read once.
        kind: "class" (a name each), "vector" (numbers), "image" (another picture).
        labels: the names of the classes in order of their ids, those that are met where none are given; of "vector" the names of the numbers.
        pct_val: of the records for training, this share (%) is for validation where ``records`` has none for that; drawn by the spec's seed.
        pct_test: the same for testing.
        facts: more for ``dataset.json``.

    Raises:
        DataError: not one record can be used.
        StoppedError: asked to stop.
    """
    unknown = sorted(set(records) - set(DBS))
    assert not unknown, f"Databases are train, val and test, not {', '.join(unknown)}."
    assert kind in KINDS, f"{kind!r} is none of {', '.join(KINDS)}."
    assert kind != "vector" or labels, "Numbers have names."

    def made(of: PairSpec, work: Work) -> _Build:
        return _Build(
            of, work, records=records, kind=kind, labels=labels, shares=(pct_val, pct_test), facts=facts or {}
        )

    return build_with(made, spec, folder, settings, emit, stop)


def open_dataset(folder: JobFolder, db: str) -> Records:
    """Return the records of database ``db`` of a dataset that :func:`write_dataset` wrote: what an extension's ``reader`` may name.

    Raises:
        NotFoundError: the dataset has no such database (yet).
    """
    path = folder.path / "dataset.json"
    is_indexed = not path.is_file() or read_json(path)["target_kind"] in INDEXED
    reader = RecordReader if is_indexed else RecordPairReader
    return reader(folder.path, db, num_threads=WorkerSettings.from_environment().num_threads)
