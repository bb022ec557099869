"""An inventory counted, some of its pictures measured by their headers, and a few of each class to be seen."""

from __future__ import annotations

import io
import os
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.example import thumbnail
from digits.data.gather import NotFetchedError
from digits.data.images import Limits
from digits.data.inventory import Inventory, InventoryWriter
from digits.data.probe import size_in_header
from digits.data.rules import DBS
from digits.extensions.datasets.paths import printable

_MEASURED = 2000
_MEASURED_PER_CLASS = 20
_SHOWN_CLASSES = 5
_SHOWN_PER_CLASS = 4
_SHOWN_ONCE = 40
"""Classes of which one picture is shown, beside those of which some are."""
_MAX_SAMPLE_BYTES = 8_000_000
_MAX_BYTES = 64_000_000
_PATIENCE_S = 3.0
"""Where pictures are large, fewer samples must do."""


@dataclass(frozen=True)
class Sample:
    """One picture of a source: its file as it is, and small."""

    class_id: int
    name: str
    data: bytes
    image: str
    """A data URL."""


class Found:
    """What an inventory holds."""

    def __init__(self, inventory: Inventory, writer: InventoryWriter, limits: Limits) -> None:
        self._inventory, self._writer, self._limits = inventory, writer, limits
        num_classes = len(inventory.labels)
        self._counts = self._counted(np.ones(len(inventory), np.bool_))
        self._num_pictures = len(inventory)
        self._samples = [""] * num_classes
        self._sizes: list[tuple[int, int]] = []
        self._good: list[list[int]] = [[] for _ in range(num_classes)]
        measured = [0] * num_classes
        most = max(1, min(_MEASURED_PER_CLASS, _MEASURED // max(1, num_classes)))
        for item, class_id in enumerate(inventory.classes.tolist()):
            if measured[class_id] < most:
                measured[class_id] += 1
                self._measure(item, class_id)

    def _measure(self, item: int, class_id: int) -> None:
        name = self._inventory.names[item]
        try:
            self._sizes.append(size_in_header(io.BytesIO(self._inventory.read(item)), limits=self._limits))
        except NotFetchedError:
            return
        except DataError as error:
            self._num_pictures -= 1
            self._counts[list(self._classes_of(item))] -= 1
            self._writer.refuse("", name, error)
            return
        self._good[class_id].append(item)
        if not self._samples[class_id] and os.path.isabs(name):
            self._samples[class_id] = os.fsdecode(name)

    def _classes_of(self, item: int) -> tuple[int, ...]:
        """Return the classes that a picture counts for: all that it has, several of one list."""
        if self._inventory.kind != "classes":
            return (int(self._inventory.classes[item]),)
        answer = self._inventory.answer(item)
        assert isinstance(answer, tuple)
        return tuple({int(each) for each in answer})

    def _counted(self, of: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the pictures of each class among those of the mask ``of``."""
        num_classes = len(self._inventory.labels)
        if self._inventory.kind != "classes":
            return np.bincount(self._inventory.classes[of], minlength=num_classes)
        counts = np.zeros(num_classes, np.int64)
        for item in np.flatnonzero(of).tolist():
            counts[list(self._classes_of(item))] += 1
        return counts

    def samples(self) -> list[Sample]:
        """Return some pictures of the largest classes, and one of each of the next."""
        found: list[Sample] = []
        deadline = time.monotonic() + _PATIENCE_S
        num_bytes = 0
        for rank, class_id in enumerate(np.argsort(-self._counts, kind="stable")[:_SHOWN_ONCE].tolist()):
            items = self._good[class_id]
            wanted = _SHOWN_PER_CLASS if rank < _SHOWN_CLASSES else 1
            for item in items[:: max(1, len(items) // wanted)][:wanted]:
                self._writer.tick()
                if found and (time.monotonic() > deadline or num_bytes > _MAX_BYTES):
                    return found
                if sample := self._sample(item, class_id):
                    found.append(sample)
                    num_bytes += len(sample.data)
        return found

    def _sample(self, item: int, class_id: int) -> Sample | None:
        try:
            data = self._inventory.read(item)
            if len(data) > _MAX_SAMPLE_BYTES:
                return None
            return Sample(class_id, printable(self._inventory.names[item]), data, thumbnail(data, limits=self._limits))
        except DataError:  # the build will say so; a look need not
            return None

    def told(self, samples: list[Sample]) -> dict[str, Any]:
        """Return classes, counts, sizes and the samples' small pictures."""
        thumbs = {sample.class_id: sample.image for sample in reversed(samples)}
        rows = zip(self._inventory.labels, self._counts.tolist(), self._samples, strict=True)
        in_db = [self._inventory.dbs == number for number in range(len(DBS))]
        by_db = [self._counted(of).tolist() for of in in_db]
        return {
            "classes": [
                {"label": label, "count": count, "sample": sample, "thumb": thumbs.get(class_id, "")}
                for class_id, (label, count, sample) in enumerate(rows)
            ],
            "count": self._num_pictures,
            "dbs": {db: int(of.sum()) for db, of in zip(DBS, in_db, strict=True) if of.any()},
            "class_dbs": {db: counts for db, counts, of in zip(DBS, by_db, in_db, strict=True) if of.any()},
            "sizes": _sizes(self._sizes),
            "samples": [{"class": each.class_id, "name": each.name, "image": each.image} for each in samples],
        }


def _sizes(sizes: list[tuple[int, int]]) -> dict[str, list[int]]:
    if not sizes:
        return {}
    ordered = sorted(sizes, key=lambda size: size[0] * size[1])
    chosen = {"min": ordered[0], "max": ordered[-1], "median": ordered[len(ordered) // 2]}
    return {name: [width, height] for name, (height, width) in chosen.items()}
