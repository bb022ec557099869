"""Builds an image segmentation dataset. Legend: HW = height, width of class ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.events import Emit
from digits.core.jobfolder import JobFolder
from digits.core.work import StopCheck, WorkerSettings
from digits.data.images import read_file
from digits.data.masks import LabelPicture, read_label, resize_mask
from digits.data.pairdb import CreatedPairs, Pair
from digits.extensions.datasets.building.build import Shape, Work, build_with
from digits.extensions.datasets.building.masks import MaskBuild, mask_pair
from digits.extensions.datasets.building.pairs import Pair as Paths
from digits.extensions.datasets.building.pairs import find_parts
from digits.extensions.datasets.segmentation.colours import IGNORED, Classes, find_classes
from digits.extensions.datasets.segmentation.spec import SegmentationSpec


def build(
    spec: SegmentationSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck
) -> dict[str, Any]:
    """Make the dataset; see :func:`~digits.extensions.datasets.building.build.build_with`."""
    return build_with(_Build, spec, folder, settings, emit, stop)


class _Build(MaskBuild[SegmentationSpec, Paths]):
    def __init__(self, spec: SegmentationSpec, work: Work) -> None:
        super().__init__(spec, work)
        self._classes: Classes

    def find(self) -> dict[str, list[Paths]]:
        parts = find_parts(self.spec, self.seed, self.work.refused, self.tick)
        self._use(find_classes(self.spec, self._labels([pair for pairs in parts.values() for pair in pairs])))
        return parts

    def _use(self, classes: Classes) -> None:
        self._classes, self.ignore_label = classes, classes.ignore_label

    def _labels(self, pairs: Sequence[Paths]) -> Iterator[LabelPicture]:
        """Yield the labels that can be read; the others are refused when their turn comes."""
        for number, (_, label) in enumerate(pairs):
            self.tick(number, f"Looked at {number:,} labels")
            try:
                yield read_label(read_file(label), limits=self.pictures.limits)
            except DataError:
                continue

    def names(self, item: Paths) -> tuple[bytes, bytes]:
        return item

    def shape_of(self, items: Sequence[Paths]) -> Shape:
        """Return the shape of the first picture that can be read, as it will be stored, whatever its label is."""
        for path, _ in items:
            try:
                height, width, channels = self.pictures.load(path)[0].shape
            except DataError:
                continue
            return height, width, channels
        return super().shape_of(items)

    def make(self, item: Paths, _db: str) -> Pair:
        path, label_path = item
        image_HWC, notes, check = self.pictures.read(path)
        label = read_label(read_file(label_path), limits=self.pictures.limits)
        if image_HWC.shape[:2] != label.size:
            raise _other_size(image_HWC.shape, label.size)
        mask_HW = self._classes.ids(label)
        if steps := self.pictures.steps(label.size):
            fill = IGNORED if self.ignore_label is None else self.ignore_label
            mask_HW = resize_mask(mask_HW, steps, fill)
        return mask_pair(self.pictures.fit(image_HWC, check), mask_HW, notes)

    def labels(self, made: Mapping[str, CreatedPairs]) -> list[str]:
        """Return the names of the classes, by the greatest id where nothing names them.

        Raises:
            DataError: nothing but 0 and 255 is in the labels, and nobody said which of the two is a class.
        """
        classes = self._classes
        if classes.is_implied and not any(created.holding[IGNORED] for created in made.values()):
            classes = replace(classes, ignore_label=None)
        self._use(classes)
        largest = max(int(np.flatnonzero(self.pixels(created)).max(initial=0)) for created in made.values())
        if classes.is_implied and classes.ignore_label is not None:
            if not largest:
                raise DataError(
                    "The labels hold no values but 0 and 255, and 255 stands for pixels without a class.",
                    hint="If it is a class, choose the color map specification 'Found in the labels'.", rule="LABEL_VALUE",
                )  # fmt: skip
            hint = "Give another ignore label, or name 256 classes, if it is a class."
            self.warn(f"Pixels of the value {IGNORED} are ignored.", hint)
        return classes.labels(largest)

    def palette(self, count: int) -> NDArray[np.uint8]:
        return self._classes.palette(count)


def _other_size(picture: Sequence[int], label: tuple[int, int]) -> DataError:
    height, width = picture[:2]
    is_short = label[0] < height or label[1] < width
    lacks, (small_h, small_w), large_w = ("label", label, width) if is_short else ("picture", (height, width), label[1])
    first = (small_w, 0) if small_w < large_w else (0, small_h)
    return DataError(
        f"The picture is {width}×{height} and its label {label[1]}×{label[0]}; the first pixel without a {lacks} is x {first[0]}, y {first[1]}.",
        hint="Make both of one size.", rule="LABEL_SIZE",
    )  # fmt: skip
