"""Builds an image segmentation dataset: pictures and labels to two LMDBs for each part, lists, the mean and facts."""

from __future__ import annotations

import secrets
import shutil
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
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
from digits.data.contenthash import content_hash
from digits.data.createdb import Places
from digits.data.images import Limits, decode, read_file, to_channels
from digits.data.masks import MOST_CLASSES, LabelPicture, read_label, resize_mask
from digits.data.mean import MeanAccumulator, mean_facts, write_mean
from digits.data.pairdb import CreatedPairs, Pair, PairForm, PairItems, create_pair_db
from digits.data.records import FEATURES, LABELS
from digits.data.refused import RefusedWriter
from digits.data.resize import place, plan, scale
from digits.data.rules import PARSE_TASK
from digits.extensions.datasets.building.pairs import Pair as Paths
from digits.extensions.datasets.building.pairs import find_pairs, shared_out
from digits.extensions.datasets.segmentation.colours import IGNORED, Classes, find_classes
from digits.extensions.datasets.segmentation.spec import SegmentationSpec

_LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")
_REPORT_S = 0.5


def build(
    spec: SegmentationSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck
) -> dict[str, Any]:
    """Make everything that a dataset's job folder holds, and return the facts that stand in its ``dataset.json``.

    Raises:
        DataError: there is no pair of a picture and a label, or a database would be empty.
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
    spec: SegmentationSpec
    folder: Path
    settings: WorkerSettings
    emit: Emit
    stop: StopCheck
    refused: RefusedWriter
    limits: Limits = field(init=False)
    seed: int = field(init=False)
    mean: MeanAccumulator | None = None

    def run(self) -> dict[str, Any]:
        spec = self.spec
        self.limits = Limits(max_pixels=self.settings.max_image_pixels)
        self.seed = secrets.randbits(32) if spec.random_seed is None else spec.random_seed
        parts = self._find()
        everything = [pair for part in parts.values() for pair in part]
        classes = find_classes(spec, self._labels(everything))
        shape = self._shape(everything)
        if spec.force_same_shape:
            self.mean = MeanAccumulator(shape)
        made = {db: self._create(db, pairs, classes, shape) for db, pairs in parts.items()}
        if classes.is_implied and not any(created.holding[IGNORED] for created in made.values()):
            classes = replace(classes, ignore_label=None)
        largest = max(int(np.flatnonzero(_counted(each, classes)).max(initial=0)) for each in made.values())
        if not largest and classes.is_implied and classes.ignore_label is not None:
            raise DataError(
                "The labels hold no values but 0 and 255, and 255 stands for pixels without a class.",
                hint="If it is a class, choose the color map specification 'Found in the labels'.", rule="LABEL_VALUE",
            )  # fmt: skip
        labels = classes.labels(largest)
        write_text(self.folder / "labels.txt", "".join(f"{label}\n" for label in labels))
        facts = self._facts(labels, classes, shape, made)
        facts["mean"] = self._write_mean(list(made)) if self.mean else None
        facts["content_hash"] = content_hash(self.folder, list(made), labels, "mask")
        self._warn(made, classes)
        return facts

    # ------------------------------------------------------------ what there is

    def _find(self) -> dict[str, list[Paths]]:
        """Return the pairs by database, in their lists' order."""
        spec, reported = self.spec, time.monotonic()

        def tick(found: int) -> None:
            nonlocal reported
            if self.stop():
                raise StoppedError
            if time.monotonic() - reported >= _REPORT_S:
                reported = time.monotonic()
                self._tell(PARSE_TASK, found, 0, f"Found {found:,} files")

        pairs = find_pairs(spec.feature_folder, spec.label_folder, "", self.refused, tick)
        if spec.has_val_folder:
            given = spec.validation_feature_folder, spec.validation_label_folder
            parts = {"train": pairs, "val": find_pairs(*given, "val", self.refused, tick)}
        else:
            parts = shared_out(pairs, spec.folder_pct_val, self.seed)
        for db, listed in parts.items():
            with atomic(self.folder / f"{db}.txt") as file:
                for picture, label in listed:
                    file.write(b"%b %b\n" % (picture.translate(_LINE_BREAKS), label.translate(_LINE_BREAKS)))
        total = sum(map(len, parts.values()))
        facts = {f"{db}_count": len(parts.get(db, ())) for db in ("train", "val", "test")}
        self._tell(PARSE_TASK, total, total, f"{total:,} pictures with labels", done=facts)
        return parts

    def _labels(self, pairs: Sequence[Paths]) -> Iterator[LabelPicture]:
        """Yield the labels that can be read; the others are refused when their turn comes."""
        for number, (_, label) in enumerate(pairs):
            if self.stop():
                raise StoppedError
            if number % 50 == 49:
                self._tell(PARSE_TASK, number, len(pairs), f"Looked at {number:,} labels")
            try:
                yield read_label(read_file(label), limits=self.limits)
            except DataError:
                continue

    def _shape(self, pairs: Sequence[Paths]) -> tuple[int, int, int]:
        """Return (height, width, channels) of the first picture that can be read, as it will be stored."""
        for picture, _ in pairs:
            try:
                height, width, channels = self._picture(read_file(picture))[0].shape
            except DataError:
                continue
            if self.spec.resize_width and self.spec.resize_height:
                height, width = self.spec.resize_height, self.spec.resize_width
            return height, width, channels
        raise DataError(
            "Not one picture could be used.", hint="refused.csv names each with the reason.", rule="DB_EMPTY"
        )

    # ------------------------------------------------------------ one pair

    def _picture(self, data: bytes) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        decoded = decode(data, limits=self.limits)
        wanted = {"RGB": 3, "L": 1}.get(self.spec.channel_conversion)
        return decoded.image_HWC if wanted is None else to_channels(decoded.image_HWC, wanted), decoded.notes

    def _make(self, item: int, pairs: Sequence[Paths], classes: Classes, shape: tuple[int, int, int], db: str) -> Pair:
        """Return a picture and its mask as they are stored; called by several threads."""
        picture, label = (read_file(path) for path in pairs[item])
        read = read_label(label, limits=self.limits)
        image_HWC, notes = self._picture(picture)
        if image_HWC.shape[:2] != read.size:
            raise _other_size(image_HWC.shape, read.size)
        mask_HW = classes.ids(read)
        if image_HWC.shape[2] != shape[2]:
            raise DataError(
                f"The picture has {image_HWC.shape[2]} channels, the first has {shape[2]}.",
                hint="Choose a channel conversion.", rule="IMG_CHANNELS",
            )  # fmt: skip
        if self.spec.resize_width:
            steps = plan(read.size, shape[:2], self.spec.resize_mode)
            rng = np.random.default_rng([self.seed, zlib.crc32(picture)])
            image_HWC = place(scale(image_HWC, steps.scaled), steps, rng=rng)
            mask_HW = resize_mask(mask_HW, steps, IGNORED if classes.ignore_label is None else classes.ignore_label)
        elif self.spec.force_same_shape and image_HWC.shape != shape:
            raise DataError(
                f"The picture is {image_HWC.shape[1]}×{image_HWC.shape[0]}, the first {shape[1]}×{shape[0]}.",
                hint="Give a width and height for all, or let sizes differ (Enforce same shape: No).", rule="IMG_SIZE",
            )  # fmt: skip
        if self.mean is not None and db == "train":
            self.mean.add(image_HWC)
        return Pair(image_HWC, mask_HW, np.bincount(mask_HW.ravel(), minlength=MOST_CLASSES), notes)

    # ------------------------------------------------------------ one database

    def _create(self, db: str, pairs: Sequence[Paths], classes: Classes, shape: tuple[int, int, int]) -> CreatedPairs:
        task, spec = f"create_{db}_db", self.spec

        def progress(*, done: int, total: int, rate: float) -> None:
            self._tell(task, done, total, f"{done:,} of {total:,} pictures", rate=rate)

        progress(done=0, total=len(pairs), rate=0.0)
        items = PairItems(
            pairs, partial(self._make, pairs=pairs, classes=classes, shape=shape, db=db), np.arange(len(pairs))
        )
        created = create_pair_db(
            Places.of(self.folder, db), db, items,
            PairForm("mask", spec.feature_encoding, spec.label_encoding, spec.batch_size, classes.ignore_label),
            num_threads=spec.num_threads, progress=progress, stop=self.stop, refused=self.refused,
        )  # fmt: skip
        facts = {"entries": created.entries, "refused": created.refused, "bytes": created.bytes}
        rate = len(pairs) / max(created.seconds, 1e-9)
        self._tell(task, len(pairs), len(pairs), f"{created.entries:,} pairs written", rate=rate, done=facts)
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

    def _facts(
        self, labels: list[str], classes: Classes, shape: tuple[int, int, int], made: dict[str, CreatedPairs]
    ) -> dict[str, Any]:
        spec = self.spec
        if not spec.force_same_shape and not spec.resize_width:
            sizes = [created.largest for created in made.values()]
            shape = max(size[0] for size in sizes), max(size[1] for size in sizes), shape[2]
        total = sum(_counted(created, classes) for created in made.values())
        assert isinstance(total, np.ndarray)
        return {
            "labels": labels,
            "target_kind": "mask",
            "ignore_label": classes.ignore_label,
            "palette": classes.palette(len(labels)).tolist(),
            "image": {"width": shape[1], "height": shape[0], "channels": shape[2]},
            "same_shape": bool(spec.force_same_shape or spec.resize_width),
            "resize_mode": spec.resize_mode if spec.resize_width else "",
            "backend": spec.backend,
            "encoding": spec.feature_encoding if shape[2] in (1, 3) else "none",
            "label_encoding": spec.label_encoding,
            "compression": "none",
            "random_seed": self.seed,
            "dbs": {db: self._db_facts(db, created, classes, len(labels)) for db, created in made.items()},
            "class_frequencies": (total[: len(labels)] / max(1, total.sum())).round(6).tolist(),
            "refused": {"count": self.refused.count},
            "bytes": sum(created.bytes for created in made.values()),
        }

    def _db_facts(self, db: str, created: CreatedPairs, classes: Classes, num_classes: int) -> dict[str, Any]:
        ignored = 0 if classes.ignore_label is None else int(np.asarray(created.counts)[classes.ignore_label])
        return {
            "entries": created.entries,
            "refused": created.refused,
            "class_counts": [
                0 if value == classes.ignore_label else created.holding[value] for value in range(num_classes)
            ],
            "class_pixels": _counted(created, classes)[:num_classes].tolist(),
            "ignored_pixels": ignored,
            "bytes": created.bytes,
            "seconds": created.seconds,
            "features": f"{db}_db/{FEATURES}",
            "labels": f"{db}_db/{LABELS}",
            "input_file": f"{db}.txt",
            "log_file": f"create_{db}_db.log",
        }

    def _write_mean(self, dbs: Sequence[str]) -> dict[str, Any] | None:
        assert self.mean is not None
        if "train" not in dbs:
            return None
        mean_HWC = self.mean.mean()
        write_mean(self.folder, mean_HWC)
        shutil.copyfile(self.folder / "mean.binaryproto", self.folder / "train_db" / "mean.binaryproto")
        self.emit(Preview(name="mean", file="mean.jpg"))
        return mean_facts(mean_HWC)

    def _warn(self, made: dict[str, CreatedPairs], classes: Classes) -> None:
        for db, created in made.items():
            for note, count in created.notes.most_common():
                self.emit(Warned(message=f"{count:,} of the pictures for {db}: {note}."))
            if created.refused:
                noun = "pair was" if created.refused == 1 else "pairs were"
                text = f"{created.refused:,} {noun} refused for {db}."
                self.emit(Warned(message=text, hint="refused.csv names each with the reason."))
        if classes.is_implied and classes.ignore_label is not None:
            text = f"Pixels of the value {IGNORED} are ignored."
            self.emit(Warned(message=text, hint="Give another ignore label, or name 256 classes, if it is a class."))


def _counted(created: CreatedPairs, classes: Classes) -> NDArray[np.int64]:
    """Return the pixels of each value, none of what is ignored."""
    values = np.array(created.counts)
    if classes.ignore_label is not None:
        values[classes.ignore_label] = 0
    return values


def _other_size(picture: Sequence[int], label: tuple[int, int]) -> DataError:
    height, width = picture[:2]
    is_short = label[0] < height or label[1] < width
    lacks, (small_h, small_w), large_w = ("label", label, width) if is_short else ("picture", (height, width), label[1])
    first = (small_w, 0) if small_w < large_w else (0, small_h)
    return DataError(
        f"The picture is {width}×{height} and its label {label[1]}×{label[0]}; the first pixel without a {lacks} is x {first[0]}, y {first[1]}.",
        hint="Make both of one size.", rule="LABEL_SIZE",
    )  # fmt: skip
