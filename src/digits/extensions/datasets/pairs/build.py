"""Builds a dataset of image pairs, and opens it. Legend: HWC = height, width, channels of uint8 (RGB where there are 3)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from digits.core.errors import DataError
from digits.core.events import Emit
from digits.core.jobfolder import JobFolder
from digits.core.work import StopCheck, WorkerSettings
from digits.data.pairdb import CreatedPairs, Pair
from digits.data.reader import DatasetReader, TargetKind
from digits.data.recordreader import RecordReader
from digits.data.walk import walk
from digits.extensions.datasets.building.build import PairBuild, build_with
from digits.extensions.datasets.building.pairs import shared_out
from digits.extensions.datasets.building.tables import open_file, resolve, rows_of
from digits.extensions.datasets.pairs.check import NUM_COLUMNS
from digits.extensions.datasets.pairs.drawing import draw_pairs
from digits.extensions.datasets.pairs.spec import PairsSpec
from digits.extensions.datasets.paths import outside

LABELS = ["different", "similar"]
_SIMILAR = {"1": 1, "true": 1, "yes": 1, "similar": 1, "0": 0, "false": 0, "no": 0, "different": 0}


class _Item(NamedTuple):
    first: bytes
    second: bytes
    similar: int
    line: int = 0


class _Build(PairBuild[PairsSpec, _Item]):
    kind: TargetKind = "class"
    unit: ClassVar[str] = "pairs"

    def find(self) -> dict[str, list[_Item]]:
        return self._listed() if self.spec.pairs_file else self._drawn()

    def _listed(self) -> dict[str, list[_Item]]:
        rows = self._table(self.spec.pairs_file, "train")
        if self.spec.val_pairs_file:
            return {"train": rows, "val": self._table(self.spec.val_pairs_file, "val")}
        return shared_out(rows, self.spec.folder_pct_val, self.seed)

    def _table(self, path: str, db: str) -> list[_Item]:
        table, root, refused = open_file(path), Path(path).expanduser().parent, self.work.refused
        found = []
        for line, (one, other, text) in rows_of(table, table.columns.names[:NUM_COLUMNS], db, refused, self.tick):
            first, second = resolve(one, root), resolve(other, root)
            similar = _SIMILAR.get(str(text).strip().lower().removesuffix(".0"))
            try:
                if similar is None:
                    raise DataError(f"{str(text)[:40]!r} is neither 1 nor 0.", rule="PAIR_SIMILAR")
                for name in (first, second):
                    if wrong := outside(name, self.work.settings.data_roots):
                        raise wrong
            except DataError as error:
                refused.add(db, first, error, line)
            else:
                found.append(_Item(first, second, similar, line))
        return found

    def _drawn(self) -> dict[str, list[_Item]]:
        parts: dict[str, list[list[bytes]]] = {"train": [], "val": []}
        for pictures in self._classes():
            for db, own in shared_out(pictures, self.spec.folder_pct_val, self.seed).items():
                parts[db].append(own)
        count_val = round(self.spec.pair_count * self.spec.folder_pct_val / 100)
        counts = {"train": self.spec.pair_count - count_val, "val": count_val}
        found = {}
        for number, (db, classes) in enumerate(parts.items()):
            pictures = [path for own in classes for path in own]
            if len(pictures) < 2 or not counts[db]:
                continue
            rng = np.random.default_rng([self.seed, number])
            drawn = draw_pairs([len(own) for own in classes], counts[db], rng).tolist()
            found[db] = [_Item(pictures[one], pictures[other], similar) for one, other, similar in drawn]
        if not found:
            raise DataError(
                "The folder has no two pictures in sub-folders.", where=self.spec.image_folder,
                hint="It needs a sub-folder for each class.", rule="DB_EMPTY",
            )  # fmt: skip
        return found

    def _classes(self) -> list[list[bytes]]:
        """Return the pictures of each class, sorted."""
        root = os.fsencode(Path(self.spec.image_folder).expanduser())
        found: list[list[bytes]] = []
        count = 0
        for folder in sorted(entry.path for entry in os.scandir(root) if entry.is_dir()):
            pictures: list[bytes] = []
            for each in walk(root, folder):
                count += 1
                self.tick(count)
                if isinstance(each, tuple):
                    self.work.refused.add("", *each)
                else:
                    pictures.append(each)
            found.append(sorted(pictures))
        return found

    def names(self, item: _Item) -> tuple[bytes, bytes]:
        return b"%b & %b" % (item.first, item.second), b""

    def line(self, item: _Item) -> bytes:
        return b"%b %b %d" % (item.first, item.second, item.similar)

    def number(self, item: _Item) -> int:
        return item.line

    def make(self, item: _Item, _db: str) -> Pair:
        (first_HWC, notes, _), (second_HWC, more, _) = self.pictures.load(item.first), self.pictures.load(item.second)
        if first_HWC.shape != second_HWC.shape:
            sizes = " and ".join(f"{w}×{h} in {c} channels" for h, w, c in (first_HWC.shape, second_HWC.shape))
            raise DataError(
                f"The two pictures differ: {sizes}.", hint="Give a width and height for all, and a channel conversion.", rule="IMG_SIZE"
            )  # fmt: skip
        return Pair(np.concatenate([first_HWC, second_HWC], axis=2), item.similar, notes=(*notes, *more))

    def labels(self, _made: Mapping[str, CreatedPairs]) -> list[str]:
        return LABELS

    def facts(self, made: Mapping[str, CreatedPairs], _labels: Sequence[str]) -> dict[str, Any]:
        similar = sum(created.holding[1] for created in made.values())
        if similar in (0, sum(created.entries for created in made.values())):
            self.warn(f"All pairs are {LABELS[bool(similar)]}: a network learns nothing from them.")
        return {"pictures_per_record": 2}


def build(spec: PairsSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck) -> dict[str, Any]:
    """Make the dataset; see :func:`~digits.extensions.datasets.building.build.build_with`."""
    return build_with(_Build, spec, folder, settings, emit, stop)


def open_reader(folder: JobFolder, db: str) -> DatasetReader:
    """Return the pairs of database ``db``: pictures of 2 channels, or of 6, and 1 where they are alike.

    Raises:
        NotFoundError: the dataset has no such database (yet).
    """
    return RecordReader(folder.path, db, num_threads=WorkerSettings.from_environment().num_threads)
