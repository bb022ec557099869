"""Builds an image processing dataset, and opens it. Legend: HWC = height, width, channels of uint8 (RGB where there are 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.events import Emit
from digits.core.jobfolder import JobFolder
from digits.core.work import StopCheck, WorkerSettings
from digits.data.pairdb import CreatedPairs, Pair
from digits.data.pairreader import RecordPairReader
from digits.data.reader import PairReader, TargetKind
from digits.extensions.datasets.building.build import PairBuild, build_with
from digits.extensions.datasets.building.pairs import Pair as Paths
from digits.extensions.datasets.building.pairs import find_parts
from digits.extensions.datasets.processing.spec import ProcessingSpec


class _Build(PairBuild[ProcessingSpec, Paths]):
    kind: TargetKind = "image"

    def find(self) -> dict[str, list[Paths]]:
        return find_parts(self.spec, self.seed, self.work.refused, self.tick)

    def names(self, item: Paths) -> tuple[bytes, bytes]:
        return item

    def make(self, item: Paths, _db: str) -> Pair:
        path, label_path = item
        image_HWC, notes, check = self.pictures.read(path)
        if label_path == path:
            label_HWC = image_HWC
        else:
            label_HWC = self._label(label_path)
            if label_HWC.shape[:2] != image_HWC.shape[:2] and not self.spec.size.width:
                (height, width), (label_h, label_w) = image_HWC.shape[:2], label_HWC.shape[:2]
                raise DataError(
                    f"The picture is {width}×{height} and its label {label_w}×{label_h}.",
                    hint="Make both of one size, or give a width and height for all.", rule="LABEL_SIZE",
                )  # fmt: skip
        image_HWC, label_HWC = self.pictures.fit(image_HWC, check), self.pictures.fit(label_HWC, check)
        return Pair(self._noisy(image_HWC, check), label_HWC, notes=notes)

    def _label(self, path: bytes) -> NDArray[np.uint8]:
        try:
            return self.pictures.read(path)[0]
        except DataError as error:
            raise DataError(f"The label: {error.message}", hint=error.hint, rule="LABEL_BROKEN") from error

    def _noisy(self, image_HWC: NDArray[np.uint8], check: int) -> NDArray[np.uint8]:
        if not self.spec.noise:
            return image_HWC
        drawn = self.pictures.chance(check).normal(0, self.spec.noise, image_HWC.shape)
        return np.asarray(np.clip(np.rint(image_HWC + drawn), 0, 255), np.uint8)

    def labels(self, _made: Mapping[str, CreatedPairs]) -> list[str]:
        return []


def build(
    spec: ProcessingSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck
) -> dict[str, Any]:
    """Make the dataset; see :func:`~digits.extensions.datasets.building.build.build_with`."""
    return build_with(_Build, spec, folder, settings, emit, stop)


def open_reader(folder: JobFolder, db: str) -> PairReader:
    """Return the pairs of pictures of database ``db`` ("train" or "val").

    Raises:
        NotFoundError: the dataset has no such database (yet).
    """
    return RecordPairReader(folder.path, db, num_threads=WorkerSettings.from_environment().num_threads)
