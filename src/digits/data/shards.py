"""Makes a large database shard by shard: each is a step of its own with a row in the manifest, and is never made twice.

A shard is an LMDB of so many pictures of the database's order (fewer where some are refused). While the database is made it lies in
``<name>_db.tmp``, and what is needed to put the whole together in ``<name>_db.parts``: after a kill, a stop or an error both stay, and the
next attempt makes the shards that are not there. A shard is there if its row was made of the same pictures for the same form, and its
files have the digest that the row says. docs/adr/0066 says why.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.files import atomic, sync_folder
from digits.core.work import StopCheck
from digits.data.contenthash import DIGESTS
from digits.data.createdb import CreatedDb, Items, PictureForm, Places, Progress, check_entries, create_db, num_bytes
from digits.data.index import Index, IndexWriter
from digits.data.mean import MeanAccumulator
from digits.data.refused import RefusedWriter, read_refused
from digits.data.shardfile import MANIFEST, read_manifest

_BLOCK = 1 << 20


@dataclass(frozen=True)
class _Row:
    """A row of the manifest; ``first_key`` is put right when all shards are there."""

    shard: int
    file: str
    first_key: int
    count: int
    class_counts: dict[str, int]
    sha256: str
    refused: int
    seconds: float
    bytes: int
    notes: dict[str, int]
    made_of: str


def parts_folder(folder: Path, name: str) -> Path:
    """Return where the parts of an unfinished database lie; to be removed when the dataset is finished."""
    return folder / f"{name}_db.parts"


def create_shards(
    folder: Path,
    name: str,
    items: Items,
    form: PictureForm,
    *,
    shard_images: int,
    num_threads: int,
    progress: Progress,
    stop: StopCheck,
    refused: RefusedWriter,
    mean: MeanAccumulator | None = None,
) -> CreatedDb:
    """Do what :func:`~digits.data.createdb.create_db` does, in shards of ``shard_images`` pictures, and go on where it ended before.

    Raises:
        StoppedError: asked to stop; whole shards stay.
        DataError: not one file could be used.
        SetupError: the disk is full or broken.
    """
    started = time.monotonic()
    shards = _Shards(folder, name, items, form, shard_images, mean)
    orders = [items.order[at : at + shard_images] for at in range(0, len(items.order), shard_images)]
    with Places.of(folder, name).log.open("a", buffering=1, encoding="utf-8") as log:

        def say(text: str) -> None:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} [INFO ] {text}\n")

        done, total = 0, len(items.order)
        for number, order in enumerate(orders):

            def tell(*, done: int, total: int, rate: float, before: int = done) -> None:  # noqa: ARG001 - of this shard alone
                progress(done=before + done, total=len(items.order), rate=rate)

            if shards.kept(number, order) is None:
                shards.make(number, order, num_threads=num_threads, progress=tell, stop=stop)
            done += len(order)
            say(f"Processed {done}/{total}")
        created = shards.put_together(refused)
        for label, count in enumerate(created.class_counts):
            say(f"Category {label} has {count} images.")
        say(f"{created.entries} images written to database")
    return replace(created, seconds=time.monotonic() - started)


class _Shards:
    def __init__(
        self, folder: Path, name: str, items: Items, form: PictureForm, shard_images: int, mean: MeanAccumulator | None
    ) -> None:
        self._name, self._items, self._form, self._mean = name, items, form, mean
        self._final, self._index = folder / f"{name}_db", folder / "index" / name
        self._work, self._parts = folder / f"{name}_db.tmp", parts_folder(folder, name)
        self._salt = repr((form, items.kind, items.num_classes, shard_images, mean is not None)).encode()
        if self._final.exists() and self._parts.exists() and not self._work.exists():
            os.rename(self._final, self._work)  # the end was near
        for place in (self._work, self._parts):
            place.mkdir(exist_ok=True)
        self._manifest = self._work / MANIFEST
        self._manifest.touch()
        self._known = {row["shard"]: _Row(**row) for row in read_manifest(self._work)}
        self._write(self._known.values())  # without the torn row of a writer that was killed
        self._rows: list[_Row] = []

    def kept(self, number: int, order: NDArray[np.integer]) -> _Row | None:
        """Return the row of a shard that is there already."""
        row = self._known.get(number)
        if row is None or row.made_of != self._made_of(order):
            return None
        if not self._part(number).is_dir() or _sha256(self._work / row.file) != row.sha256:
            return None
        self._rows.append(row)
        return row

    def make(
        self, number: int, order: NDArray[np.integer], *, num_threads: int, progress: Progress, stop: StopCheck
    ) -> _Row:
        """Make a shard, and write its row."""
        part, file = self._part(number), f"shard-{number:05d}"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        refused = RefusedWriter(part / "refused.csv")
        mean = MeanAccumulator((self._form.height, self._form.width, self._form.channels)) if self._mean else None
        try:
            created = create_db(
                self._work, self._name, replace(self._items, order=order), self._form,
                num_threads=num_threads, progress=progress, stop=stop, refused=refused, mean=mean,
                places=Places(self._work / file, part / "index", part / "create.log"),
            )  # fmt: skip
        finally:
            refused.close()
        if mean is not None:
            np.save(part / "mean.npy", mean.total()[0])
        row = _Row(
            shard=number, file=file, first_key=sum(row.count for row in self._rows), count=created.entries,
            class_counts={str(label): count for label, count in enumerate(created.class_counts) if count},
            sha256=_sha256(self._work / file), refused=created.refused, seconds=round(created.seconds, 3),
            bytes=created.bytes, notes=dict(created.notes), made_of=self._made_of(order),
        )  # fmt: skip
        with self._manifest.open("a", encoding="utf-8") as manifest:
            manifest.write(json.dumps(asdict(row)) + "\n")
            manifest.flush()
            os.fsync(manifest.fileno())
        self._rows.append(row)
        return row

    def put_together(self, refused: RefusedWriter) -> CreatedDb:
        """Make one index of those of the shards, and give the database its name."""
        counts = [0] * self._items.num_classes if self._items.kind != "vector" else []
        firsts = accumulate((row.count for row in self._rows), initial=0)
        self._write(replace(row, first_key=first) for row, first in zip(self._rows, firsts, strict=False))
        for row in self._rows:
            for label, count in row.class_counts.items():
                counts[int(label)] += count
            for each in read_refused(self._part(row.shard) / "refused.csv"):
                error = DataError(each.reason, rule=each.rule)
                refused.add(each.db, os.fsencode(each.path), error, each.line)
            if self._mean is not None and row.count:
                self._mean.add_total(np.load(self._part(row.shard) / "mean.npy", allow_pickle=False), row.count)
        entries, refusals = sum(row.count for row in self._rows), sum(row.refused for row in self._rows)
        check_entries(entries, refusals, self._name)
        self._join_indexes()
        for stray in set(os.listdir(self._work)) - {MANIFEST, *(row.file for row in self._rows)}:
            shutil.rmtree(self._work / stray)  # of an attempt at another number of pictures
        shutil.rmtree(self._final, ignore_errors=True)
        os.replace(self._work, self._final)
        sync_folder(self._final.parent)
        notes: Counter[str] = Counter()
        for row in self._rows:
            notes.update(row.notes)
        return CreatedDb(entries, refusals, counts, notes, num_bytes(self._final), 0.0, len(self._rows))

    def _write(self, rows: Iterable[_Row]) -> None:
        with atomic(self._manifest) as manifest:
            manifest.writelines(json.dumps(asdict(row)).encode() + b"\n" for row in rows)

    def _join_indexes(self) -> None:
        temporary = self._index.with_name(f"{self._name}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        writer = IndexWriter(temporary, self._items.kind)
        with (temporary / DIGESTS).open("wb") as digests:
            for row in self._rows:
                part = self._part(row.shard) / "index"
                index = Index(part, self._items.kind)
                for place in range(len(index)):
                    writer.append(index.paths[place], index.answer(place))
                digests.write((part / DIGESTS).read_bytes())
            digests.flush()
            os.fsync(digests.fileno())
        writer.close()
        shutil.rmtree(self._index, ignore_errors=True)
        os.replace(temporary, self._index)

    def _part(self, number: int) -> Path:
        return self._parts / f"{number:05d}"

    def _made_of(self, order: NDArray[np.integer]) -> str:
        """Return a digest of what a shard is made of: names and answers of its pictures, and the form."""
        found = hashlib.sha256(self._salt)
        for item in order.tolist():
            found.update(b"\n%b %b" % (self._items.name(item), repr(self._items.label(item)).encode()))
        return found.hexdigest()


def _sha256(folder: Path) -> str:
    """Return the digest of a shard's files; empty where it has none."""
    found, files = hashlib.sha256(), sorted(folder.rglob("*.mdb"))
    for path in files:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
    return found.hexdigest() if files else ""
