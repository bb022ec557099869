"""Builds a Sunnybrook dataset, and opens it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.events import Emit
from digits.core.jobfolder import JobFolder
from digits.core.work import StopCheck, WorkerSettings
from digits.data.masks import usual_palette
from digits.data.pairdb import CreatedPairs, Pair
from digits.data.pairreader import RecordPairReader
from digits.data.reader import PairReader
from digits.extensions.datasets.building.build import build_with
from digits.extensions.datasets.building.masks import MaskBuild, mask_pair
from digits.extensions.datasets.building.pairs import shared_out
from digits.extensions.datasets.sunnybrook.contours import enclosed, read_contour
from digits.extensions.datasets.sunnybrook.find import Slice, find_slices
from digits.extensions.datasets.sunnybrook.spec import SunnybrookSpec

LABELS = ["background", "left ventricle"]


class _Build(MaskBuild[SunnybrookSpec, Slice]):
    def find(self) -> dict[str, list[Slice]]:
        spec = self.spec
        slices = find_slices(spec.image_folder, spec.contour_folder, self.work.refused, self.tick)
        cases = sorted({each.case for each in slices})
        if spec.split_by == "slice" or len(cases) == 1:
            return shared_out(slices, spec.folder_pct_val, self.seed)
        dealt = shared_out(cases, spec.folder_pct_val, self.seed)
        return {db: [each for each in slices if each.case in chosen] for db, chosen in dealt.items()}

    def names(self, item: Slice) -> tuple[bytes, bytes]:
        return item.picture, item.contour

    def make(self, item: Slice, _db: str) -> Pair:
        image_HWC, notes, _ = self.pictures.load(item.picture)
        size = image_HWC.shape[0], image_HWC.shape[1]
        return mask_pair(image_HWC, enclosed(read_contour(item.contour, size), size), notes)

    def labels(self, _made: Mapping[str, CreatedPairs]) -> list[str]:
        return LABELS

    def palette(self, count: int) -> NDArray[np.uint8]:
        return usual_palette()[:count]


def build(
    spec: SunnybrookSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck
) -> dict[str, Any]:
    """Make the dataset; see :func:`~digits.extensions.datasets.building.build.build_with`."""
    return build_with(_Build, spec, folder, settings, emit, stop)


def open_reader(folder: JobFolder, db: str) -> PairReader:
    """Return the slices and masks of database ``db`` ("train" or "val").

    Raises:
        NotFoundError: the dataset has no such database (yet).
    """
    return RecordPairReader(folder.path, db, num_threads=WorkerSettings.from_environment().num_threads)
