"""Builds an image gradients dataset, and opens it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from digits.core.events import Emit
from digits.core.jobfolder import JobFolder
from digits.core.work import StopCheck, WorkerSettings
from digits.data.pairdb import CreatedPairs, Pair
from digits.data.reader import DatasetReader, TargetKind
from digits.data.recordreader import RecordReader
from digits.data.rules import DBS
from digits.extensions.datasets.building.build import PairBuild, build_with
from digits.extensions.datasets.gradients.check import counts
from digits.extensions.datasets.gradients.draw import draw, slopes
from digits.extensions.datasets.gradients.spec import GradientsSpec

LABELS = ["gradient_x", "gradient_y"]
_Item = tuple[int, int]
"""The number of its database, and its own."""


class _Build(PairBuild[GradientsSpec, _Item]):
    kind: TargetKind = "vector"

    def find(self) -> dict[str, list[_Item]]:
        return {db: [(DBS.index(db), index) for index in range(count)] for db, count in counts(self.spec).items()}

    def names(self, item: _Item) -> tuple[bytes, bytes]:
        return f"{DBS[item[0]]}/{item[1]:06d}".encode(), b""

    def line(self, item: _Item) -> bytes:
        x, y = slopes(self.seed, *item).tolist()
        return f"{self.names(item)[0].decode()} {x:.6g} {y:.6g}".encode()

    def make(self, item: _Item, _db: str) -> Pair:
        label = slopes(self.seed, *item)
        x, y = label.tolist()
        return Pair(draw(x, y, height=self.spec.image_height, width=self.spec.image_width), label)

    def labels(self, _made: Mapping[str, CreatedPairs]) -> list[str]:
        return LABELS


def build(
    spec: GradientsSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck
) -> dict[str, Any]:
    """Make the dataset; see :func:`~digits.extensions.datasets.building.build.build_with`."""
    return build_with(_Build, spec, folder, settings, emit, stop)


def open_reader(folder: JobFolder, db: str) -> DatasetReader:
    """Return the pictures and slopes of database ``db``.

    Raises:
        NotFoundError: the dataset has no such database (yet).
    """
    return RecordReader(folder.path, db, num_threads=WorkerSettings.from_environment().num_threads)
