"""Boxes in the pixels of the picture as it was given: what a network finds in a resized picture, taken back.

Of a file that is the picture in its own size, of a dataset's record as the record is stored. Records of a bare LMDB are not taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.files import read_json
from digits.data.boxes import in_source, is_box_list
from digits.data.probe import picture_size
from digits.data.resize import ResizeMode, plan, resize
from digits.data.views import Truth
from digits.workers.service import Question
from digits.workers.warm import WarmModel

Outputs = Mapping[str, NDArray[np.float32]]
KIND = "boxes"
SIDES = slice(1, 5)
"""Of true boxes."""
MOST_SHOWN_PX = 1600
"""Of the longer side of a picture on a page."""
_CONFIDENCE = 4


class GivenPictures:
    """The sizes of the pictures of a question, for a model of boxes."""

    def __init__(self, model: WarmModel, question: Question) -> None:
        self._model = model
        asked = question.get("records")
        self._is_file = "paths" in question
        self._stored = _stored_size(asked) if isinstance(asked, Mapping) else None
        self._takes_back = model.predictor.facts.target_kind == KIND and not question.get("whole")

    def size(self, path: str) -> tuple[int, int] | None:
        """Return (height, width) of a picture as it was given, ``path`` being its file's or its record's; None where boxes stay as they are."""
        if not self._takes_back:
            return None
        try:
            return picture_size(path, limits=self._model.limits) if self._is_file else self._stored
        except DataError:
            return None

    def taken_back(self, outputs: Outputs, size: tuple[int, int] | None) -> Outputs:
        """Return the outputs of a picture, lists of boxes among them in the pixels of the picture as it was given."""
        if size is None:
            return outputs
        return {name: self._in_source(value, size) if is_box_list(value) else value for name, value in outputs.items()}

    def true(self, truth: Truth | None, size: tuple[int, int]) -> Truth | None:
        """Return true boxes of a picture as it was prepared in the pixels of the picture as it was given."""
        if truth is None or truth.kind != KIND:
            return truth
        label = truth.label.copy()
        label[:, SIDES] = self._in_source(np.insert(label[:, SIDES], _CONFIDENCE, 1.0, axis=1), size, corner=(0, 0))[
            :, :_CONFIDENCE
        ]
        return Truth(KIND, label)

    def picture(self, path: str, prepared_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the picture to be shown: of a file as it was given, no larger than people see at once."""
        if not self._is_file:
            return prepared_HWC
        whole_HWC = self._model.read(path, whole=True)
        shrunk = max(whole_HWC.shape[:2]) / MOST_SHOWN_PX
        if shrunk <= 1:
            return whole_HWC
        height, width = (max(1, round(side / shrunk)) for side in whole_HWC.shape[:2])
        return resize(whole_HWC, (height, width), "squash")

    def _in_source(
        self, found: NDArray[np.float32], size: tuple[int, int], corner: tuple[int, int] | None = None
    ) -> NDArray[np.float32]:
        facts = self._model.predictor.facts
        steps = plan(size, (facts.height, facts.width), cast(ResizeMode, facts.resize_mode))
        if corner is None:
            crop = facts.crop_size
            corner = ((facts.height - crop) // 2, (facts.width - crop) // 2) if crop else (0, 0)
        return in_source(found, size, steps, corner)


def as_lists(outputs: Outputs) -> dict[str, Any]:
    """Return outputs as JSON has them, nested lists; of the output ``boxes`` only the rows that are boxes, without an axis of the batch."""
    return {
        name: (_boxes(value) if name == KIND and is_box_list(value) else value).tolist()
        for name, value in outputs.items()
    }


def _boxes(value: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = value.reshape(-1, value.shape[-1])
    return rows[rows[:, _CONFIDENCE] > 0]


def _stored_size(asked: Mapping[str, Any]) -> tuple[int, int] | None:
    facts = read_json(Path(asked["folder"]) / "dataset.json")
    image = facts.get("image") or {}
    return (image["height"], image["width"]) if facts.get("same_shape", True) and image else None
