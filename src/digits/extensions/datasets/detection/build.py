"""Builds an object detection dataset: pictures and boxes to two LMDBs for each part, lists, the mean and facts."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.events import Emit, Preview, Progress, Warned
from digits.core.files import atomic, write_json, write_text
from digits.core.jobfolder import JobFolder
from digits.core.work import StopCheck, StoppedError, WorkerSettings
from digits.data.boxes import box_digest, box_targets
from digits.data.contenthash import content_hash
from digits.data.createdb import Places
from digits.data.images import Limits, decode, read_file, to_channels
from digits.data.mean import MeanAccumulator, mean_facts, write_mean
from digits.data.pairdb import CreatedPairs, Pair, PairForm, PairItems, create_pair_db
from digits.data.refused import RefusedWriter
from digits.data.rules import PARSE_TASK
from digits.extensions.datasets.detection.boxes import Box, label_array
from digits.extensions.datasets.detection.facts import BoxTally, dataset_facts
from digits.extensions.datasets.detection.formats import Annotated
from digits.extensions.datasets.detection.gather import Gathered, gather
from digits.extensions.datasets.detection.geometry import Geometry, within
from digits.extensions.datasets.detection.spec import DetectionSpec

_LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")
_REPORT_S = 0.5


def build(
    spec: DetectionSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck
) -> dict[str, Any]:
    """Make everything that a dataset's job folder holds, and return the facts that stand in its ``dataset.json``.

    Raises:
        DataError: there is no picture with boxes, none of the boxes is of a class asked for, or a database would be empty.
        StoppedError: asked to stop; unfinished databases are removed.
    """
    refused = RefusedWriter(folder.path / "refused.csv")
    try:
        facts = _Build(spec, folder.path, settings, emit, stop, refused).run()
    finally:
        refused.close()
    write_json(folder.path / "dataset.json", facts)
    return facts


@dataclass
class _Build:
    spec: DetectionSpec
    folder: Path
    settings: WorkerSettings
    emit: Emit
    stop: StopCheck
    refused: RefusedWriter
    limits: Limits = field(init=False)
    geometry: Geometry = field(init=False)
    found: Gathered = field(init=False)
    mean: MeanAccumulator | None = None
    tallies: dict[str, BoxTally] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        spec = self.spec
        self.limits = Limits(max_pixels=self.settings.max_image_pixels)
        self.geometry = Geometry.of(spec)
        seed = secrets.randbits(32) if spec.random_seed is None else spec.random_seed
        self.found = self._find(seed)
        shape = self._shape()
        if self._is_one_size:
            self.mean = MeanAccumulator(shape)
        labels = self.found.labels
        write_text(self.folder / "labels.txt", "".join(f"{label}\n" for label in labels))
        made = {db: self._create(db, pictures, shape) for db, pictures in self.found.parts.items()}
        if not any(self.tallies[db].learned for db in made):
            raise DataError(
                "Every box is to be ignored.",
                hint="Are all marked difficult, or outside their pictures?",
                rule="BOX_NONE",
            )
        facts = dataset_facts(spec, self.found, shape, made, self.tallies) | {"random_seed": seed}
        facts["same_shape"] = self._is_one_size
        facts["refused"] = {"count": self.refused.count}
        facts["mean"] = self._write_mean() if self.mean else None
        facts["content_hash"] = content_hash(self.folder, list(made), labels, "boxes")
        self._warn(made)
        return facts

    @property
    def _is_one_size(self) -> bool:
        return bool(self.geometry.stored or self.spec.force_same_shape)

    # ------------------------------------------------------------ what there is

    def _find(self, seed: int) -> Gathered:
        """Return the pictures by database, and write their lists."""
        reported = time.monotonic()

        def tick(found: int) -> None:
            nonlocal reported
            if self.stop():
                raise StoppedError
            if time.monotonic() - reported >= _REPORT_S:
                reported = time.monotonic()
                self._tell(PARSE_TASK, found, 0, f"Found {found:,} pictures")

        found = gather(self.spec, seed, self.refused, tick)
        for db, listed in found.parts.items():
            with atomic(self.folder / f"{db}.txt") as file:
                for each in listed:
                    file.write(b"%b %b\n" % (each.picture.translate(_LINE_BREAKS), each.source.translate(_LINE_BREAKS)))
        total = sum(map(len, found.parts.values()))
        facts = {f"{db}_count": len(found.parts.get(db, ())) for db in ("train", "val")}
        facts["label_count"] = len(found.ids)
        self._tell(PARSE_TASK, total, total, f"{total:,} pictures, {sum(found.counts.values()):,} boxes", done=facts)
        return found

    def _shape(self) -> tuple[int, int, int]:
        """Return (height, width, channels) of the first picture that can be read, as it will be stored.

        Raises:
            DataError: none can be read, or the first one is larger than what it is to be padded to.
        """
        for pictures in self.found.parts.values():
            for each in pictures:
                try:
                    image_HWC = self._picture(read_file(each.picture))[0]
                except DataError:
                    continue
                height, width, channels = self.geometry.apply(image_HWC).shape
                return height, width, channels
        raise DataError(
            "Not one picture could be used.", hint="refused.csv names each with the reason.", rule="DB_EMPTY"
        )

    # ------------------------------------------------------------ one picture

    def _picture(self, data: bytes) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        decoded = decode(data, limits=self.limits)
        wanted = {"RGB": 3, "L": 1}.get(self.spec.channel_conversion)
        return decoded.image_HWC if wanted is None else to_channels(decoded.image_HWC, wanted), decoded.notes

    def _make(self, item: int, pictures: Sequence[Annotated], db: str, shape: tuple[int, int, int]) -> Pair:
        """Return a picture and its label as they are stored; called by several threads."""
        each = pictures[item]
        image_HWC, notes = self._picture(read_file(each.picture))
        size = image_HWC.shape[0], image_HWC.shape[1]
        boxes, more = within(each.boxes, size)
        ids = [self._id(box, db) for box in boxes]
        image_HWC, boxes = self.geometry.apply(image_HWC), self.geometry.boxes(boxes, size)
        if image_HWC.shape[2] != shape[2]:
            raise DataError(
                f"The picture has {image_HWC.shape[2]} channels, the first has {shape[2]}.",
                hint="Choose a channel conversion.", rule="IMG_CHANNELS",
            )  # fmt: skip
        if self._is_one_size and image_HWC.shape != shape:
            raise DataError(
                f"The picture is {image_HWC.shape[1]}×{image_HWC.shape[0]}, the first {shape[1]}×{shape[0]}.",
                hint="Pad or resize all to one size, or let sizes differ (Enforce same shape: No).", rule="IMG_SIZE",
            )  # fmt: skip
        if self.mean is not None and db == "train":
            self.mean.add(image_HWC)
        label = label_array(boxes, ids, self.found.most[db])
        targets = box_targets(label, self.found.places(), len(boxes))
        counts = self.tallies[db].add(targets)
        return Pair(image_HWC, label, counts, (*notes, *more), box_digest(targets, self.found.labels))

    def _id(self, box: Box, db: str) -> int:
        """Return DIGITS' id of a box's class; that of DontCare where it is to be ignored."""
        number = self.found.classes.id_of(box.label)
        if number is None or box.ignore:
            return self.found.dontcare
        if db == "val" and min(box.width, box.height) < self.spec.val_min_box_size:
            self.tallies[db].add_small()
            return self.found.dontcare
        return number

    # ------------------------------------------------------------ one database

    def _create(self, db: str, pictures: Sequence[Annotated], shape: tuple[int, int, int]) -> CreatedPairs:
        task, spec = f"create_{db}_db", self.spec

        def progress(*, done: int, total: int, rate: float) -> None:
            self._tell(task, done, total, f"{done:,} of {total:,} pictures", rate=rate)

        progress(done=0, total=len(pictures), rate=0.0)
        self.tallies[db] = BoxTally(len(self.found.ids))
        items = PairItems(
            [(each.picture, each.source) for each in pictures],
            partial(self._make, pictures=pictures, db=db, shape=shape), np.arange(len(pictures)),
        )  # fmt: skip
        created = create_pair_db(
            Places.of(self.folder, db), db, items, PairForm("boxes", spec.feature_encoding, batch=spec.batch_size),
            num_threads=spec.num_threads, progress=progress, stop=self.stop, refused=self.refused,
        )  # fmt: skip
        facts = {"entries": created.entries, "refused": created.refused, "bytes": created.bytes}
        rate = len(pictures) / max(created.seconds, 1e-9)
        self._tell(task, len(pictures), len(pictures), f"{created.entries:,} written", rate=rate, done=facts)
        return created

    def _tell(
        self,
        task: str,
        count: int,
        total: int,
        text: str,
        *,
        rate: float | None = None,
        done: dict[str, int] | None = None,
    ) -> None:
        more: dict[str, Any] = {} if done is None else {"state": "done", "facts": done}
        self.emit(Progress(task=task, done=count, total=total, unit="pictures", text=text, rate=rate, **more))

    # ------------------------------------------------------------ what is known of it

    def _write_mean(self) -> dict[str, Any]:
        assert self.mean is not None
        mean_HWC = self.mean.mean()
        write_mean(self.folder, mean_HWC)
        shutil.copyfile(self.folder / "mean.binaryproto", self.folder / "train_db" / "mean.binaryproto")
        self.emit(Preview(name="mean", file="mean.jpg"))
        return mean_facts(mean_HWC)

    def _warn(self, made: dict[str, CreatedPairs]) -> None:
        for note in self.found.notes:
            self.emit(Warned(message=f"{note}."))
        for db, created in made.items():
            for text, count in created.notes.most_common():
                self.emit(Warned(message=f"{count:,} of the pictures for {db}: {text}."))
            small = self.tallies[db].small
            if small:
                self.emit(
                    Warned(
                        message=f"{small:,} boxes for {db} are less wide or high than {self.spec.val_min_box_size:g} px: they are ignored "
                        "(DontCare).",
                        hint="Minimum box size 0 keeps all.",
                    )
                )
            if created.refused:
                is_one = created.refused == 1
                self.emit(
                    Warned(
                        message=f"{created.refused:,} picture{'' if is_one else 's'} for {db} {'was' if is_one else 'were'} refused.",
                        hint="refused.csv names each with the reason.",
                    )
                )
