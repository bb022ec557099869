"""Builds an object detection dataset: pictures and boxes to two LMDBs for each part, lists, the mean and facts.

Legend: HWC = height, width, channels of uint8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from digits.core.errors import DataError
from digits.core.events import Emit
from digits.core.jobfolder import JobFolder
from digits.core.work import StopCheck, WorkerSettings
from digits.data.boxes import box_digest, box_targets
from digits.data.pairdb import CreatedPairs, Pair
from digits.data.reader import TargetKind
from digits.extensions.datasets.building.build import PairBuild, Shape, Work, build_with
from digits.extensions.datasets.detection.boxes import Box, label_array
from digits.extensions.datasets.detection.facts import BoxTally, db_facts, set_facts
from digits.extensions.datasets.detection.formats import Annotated
from digits.extensions.datasets.detection.gather import Gathered, gather
from digits.extensions.datasets.detection.geometry import Geometry, within
from digits.extensions.datasets.detection.spec import DetectionSpec


def build(
    spec: DetectionSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck
) -> dict[str, Any]:
    """Make everything that a dataset's job folder holds, and return the facts that stand in its ``dataset.json``.

    Raises:
        DataError: there is no picture with boxes, none of the boxes is of a class asked for, or a database would be empty.
        StoppedError: asked to stop; unfinished databases are removed.
    """
    return build_with(_Build, spec, folder, settings, emit, stop)


class _Build(PairBuild[DetectionSpec, Annotated]):
    kind: TargetKind = "boxes"

    def __init__(self, spec: DetectionSpec, work: Work) -> None:
        super().__init__(spec, work)
        self._geometry = Geometry.of(spec)
        self._found: Gathered
        self._tallies: dict[str, BoxTally] = {}

    def find(self) -> dict[str, list[Annotated]]:
        """Return the pictures with their boxes by database."""
        self._found = gather(self.spec, self.seed, self.work.refused, self.tick)
        for note in self._found.notes:
            self.warn(f"{note}.")
        self._tallies = {db: BoxTally(len(self._found.ids)) for db in self._found.parts}
        return self._found.parts

    def names(self, item: Annotated) -> tuple[bytes, bytes]:
        """Return the picture's path and that of the file with its boxes."""
        return item.picture, item.source

    def shape_of(self, items: Sequence[Annotated]) -> Shape:
        """Return the shape of the first picture that can be read, as it will be stored.

        Raises:
            DataError: none can be read, or the first one is larger than what it is to be padded to.
        """
        for item in items:
            try:
                image_HWC = self.pictures.read(item.picture)[0]
            except DataError:
                continue
            height, width, channels = self._geometry.apply(image_HWC).shape
            return height, width, channels
        return super().shape_of(items)

    def make(self, item: Annotated, db: str) -> Pair:
        """Return a picture and its label as they are stored."""
        image_HWC, notes, _ = self.pictures.read(item.picture)
        size = image_HWC.shape[0], image_HWC.shape[1]
        boxes, more = within(item.boxes, size)
        ids = [self._id(box, db) for box in boxes]
        label = label_array(self._geometry.boxes(boxes, size), ids, self._found.most[db])
        image_HWC = self._geometry.apply(image_HWC)
        targets = box_targets(label, self._found.places(), len(boxes))
        counts = self._tallies[db].add(targets)
        return Pair(image_HWC, label, counts, (*notes, *more), box_digest(targets, self._found.labels))

    def _id(self, box: Box, db: str) -> int:
        """Return DIGITS' id of a box's class; that of DontCare where it is to be ignored."""
        number = self._found.classes.id_of(box.label)
        if number is None or box.ignore:
            return self._found.dontcare
        if db == "val" and min(box.width, box.height) < self.spec.val_min_box_size:
            self._tallies[db].add_small()
            return self._found.dontcare
        return number

    def labels(self, made: Mapping[str, CreatedPairs]) -> list[str]:
        """Return the names of the classes.

        Raises:
            DataError: every box is to be ignored.
        """
        if not any(self._tallies[db].learned for db in made):
            raise DataError(
                "Every box is to be ignored.",
                hint="Are all marked difficult, or outside their pictures?",
                rule="BOX_NONE",
            )
        return self._found.labels

    def facts(self, made: Mapping[str, CreatedPairs], _labels: Sequence[str]) -> dict[str, Any]:
        """Return what is known of the boxes."""
        small = sum(self._tallies[db].small for db in made)
        if small:
            what = "box is" if small == 1 else "boxes are"
            self.warn(
                f"{small:,} {what} less wide or high than {self.spec.val_min_box_size:g} px: ignored for validation (DontCare).",
                "A minimum box size of 0 keeps all.",
            )
        return set_facts(self.spec, self._found, self._tallies)

    def _db_facts(self, db: str, created: CreatedPairs, num_labels: int) -> dict[str, Any]:
        return super()._db_facts(db, created, num_labels) | db_facts(self._tallies[db], self._found.most[db])
