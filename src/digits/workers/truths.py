"""What a picture should be, as its dataset or a file has it, brought to the picture as the network sees it.

Legend: HWC = height, width, channels of uint8; HW = height, width of class ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError, DigitsError
from digits.core.extensions import extension, load
from digits.core.jobfolder import JobFolder
from digits.data.images import ResizeMode, read_file, resize
from digits.data.masks import ColourMap, LabelPicture, read_label, resize_mask
from digits.data.reader import PairSample, Sample, TargetKind
from digits.data.resize import Plan, plan
from digits.data.storedreader import StoredReader
from digits.data.views import Truth
from digits.workers.service import Question
from digits.workers.warm import WarmModel, asked_path

_IGNORED = 255
"""Of pixels of a mask that nothing is known of, where the dataset has no value for them."""


@dataclass(frozen=True)
class Colours:
    """What a question says of the classes of a dataset."""

    palette: NDArray[np.uint8] | None
    """[classes, 3]"""
    ignore_label: int | None

    @classmethod
    def of(cls, question: Question) -> Colours:
        """Return what the facts of the ``dataset`` say: ``palette`` (lists of three numbers) and ``ignore_label``."""
        facts = question.get("dataset") or {}
        palette = facts.get("palette")
        return cls(np.array(palette, np.uint8).reshape(-1, 3) if palette else None, facts.get("ignore_label"))

    def ids(self, label: LabelPicture) -> NDArray[np.uint8]:
        """Return the classes of a label picture.

        Raises:
            DataError: it holds colours, and what they stand for is not known.
        """
        if not label.is_colour:
            return label.values
        if self.palette is None:
            text = "The label holds colours, and what they stand for is not known: its dataset is gone."
            raise DataError(text, hint="Give a label whose values are class ids.", rule="LABEL_COLOUR")
        return ColourMap(self.palette, "the dataset's palette").ids(label)


class Truths:
    """What the pictures of a question should be."""

    def __init__(self, model: WarmModel, question: Question) -> None:
        self.colours = Colours.of(question)
        self._model, self._question = model, question
        self._whole = bool(question.get("whole"))
        self._reader: Any = None

    def of(self, number: int, image_HWC: NDArray[np.uint8]) -> Truth | None:
        """Return what the picture ``number`` of the question should be; None where that is not known.

        Args:
            number: in the question, from 0.
            image_HWC: the picture as it was prepared.

        Raises:
            DataError: the file that should say it holds no label.
        """
        size = (image_HWC.shape[0], image_HWC.shape[1])
        if self._question.get("label_path"):
            path = asked_path(self._question, "label_path")
            mask_HW = self.colours.ids(read_label(read_file(path), limits=self._model.limits))
            return Truth("mask", self._fitted("mask", mask_HW, (mask_HW.shape[0], mask_HW.shape[1]), size))
        asked = self._question.get("records")
        if not isinstance(asked, Mapping):
            return None
        try:
            kind, sample = self._record(asked, int(asked["first"]) + number)
        except (DigitsError, ValueError):  # the picture is shown without
            return None
        stored = (sample.image_HWC.shape[0], sample.image_HWC.shape[1])
        label = sample.label if isinstance(sample, PairSample) else np.array(sample.target, np.float32).reshape(-1)
        return Truth(kind, self._fitted(kind, label, stored, size))

    def _record(self, asked: Mapping[str, Any], row: int) -> tuple[TargetKind, Sample | PairSample]:
        """Return what the records are labelled with, and record ``row``."""
        if self._reader is None:
            folder = JobFolder(Path(asked["folder"]))
            self._reader = load(extension("datasets", folder.record().extension).reader)(folder, asked["db"])
        return self._reader.target_kind, self._reader[row]

    def close(self) -> None:
        """Let go of the dataset's files."""
        if isinstance(self._reader, StoredReader):
            self._reader.close()

    def _fitted(
        self, kind: str, label: NDArray[Any], stored: tuple[int, int], size: tuple[int, int]
    ) -> NDArray[Any]:  # fmt: skip
        """Return a label of a picture of size ``stored`` for the picture brought to ``size``, of which the network sees the crop."""
        mode = cast(ResizeMode, self._model.predictor.facts.resize_mode)
        steps = plan(stored, size, mode)
        seen = None if self._whole else self._model.predictor.seen
        if kind == "mask":
            ignored = self.colours.ignore_label
            mask_HW = resize_mask(label, steps, _IGNORED if ignored is None else ignored)
            return mask_HW if seen is None else seen(mask_HW[:, :, None])[:, :, 0]
        if kind == "image" and label.shape[:2] == stored:
            image_HWC = resize(label, size, mode)
            return image_HWC if seen is None else seen(image_HWC)
        if kind == "boxes":
            crop = 0 if seen is None else self._model.predictor.facts.crop_size
            return _moved(label, stored, steps, ((size[0] - crop) // 2, (size[1] - crop) // 2) if crop else (0, 0))
        return label


def _moved(
    boxes: NDArray[np.float32], stored: tuple[int, int], steps: Plan, corner: tuple[int, int]
) -> NDArray[np.float32]:
    """Return boxes (class, left, top, right, bottom, ignore) that were scaled and cut with their picture; ``corner`` is (top, left) of the crop."""
    moved = boxes.copy()
    for axis, columns in ((0, (2, 4)), (1, (1, 3))):
        for column in columns:
            scaled = boxes[:, column] * (steps.scaled[axis] / stored[axis])
            moved[:, column] = scaled - steps.start[axis] - corner[axis]
    return moved
