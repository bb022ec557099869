"""Reads a database of pictures and boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digits.data.boxes import TARGET_COLUMNS, box_targets
from digits.data.labels import datum_label
from digits.data.pairreader import RecordPairReader


class RecordBoxReader(RecordPairReader):
    """A :class:`~digits.data.pairreader.RecordPairReader` whose labels are boxes, float32 [M, 6]: see ``digits.data.boxes``.

    M is the greatest number of boxes of any picture of the dataset. What is stored are DIGITS' labels.
    """

    @property
    def label_shape(self) -> tuple[int, int]:
        """The shape of every label: M rows of 6."""
        return int(self._facts["max_boxes"]), TARGET_COLUMNS

    def _array(self, record: bytes) -> NDArray[np.float32]:
        places = {number: place for place, number in enumerate(self._facts["class_ids"])}
        return box_targets(datum_label(record, self.target_kind), places, self.label_shape[0])
