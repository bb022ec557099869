"""Builds datasets of pictures with labels of any form: lists, databases, the mean and facts; a kind says what there is and makes the pairs.

Legend: HWC = height, width, channels of uint8 (RGB where there are 3).
"""

from __future__ import annotations

import secrets
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.events import Emit, Preview, Progress, Warned
from digits.core.files import atomic, write_json, write_text
from digits.core.jobfolder import JobFolder
from digits.core.work import StopCheck, StoppedError, WorkerSettings
from digits.data.contenthash import content_hash
from digits.data.createdb import Places
from digits.data.images import Limits
from digits.data.mean import MeanAccumulator, mean_facts, write_mean
from digits.data.pairdb import CreatedPairs, Pair, PairForm, PairItems, create_pair_db
from digits.data.reader import TargetKind
from digits.data.records import FEATURES, LABELS
from digits.data.refused import RefusedWriter
from digits.data.rules import DBS, PARSE_TASK
from digits.extensions.datasets.building.numbers import numbers_of
from digits.extensions.datasets.building.pictures import Pictures
from digits.extensions.datasets.building.spec import PairSpec, Size

_LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")
_REPORT_S = 0.5
T = TypeVar("T")
S = TypeVar("S", bound=PairSpec)
Shape = tuple[int, int, int]
"""Height, width, channels."""


@dataclass(frozen=True)
class Work:
    """What a build works with."""

    folder: Path
    settings: WorkerSettings
    emit: Emit
    stop: StopCheck
    refused: RefusedWriter


class PairBuild(ABC, Generic[S, T]):
    """One build; a kind of dataset says of what (items of type T), and makes a pair of each."""

    kind: TargetKind
    unit: ClassVar[str] = "pictures"
    parses: ClassVar[bool] = True
    """Whether the job has a task that finds the items."""
    ignore_label: int | None = None
    """Of masks: the value of pixels that have no class; known once :meth:`find` has returned."""

    def __init__(self, spec: S, work: Work) -> None:
        self.spec, self.work, self.folder = spec, work, work.folder
        self.seed = secrets.randbits(32) if spec.random_seed is None else spec.random_seed
        self.pictures = Pictures(
            Limits(max_pixels=work.settings.max_image_pixels), self.seed,
            getattr(spec, "channel_conversion", "none"), getattr(spec, "size", Size()),
        )  # fmt: skip
        self.encoding = spec.storage.feature_encoding
        self._shape: Shape | None = None
        self._mean: MeanAccumulator | None = None
        self._reported = time.monotonic()

    # ------------------------------------------------------------ what a kind says

    @abstractmethod
    def find(self) -> dict[str, list[T]]:
        """Return the items by database, each in the order of its records; :meth:`tick` is to be called while it looks."""

    @abstractmethod
    def names(self, item: T) -> tuple[bytes, bytes]:
        """Return the names of an item's picture and of its label, as refused.csv has them; the first is the one that Explore shows."""

    @abstractmethod
    def make(self, item: T, db: str) -> Pair:
        """Return an item as it is stored; called by several threads.

        Raises:
            DataError: it cannot be used. A rule that begins with LABEL_ blames the label.
        """

    @abstractmethod
    def labels(self, made: Mapping[str, CreatedPairs]) -> list[str]:
        """Return the names of the classes, or of the numbers; empty where answers have none."""

    def line(self, item: T) -> bytes:
        """Return an item's line in ``train.txt``."""
        return b" ".join(name for name in self.names(item) if name)

    def number(self, _item: T) -> int:
        """Return the line of the list that named an item; 0 where none did."""
        return 0

    def shape_of(self, items: Sequence[T]) -> Shape:
        """Return (height, width, channels) of the first item that can be used, as it will be stored."""
        for item in items:
            try:
                height, width, channels = self.make(item, "").image_HWC.shape
            except DataError:
                continue
            return height, width, channels
        raise DataError(
            "Not one picture could be used.", hint="refused.csv names each with the reason.", rule="DB_EMPTY"
        )

    def close(self) -> None:
        """Let go of what is open; called at the end, however it came."""

    def facts(self, _made: Mapping[str, CreatedPairs], _labels: Sequence[str]) -> dict[str, Any]:
        """Return what ``dataset.json`` says beside what it says of every kind."""
        return {}

    def mean_of(self, training: MeanAccumulator) -> NDArray[np.uint8]:
        """Return the mean picture [H, W, C]; ``training`` was given all pictures for training."""
        return training.mean()

    # ------------------------------------------------------------ the course of it

    def run(self) -> dict[str, Any]:
        """Make everything, and return the facts."""
        parts = {db: items for db, items in self.find().items() if items}
        self._write_lists(parts)
        self._shape = self.shape_of([item for items in parts.values() for item in items])
        if self.spec.storage.force_same_shape:
            self._mean = MeanAccumulator(self._shape)
        made = {db: self._create(db, items) for db, items in parts.items()}
        labels = self.labels(made)
        write_text(self.folder / "labels.txt", "".join(f"{label}\n" for label in labels))
        facts = self._facts(labels, made) | self.facts(made, labels)
        facts["mean"] = self._write_mean() if self._mean and "train" in made else None
        facts["content_hash"] = content_hash(self.folder, list(made), labels, self.kind)
        self._warn(made)
        return facts

    def tick(self, found: int, text: str = "") -> None:
        """Say how much is found, now and then; ``text`` in the place of the usual words.

        Raises:
            StoppedError: asked to stop.
        """
        if self.work.stop():
            raise StoppedError
        if time.monotonic() - self._reported >= _REPORT_S:
            self._reported = time.monotonic()
            self._tell(PARSE_TASK, found, 0, text or f"Found {found:,} {self.unit}")

    def warn(self, message: str, hint: str = "") -> None:
        """Say something that the maker of the dataset should know."""
        self.work.emit(Warned(message=message, hint=hint))

    def _write_lists(self, parts: Mapping[str, Sequence[T]]) -> None:
        for db, items in parts.items():
            with atomic(self.folder / f"{db}.txt") as file:
                for item in items:
                    file.write(self.line(item).translate(_LINE_BREAKS) + b"\n")
        total = sum(map(len, parts.values()))
        facts = {f"{db}_count": len(parts.get(db, ())) for db in DBS}
        if self.parses:
            self._tell(PARSE_TASK, total, total, f"{total:,} {self.unit}", done=facts)

    def _make(self, number: int, items: Sequence[T], db: str) -> Pair:
        pair, shape = self.make(items[number], db), self._shape
        assert shape is not None
        height, width, channels = pair.image_HWC.shape
        if channels != shape[2]:
            raise DataError(
                f"The picture has {channels} channels, the first has {shape[2]}.",
                hint="Choose a channel conversion.", rule="IMG_CHANNELS",
            )  # fmt: skip
        if self.spec.storage.force_same_shape and (height, width) != shape[:2]:
            raise DataError(
                f"The picture is {width}×{height}, the first {shape[1]}×{shape[0]}.",
                hint="Give a width and height for all, or let sizes differ (Enforce same shape: No).", rule="IMG_SIZE",
            )  # fmt: skip
        if self._mean is not None and db == "train":
            self._mean.add(pair.image_HWC)
        return pair

    def _create(self, db: str, items: Sequence[T]) -> CreatedPairs:
        task, storage = f"create_{db}_db", self.spec.storage

        def progress(*, done: int, total: int, rate: float) -> None:
            self._tell(task, done, total, f"{done:,} of {total:,} {self.unit}", rate=rate)

        progress(done=0, total=len(items), rate=0.0)
        created = create_pair_db(
            Places.of(self.folder, db), db,
            PairItems(
                [self.names(item) for item in items], partial(self._make, items=items, db=db), np.arange(len(items)),
                lambda number: self.number(items[number]),
            ),
            PairForm(self.kind, self.encoding, storage.label_encoding, storage.batch_size, self.ignore_label),
            num_threads=storage.num_threads, progress=progress, stop=self.work.stop, refused=self.work.refused,
        )  # fmt: skip
        facts = {"entries": created.entries, "refused": created.refused, "bytes": created.bytes}
        rate = len(items) / max(created.seconds, 1e-9)
        self._tell(task, len(items), len(items), f"{created.entries:,} records written", rate=rate, done=facts)
        return created

    def _tell(
        self, task: str, count: int, total: int, text: str, *, rate: float | None = None, done: dict[str, int] | None = None
    ) -> None:  # fmt: skip
        more: dict[str, Any] = {} if done is None else {"state": "done", "facts": done}
        self.work.emit(Progress(task=task, done=count, total=total, unit=self.unit, text=text, rate=rate, **more))

    # ------------------------------------------------------------ what is known of it

    def _facts(self, labels: Sequence[str], made: Mapping[str, CreatedPairs]) -> dict[str, Any]:
        assert self._shape is not None
        storage, shape = self.spec.storage, self._shape
        sizes = {size for each in made.values() for size in (each.largest, each.smallest)}
        same_shape = sizes == {shape}
        if not same_shape:
            shape = (
                max(each.largest[0] for each in made.values()),
                max(each.largest[1] for each in made.values()),
                shape[2],
            )
        first = next(iter(made.values()))
        numbers = {"numbers": numbers_of(self.folder, list(made), labels)} if self.kind == "vector" else {}
        return numbers | {
            "labels": list(labels),
            "target_kind": self.kind,
            "label_shape": list(first.label_shape) if first.label_shape and same_shape else None,
            "image": {"width": shape[1], "height": shape[0], "channels": shape[2]},
            "same_shape": same_shape,
            "resize_mode": self.pictures.size.mode if self.pictures.size.width else "",
            "backend": storage.backend,
            "encoding": self.encoding if shape[2] in (1, 3) else "none",
            "label_encoding": storage.label_encoding,
            "compression": "none",
            "random_seed": self.seed,
            "dbs": {db: self._db_facts(db, created, len(labels)) for db, created in made.items()},
            "refused": {"count": self.work.refused.count},
            "bytes": sum(created.bytes for created in made.values()),
        }

    def _db_facts(self, db: str, created: CreatedPairs, num_labels: int) -> dict[str, Any]:
        """Return what ``dataset.json`` says of a database."""
        is_class = self.kind == "class"
        has_classes = self.kind not in ("vector", "image")
        return {
            "entries": created.entries,
            "refused": created.refused,
            "class_counts": [created.holding[each] for each in range(num_labels)] if has_classes else [],
            "bytes": created.bytes,
            "seconds": created.seconds,
            "features": f"{db}_db" if is_class else f"{db}_db/{FEATURES}",
            "labels": None if is_class else f"{db}_db/{LABELS}",
            "input_file": f"{db}.txt",
            "log_file": f"create_{db}_db.log",
        }

    def _write_mean(self) -> dict[str, Any]:
        assert self._mean is not None
        mean_HWC = self.mean_of(self._mean)
        write_mean(self.folder, mean_HWC)
        shutil.copyfile(self.folder / "mean.binaryproto", self.folder / "train_db" / "mean.binaryproto")
        self.work.emit(Preview(name="mean", file="mean.jpg"))
        return mean_facts(mean_HWC)

    def _warn(self, made: Mapping[str, CreatedPairs]) -> None:
        for db, created in made.items():
            for note, count in created.notes.most_common():
                self.warn(f"{count:,} of the {self.unit} for {db}: {note}.")
            if created.refused:
                was = "was" if created.refused == 1 else "were"
                self.warn(
                    f"{created.refused:,} of the {self.unit} for {db} {was} refused.",
                    "refused.csv names each with the reason.",
                )


def build_with(
    kind: Callable[[S, Work], PairBuild[S, Any]], spec: S, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck
) -> dict[str, Any]:  # fmt: skip
    """Make everything that a dataset's job folder holds, and return the facts that stand in its ``dataset.json``.

    Raises:
        DataError: there is nothing to make it of, or a database would be empty.
        StoppedError: asked to stop; unfinished databases are removed.
    """
    refused = RefusedWriter(folder.path / "refused.csv")
    making = kind(spec, Work(folder.path, settings, emit, stop, refused))
    try:
        facts = making.run()
    finally:
        making.close()
        refused.close()
    write_json(folder.path / "dataset.json", facts)
    return facts
