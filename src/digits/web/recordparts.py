"""What is shown of a stored record beside its picture: the picture that is its label, the second of a pair, its text.

Legend: HWC = height, width, channels of uint8 (RGB where there are 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from digits.core.errors import DataError, NotFoundError
from digits.web import browse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digits.store import Job


def has_second(facts: dict[str, Any]) -> bool:
    """Whether records have two pictures: one with the picture that it stands for, or two to be compared."""
    return facts.get("target_kind") == "image" or facts.get("pictures_per_record") == 2


def stored_label(job: Job, db: str, row: int) -> bytes:
    """Return the mask of record ``row`` as a PNG with the dataset's palette, what is ignored clear; of kind "image" the label's picture.

    Raises:
        NotFoundError: there is no such database or record, or its label is no picture.
    """
    import numpy as np

    from digits.data.encode import encode_indexed_png

    db, kind = browse.database_name(job, db), job.facts.get("target_kind")
    if kind not in ("mask", "image"):
        raise NotFoundError("The labels of this dataset are no pictures.")
    label_HWC = _pixels(job, db, row, part="labels")
    if kind == "image":
        return _as_png(label_HWC)
    palette = np.array(job.facts["palette"], np.uint8).reshape(-1, 3)
    return encode_indexed_png(label_HWC[:, :, 0], palette, clear=job.facts["ignore_label"])


def both(job: Job, db: str, row: int) -> bytes:
    """Return the two pictures of record ``row`` beside each other, as a PNG.

    Raises:
        NotFoundError: there is no such database or record, or it has but one picture.
    """
    import numpy as np

    db = browse.database_name(job, db)
    if not has_second(job.facts):
        raise NotFoundError("The records of this dataset have one picture each.")
    image_HWC = _pixels(job, db, row, part="features")
    if job.facts.get("target_kind") == "image":
        label_HWC = _pixels(job, db, row, part="labels")
    else:
        image_HWC, label_HWC = np.split(image_HWC, 2, axis=2)
    channels = max(image_HWC.shape[2], label_HWC.shape[2])
    halves = [np.broadcast_to(each, (*each.shape[:2], channels)) for each in (image_HWC, label_HWC)]
    return _as_png(np.ascontiguousarray(np.concatenate(halves, axis=1)))


def texts(job: Job, db: str, rows: Sequence[int]) -> list[str]:
    """Return the texts of records of a dataset of texts; none of another."""
    if "alphabet" not in job.facts:
        return []
    from digits.data.textcodes import Characters

    characters = Characters(job.facts["alphabet"])
    return [characters.decode(_pixels(job, db, row, part="features")) for row in rows]


def _pixels(job: Job, db: str, row: int, *, part: str) -> NDArray[np.uint8]:
    """Return the picture in one of the two LMDBs of a database."""
    from digits.data.databases import datum_pixels
    from digits.data.records import RecordFile, read_datum

    key = browse.key_of(job, db, row)
    try:
        with RecordFile(job.folder.path / str(job.facts["dbs"][db][part])) as records:
            record = records.get(key)
        if record is not None:
            return datum_pixels(read_datum(record))
    except (DataError, ValueError) as error:
        raise NotFoundError("The record is broken.", where=f"{db} {row}") from error
    raise NotFoundError("There is no such record.")


def _as_png(image_HWC: NDArray[np.uint8]) -> bytes:
    from digits.data.encode import encode_png

    channels = image_HWC.shape[2]
    return encode_png(image_HWC if channels in (1, 3) else image_HWC[:, :, : 3 if channels > 3 else 1])
