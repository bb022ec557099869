"""Builds an image classification dataset: folders of pictures to record files, lists, the mean and facts."""

from __future__ import annotations

import secrets
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.events import Emit, Preview, Progress, Warned
from digits.core.files import atomic, read_json, write_json, write_text
from digits.core.jobfolder import JobFolder
from digits.core.work import StopCheck, WorkerSettings
from digits.data.contenthash import content_hash
from digits.data.createdb import Items, PictureForm, create_db
from digits.data.images import Limits, decode
from digits.data.inventory import InventoryWriter
from digits.data.mean import MeanAccumulator, mean_facts, write_mean
from digits.data.reader import Answer, TargetKind
from digits.data.refused import RefusedWriter
from digits.data.rules import DBS, PARSE_TASK
from digits.data.shards import create_shards, parts_folder
from digits.extensions.datasets.classification import sources
from digits.extensions.datasets.classification.pick import Part, Picked, pick
from digits.extensions.datasets.classification.sources.derived.collect import collect_derived
from digits.extensions.datasets.classification.spec import ClassificationSpec

_LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")


def build(
    spec: ClassificationSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck
) -> dict[str, Any]:
    """Make everything that a dataset's job folder holds, and return the facts that stand in its ``dataset.json``.

    Raises:
        DataError: the folder has fewer than two usable classes, or a database would be empty.
        StoppedError: asked to stop; unfinished databases are removed.
    """
    return _Build(spec, folder.path, settings, emit, stop).run()


@dataclass
class _Build:
    spec: ClassificationSpec
    folder: Path
    settings: WorkerSettings
    emit: Emit
    stop: StopCheck
    form: PictureForm = field(init=False)

    def run(self) -> dict[str, Any]:
        seed = self._seed()
        scratch = self.folder / "scan.tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        refused = RefusedWriter(self.folder / "refused.csv")
        try:
            picked = self._pick(scratch, seed, refused)
            self.form = self._form(picked, seed)
            facts = self._facts(picked, seed)
            for part in picked.parts.values():
                facts["dbs"][part.name], mean = self._create(part, picked, refused)
                facts["mean"] = mean or facts["mean"]
            picked.inventory.close()
            facts["refused"] = {"count": refused.count}
            facts["bytes"] = sum(db["bytes"] for db in facts["dbs"].values())
            facts["content_hash"] = content_hash(self.folder, list(facts["dbs"]), facts["labels"], facts["target_kind"])
        finally:
            refused.close()
            shutil.rmtree(scratch, ignore_errors=True)
        write_json(self.folder / "dataset.json", facts)
        for name in facts["dbs"]:
            shutil.rmtree(parts_folder(self.folder, name), ignore_errors=True)
        return facts

    def _seed(self) -> int:
        """Return the seed; one that chance gave is the same in every attempt, so that shards of another fit."""
        if self.spec.random_seed is not None:
            return self.spec.random_seed
        place = self.folder / "seed.json"
        if not place.is_file():
            write_json(place, secrets.randbits(32))
        seed: int = read_json(place)
        return seed

    def _pick(self, scratch: Path, seed: int, refused: RefusedWriter) -> Picked:
        self.emit(Progress(task=PARSE_TASK, done=0, total=0, unit="pictures", text="Looking for pictures", rate=None))
        with (self.folder / "parse_folder.log").open("w", encoding="utf-8", errors="replace") as log:

            def say(text: str) -> None:
                log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} [INFO ] {text}\n")

            writer = InventoryWriter(self.folder, scratch, refused, self.settings, emit=self.emit, stop=self.stop)
            picked = self._collect(writer, seed, say)
        write_text(self.folder / "labels.txt", "".join(f"{label}\n" for label in picked.labels))
        for part in picked.parts.values():
            with atomic(self.folder / f"{part.name}.txt") as file:
                _write_list(file, picked, part.items)
        for task, dbs in sources.parsing(self.spec.base, self.spec.source).items():
            facts = _parsed(picked, dbs, whole=task == PARSE_TASK)
            total, count = sum(facts[f"{name}_count"] for name in DBS), facts["label_count"]
            many = f"with {count:,} numbers each" if picked.inventory.kind == "vector" else f"in {count:,} classes"
            self.emit(
                Progress(task=task, done=total, total=total, unit="pictures", text=f"{total:,} pictures {many}", rate=None,
                         state="done", facts=facts)
            )  # fmt: skip
        return picked

    def _collect(self, writer: InventoryWriter, seed: int, say: Callable[[str], None]) -> Picked:
        """Find the pictures and share them out; records of other datasets come before those of the source."""
        spec, base = self.spec, self.spec.base

        def of_source(own: InventoryWriter, least_classes: int) -> Picked:
            inventory = sources.collect(spec.source, own)
            return pick(
                inventory, sources.dbs(spec.source), seed=seed, emit=self.emit, log=say, least_classes=least_classes
            )

        if not base.ids:
            return of_source(writer, 2)
        further = None if spec.source.method == "derived" else partial(of_source, least_classes=1)
        inventory = collect_derived(base, writer, further)
        return pick(inventory, sources.wanted(base, spec.source), seed=seed, emit=self.emit, log=say)

    def _form(self, picked: Picked, seed: int) -> PictureForm:
        """Return what every picture becomes; only grey and colour can be encoded."""
        spec, limits = self.spec, Limits(max_pixels=self.settings.max_image_pixels)
        channels: int = spec.resize_channels or _stored_channels(picked, limits)
        encoding = spec.encoding if channels in (1, 3) else "none"
        if encoding != spec.encoding:
            text = f"Pictures of {channels} channels are stored raw: {spec.encoding.upper()} cannot hold them."
            self.emit(Warned(message=text))
        return PictureForm(
            spec.resize_height, spec.resize_width, channels, spec.resize_mode, encoding, seed, limits,
            spec.backend, spec.compression, converts=bool(spec.resize_channels),
        )  # fmt: skip

    def _facts(self, picked: Picked, seed: int) -> dict[str, Any]:
        spec = self.spec
        return {
            "labels": picked.labels,
            "target_kind": picked.inventory.kind,
            "image": {"width": spec.resize_width, "height": spec.resize_height, "channels": self.form.channels},
            "resize_mode": spec.resize_mode,
            "backend": spec.backend,
            "encoding": self.form.encoding,
            "compression": spec.compression,
            "random_seed": seed,
            "dbs": {},
            "parsed": _parsed(picked, DBS, whole=True),
            "mean": None,
        }

    def _create(
        self, part: Part, picked: Picked, refused: RefusedWriter
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Make one database; return its facts, and those of the mean where it is the training set."""
        task, form = f"create_{part.name}_db", self.form
        mean = MeanAccumulator((form.height, form.width, form.channels)) if part.name == "train" else None

        def progress(*, done: int, total: int, rate: float) -> None:
            text = f"{done:,} of {total:,} pictures"
            title = f"Create DB ({part.name})"
            self.emit(Progress(task=task, title=title, done=done, total=total, unit="pictures", rate=rate, text=text))

        progress(done=0, total=len(part.order), rate=0.0)
        inventory = picked.inventory
        items = Items(
            inventory.names.__getitem__,
            inventory.read,
            picked.answer,
            inventory.lines.item,
            part.order,
            len(picked.labels),
            inventory.kind,
            inventory.stored,
        )
        total = sum(len(each.order) for each in picked.parts.values())
        is_sharded = total > self.settings.shard_above and form.backend == "lmdb"
        if total > self.settings.shard_above and not is_sharded and part.name == "train":
            text = "HDF5 is made in one piece: a creation that is stopped begins again."
            self.emit(
                Warned(message=text, hint="LMDB of as many pictures is made in shards, and goes on at the shard.")
            )
        create = partial(create_shards, shard_images=self.settings.shard_images) if is_sharded else create_db
        created = create(
            self.folder, part.name, items, form, num_threads=self.settings.num_threads,
            progress=progress, stop=self.stop, refused=refused, mean=mean,
        )  # fmt: skip
        mean_facts = self._write_mean(mean.mean()) if mean else None
        facts = {key: value for key, value in asdict(created).items() if key not in ("notes", "refused")}
        facts |= {"input_file": f"{part.name}.txt", "log_file": f"{task}.log", "refused": created.refused}
        self._warn(part.name, created.notes, created.refused)
        total = len(part.order)
        text = f"{created.entries:,} pictures written"
        self.emit(
            Progress(task=task, done=total, total=total, unit="pictures", text=text, state="done",
                     rate=total / max(created.seconds, 1e-9), facts=facts)
        )  # fmt: skip
        return facts, mean_facts

    def _write_mean(self, mean_HWC: NDArray[np.uint8]) -> dict[str, Any]:
        write_mean(self.folder, mean_HWC)
        self.emit(Preview(name="mean", file="mean.jpg"))
        return mean_facts(mean_HWC)

    def _warn(self, name: str, notes: Counter[str], refused: int) -> None:
        for note, count in notes.most_common():
            self.emit(Warned(message=f"{count:,} of the pictures for {name}: {note}."))
        if refused:
            self.emit(
                Warned(
                    message=f"{refused:,} file{'s' * (refused != 1)} for {name} {'was' if refused == 1 else 'were'} refused.",
                    hint="refused.csv names each with the reason.",
                )
            )


def _parsed(picked: Picked, dbs: Sequence[str], *, whole: bool) -> dict[str, int]:
    """Return DIGITS' counts of what was found for ``dbs``; ``whole``: in the source's main folder, whose classes are those of the dataset."""
    items = {name: picked.parts[name].items for name in DBS if name in dbs and name in picked.parts}
    counts = {f"{name}_count": len(items.get(name, ())) for name in DBS}
    if whole:
        return {"label_count": len(picked.labels), **counts}
    classes = [picked.classes[each] for each in items.values()]
    return {"label_count": len(np.unique(np.concatenate(classes))) if classes else 0, **counts}


def _stored_channels(picked: Picked, limits: Limits) -> int:
    """Return the channels of the first picture for training that can be used."""
    for item in picked.parts["train"].items.tolist():
        try:
            if stored := picked.inventory.stored(item):
                return int(stored.image_HWC.shape[2])
            return int(decode(picked.inventory.read(item), limits=limits).image_HWC.shape[2])
        except DataError:
            continue  # it is refused, with the reason, when its turn comes
    raise DataError("Not one of the files for train could be used.", rule="DB_EMPTY")


def _write_list(file: IO[bytes], picked: Picked, items: NDArray[np.int64]) -> None:
    """Write ``path label`` lines, as DIGITS' lists are; several classes have commas between, numbers blanks.

    A line break in a name would end its line, and becomes a space.
    """
    for item in items.tolist():
        path, answer = picked.inventory.names[item], picked.answer(item)
        file.write(b"%b %b\n" % (path.translate(_LINE_BREAKS), _in_list(answer, picked.inventory.kind)))


def _in_list(answer: Answer, kind: TargetKind) -> bytes:
    if isinstance(answer, int):
        return b"%d" % answer
    return (" " if kind == "vector" else ",").join(f"{value:.9g}" for value in answer).encode() or b"-"
