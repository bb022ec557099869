"""The boxes of stored pictures, read for pages and for whoever asks for records as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from digits.core.errors import DataError, NotFoundError
from digits.web import browse

if TYPE_CHECKING:
    from digits.store import Job


@dataclass(frozen=True)
class StoredBox:
    """A box in pixels of the stored picture."""

    label: str
    """Its class; "" of an ignored one."""
    class_id: int
    left: float
    top: float
    right: float
    bottom: float
    ignored: bool

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return round(self.right - self.left, 2)

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return round(self.bottom - self.top, 2)

    def as_json(self) -> dict[str, Any]:
        """Return it as REST tells it."""
        edges = {"left": self.left, "top": self.top, "right": self.right, "bottom": self.bottom}
        return {"label": self.label or None, **edges, "ignore": self.ignored}


@dataclass(frozen=True)
class Boxed:
    """What is in one stored picture."""

    width: int
    height: int
    boxes: list[StoredBox] = field(default_factory=list)


def has_boxes(job: Job) -> bool:
    """Return whether the records of a dataset have boxes."""
    return bool(job.facts.get("target_kind") == "boxes")


def stored_boxes(job: Job, db: str, rows: Sequence[int]) -> list[Boxed]:
    """Return what is in the pictures ``rows`` of a finished database; none of a dataset without boxes.

    Raises:
        NotFoundError: a record is missing, or broken.
    """
    if not has_boxes(job):
        return []
    from digits.data.boxes import box_targets
    from digits.data.labels import datum_label
    from digits.data.records import FEATURES, LABELS, RecordFile, read_datum

    names, most = job.facts["labels"], int(job.facts["max_boxes"])
    places = {number: place for place, number in enumerate(job.facts["class_ids"])}
    index, found = browse.open_index(job, db), []
    place = job.folder.path / f"{db}_db"
    try:
        with RecordFile(place / FEATURES) as pictures, RecordFile(place / LABELS) as labels:
            for row in rows:
                key = index.key(row)
                picture, label = pictures.get(key), labels.get(key)
                if picture is None or label is None:
                    raise NotFoundError("There is no such record.", where=f"{db} {row}")
                datum = read_datum(picture)
                targets = box_targets(datum_label(label, "boxes"), places, most)
                found.append(Boxed(datum.width, datum.height, _listed(targets, names)))
    except (DataError, ValueError) as error:
        raise NotFoundError("The record is broken.", where=f"{db} {rows[len(found)]}") from error
    return found


def _listed(targets: Any, names: Sequence[str]) -> list[StoredBox]:
    found = []
    for class_id, *edges, ignored in targets[targets[:, 0] >= 0].tolist():
        left, top, right, bottom = (round(edge, 2) for edge in edges)
        label = "" if ignored else names[int(class_id)]
        found.append(StoredBox(label, int(class_id), left, top, right, bottom, bool(ignored)))
    return found
