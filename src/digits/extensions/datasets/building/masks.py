"""Builds datasets of pictures with masks: what is counted of pixels, and what ``dataset.json`` says of them.

``ignore_label`` is the value of pixels without a class, ``palette`` the colours of the classes, ``class_frequencies`` the share that each has
of all pixels that count. Each of ``dbs`` has ``class_counts`` (pictures that hold a class), ``class_pixels`` and ``ignored_pixels``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from digits.data.masks import MOST_CLASSES
from digits.data.pairdb import CreatedPairs, Pair
from digits.data.reader import TargetKind
from digits.extensions.datasets.building.build import PairBuild
from digits.extensions.datasets.building.spec import PairSpec

T = TypeVar("T")
S = TypeVar("S", bound=PairSpec)


def mask_pair(image_HWC: NDArray[np.uint8], mask_HW: NDArray[np.uint8], notes: tuple[str, ...] = ()) -> Pair:
    """Return a picture and its class ids, with the pixels of each id counted."""
    return Pair(image_HWC, mask_HW, np.bincount(mask_HW.ravel(), minlength=MOST_CLASSES), notes)


class MaskBuild(PairBuild[S, T]):
    """A :class:`~digits.extensions.datasets.building.build.PairBuild` whose pairs are all :func:`mask_pair`."""

    kind: TargetKind = "mask"

    @abstractmethod
    def palette(self, count: int) -> NDArray[np.uint8]:
        """Return the colours of ``count`` classes, [count, 3] of RGB."""

    def pixels(self, created: CreatedPairs) -> NDArray[np.int64]:
        """Return the pixels of each id in a database, none of what is ignored."""
        values = np.array(created.counts)
        if self.ignore_label is not None:
            values[self.ignore_label] = 0
        return values

    def facts(self, made: Mapping[str, CreatedPairs], labels: Sequence[str]) -> dict[str, Any]:
        """Return what is known of the masks."""
        total = np.sum([self.pixels(created) for created in made.values()], axis=0)
        return {
            "ignore_label": self.ignore_label,
            "palette": self.palette(len(labels)).tolist(),
            "class_frequencies": (total[: len(labels)] / max(1, total.sum())).round(6).tolist(),
        }

    def _db_facts(self, db: str, created: CreatedPairs, num_labels: int) -> dict[str, Any]:
        ignored = self.ignore_label
        return super()._db_facts(db, created, num_labels) | {
            "class_counts": [0 if value == ignored else created.holding[value] for value in range(num_labels)],
            "class_pixels": self.pixels(created)[:num_labels].tolist(),
            "ignored_pixels": 0 if ignored is None else int(np.asarray(created.counts)[ignored]),
        }
