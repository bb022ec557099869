"""The records of a finished dataset one by one, as they are kept: to be copied, exported, and verified.

Legend: HWC = height, width, channels of uint8 (RGB where there are 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.contenthash import picture_digest
from digits.data.databases import Backend, Encoding, datum_pixels
from digits.data.encode import encode_png
from digits.data.hdf5 import Hdf5File
from digits.data.index import Index
from digits.data.reader import TargetKind
from digits.data.records import read_datum
from digits.data.shardfile import open_records


@dataclass(frozen=True)
class StoredPicture:
    """One record's picture."""

    image_HWC: NDArray[np.uint8]
    data: bytes | None
    """The PNG or JPEG file that the record holds; None where it holds values."""
    label: int | None = None
    """The class id within the record itself; None where the record has none."""

    @property
    def encoding(self) -> Encoding:
        """How the record holds it."""
        if self.data is None:
            return "none"
        return "jpg" if self.data.startswith(b"\xff\xd8") else "png"

    @property
    def suffix(self) -> str:
        """The ending of :meth:`file`'s name."""
        return "jpg" if self.encoding == "jpg" else "png"

    @property
    def digest(self) -> bytes:
        """What :mod:`digits.data.contenthash` makes of it."""
        return picture_digest(self.image_HWC, self.data if self.encoding == "jpg" else None)

    def file(self) -> bytes:
        """Return the picture as a file, the record's own where it holds one; several channels that no PNG has are refused.

        Raises:
            DataError: it has neither 1 nor 3 channels.
        """
        if self.data is not None:
            return self.data
        if self.image_HWC.shape[2] not in (1, 3):
            text = f"The picture has {self.image_HWC.shape[2]} channels, more than a PNG has."
            raise DataError(text, hint="LMDB keeps them.", rule="IMG_CHANNELS")
        return encode_png(self.image_HWC)


class StoredDb:
    """One database of a finished dataset; any number of threads may read.

    Raises:
        DataError: it is not there.
    """

    def __init__(self, folder: Path, db: str, facts: Mapping[str, Any]) -> None:
        self.folder, self.db = folder, db
        self.kind = cast(TargetKind, facts.get("target_kind", "class"))
        self.backend = cast(Backend, facts.get("backend", "lmdb"))
        self.encoding = cast(Encoding, facts.get("encoding", "png"))
        self.labels: list[str] = list(facts["labels"])
        self.facts = facts
        try:
            self.index = Index(folder / "index" / db, self.kind)
        except (OSError, ValueError) as error:
            raise DataError("The database has no index.", where=f"{folder.name} {db}", rule="RECORD_MISSING") from error
        place = folder / f"{db}_db"
        self._records = open_records(place, self.kind) if self.backend == "lmdb" else None
        self._arrays = Hdf5File(place) if self.backend == "hdf5" else None

    def __len__(self) -> int:
        return len(self.index)

    def __enter__(self) -> StoredDb:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        for each in (self._records, self._arrays):
            if each is not None:
                each.close()

    def read(self, row: int) -> StoredPicture:
        """Return record ``row``.

        Raises:
            DataError: it is missing (RECORD_MISSING) or no picture (RECORD_BROKEN).
        """
        try:
            if self._arrays is not None:
                return StoredPicture(np.asarray(self._arrays.pictures(row, 1)[0], np.uint8), None)
            return self._from_lmdb(row)
        except (ValueError, cv2.error) as error:
            raise DataError(f"Record {row} of {self.db} is no picture: {error}.", rule="RECORD_BROKEN") from error

    def _from_lmdb(self, row: int) -> StoredPicture:
        assert self._records is not None
        key = self.index.key(row)
        record = self._records.get(key)
        if record is None:
            raise DataError(f"The database has no record {key.decode()!r}.", rule="RECORD_MISSING")
        datum = read_datum(record)
        data = bytes(datum.data) if datum.encoded else None
        return StoredPicture(datum_pixels(datum), data, datum.label if self.kind == "class" else None)
