"""What ``dataset.json`` says of an object detection dataset.

``labels`` are the classes that are learned, ``class_ids`` DIGITS' ids of them, ``dontcare_id`` that of boxes to be ignored, ``palette`` what
they are drawn in, ``max_boxes`` the most boxes of any picture, ``label_shape`` the shape of the stored labels, ``box_size_edges`` the lower
edges (px, the last class is open) of the histogram of box sizes, a size being the root of the area in the stored picture. Each of
``dbs`` has ``class_counts`` (pictures that hold a class), ``class_boxes``, ``boxes``, ``ignored_boxes``, ``box_sizes`` and ``max_boxes``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.data.boxes import COLUMNS, distinct_colours
from digits.extensions.datasets.detection.gather import Gathered
from digits.extensions.datasets.detection.spec import DetectionSpec

SIZE_EDGES = (0, 8, 16, 32, 64, 128, 256, 512)


class BoxTally:
    """Counts the boxes of a database; any number of threads may add."""

    def __init__(self, num_classes: int) -> None:
        self._lock = threading.Lock()
        self.classes = np.zeros(num_classes, np.int64)
        self.sizes = np.zeros(len(SIZE_EDGES), np.int64)
        self.ignored = self.small = self.most = 0

    @property
    def learned(self) -> int:
        """Boxes that are not ignored."""
        return int(self.classes.sum())

    def add(self, targets: NDArray[np.float32]) -> NDArray[np.int64]:
        """Count the boxes of one picture (see ``digits.data.boxes``), and return how many there are of each class."""
        boxes = targets[targets[:, 5] == 0]
        counts = np.bincount(boxes[:, 0].astype(np.int64), minlength=len(self.classes))
        sides = np.sqrt((boxes[:, 3] - boxes[:, 1]) * (boxes[:, 4] - boxes[:, 2]))
        sizes = np.bincount(np.digitize(sides, SIZE_EDGES) - 1, minlength=len(SIZE_EDGES))
        with self._lock:
            self.classes += counts
            self.sizes += sizes
            self.ignored += len(targets) - len(boxes)
            self.most = max(self.most, len(targets))
        return counts

    def add_small(self) -> None:
        """Count a box that is ignored because it is small."""
        with self._lock:
            self.small += 1


def set_facts(spec: DetectionSpec, found: Gathered, tallies: Mapping[str, BoxTally]) -> dict[str, Any]:
    """Return the facts of a whole dataset that are those of boxes alone."""
    return {
        "class_ids": found.ids,
        "dontcare_id": found.dontcare,
        "palette": distinct_colours(len(found.ids)).tolist(),
        "annotation_format": spec.annotation_format,
        "max_boxes": max(tally.most for tally in tallies.values()),
        "box_size_edges": list(SIZE_EDGES),
        "label_shape": None,  # each database has its own
        "resize_mode": "squash" if spec.resize_image_width else "",
    }


def db_facts(tally: BoxTally, most: int) -> dict[str, Any]:
    """Return the facts of a database that are those of boxes alone; ``most`` boxes have room in each of its labels."""
    return {
        "class_boxes": tally.classes.tolist(),
        "boxes": tally.learned,
        "ignored_boxes": tally.ignored,
        "box_sizes": tally.sizes.tolist(),
        "max_boxes": tally.most,
        "label_shape": [most + 1, COLUMNS],
    }
