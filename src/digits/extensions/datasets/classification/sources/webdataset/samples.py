"""The samples of a shard: files that lie behind one another and share a key, the name up to its first dot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from digits.core.errors import DataError
from digits.data.archive.members import Archive, Member, open_archive

PICTURES = (b"jpg", b"jpeg", b"png", b"webp", b"bmp", b"ppm", b"pgm", b"gif", b"tif", b"tiff")
LABELS = (b"cls", b"txt", b"json")
"""What names the class, the most certain first."""
_KEYS = ("label", "cls", "class", "class_id", "class_name", "category", "target")
_MAX_LABEL_BYTES = 1 << 20
_LOOKED_AT = 40


@dataclass
class Sample:
    """The files of one key, by what stands behind the first dot, in lower case."""

    key: bytes
    files: dict[bytes, Member] = field(default_factory=dict)

    @property
    def picture(self) -> Member | None:
        """Its picture: "key.jpg", or "key.image.jpg" where there is no other."""
        for name in (*(name for name in self.files if name in PICTURES), *self.files):
            if name.rpartition(b".")[2] in PICTURES:
                return self.files[name]
        return None

    @property
    def label(self) -> Member | None:
        """The file that names its class."""
        return next((self.files[name] for name in LABELS if name in self.files), None)


def samples(archive: Archive) -> Iterator[Sample]:
    """Yield the samples in the shard's order.

    Raises:
        DataError: the shard is damaged.
    """
    sample = Sample(b"")
    for member in archive.members():
        folder, _, base = member.name.rpartition(b"/")
        stem, _, extension = base.partition(b".")
        if not stem:
            continue  # hidden files, as macOS puts into its archives
        key = b"%b/%b" % (folder, stem) if folder else stem
        if key != sample.key:
            if sample.files:
                yield sample
            sample = Sample(key)
        sample.files[extension.lower()] = member
    if sample.files:
        yield sample


def class_in(archive: Archive, member: Member) -> Any:
    """Return the class that a file names: a name or a number.

    Raises:
        DataError: it names none.
    """
    if member.problem:
        raise member.problem
    if member.size > _MAX_LABEL_BYTES:
        raise DataError("The file of the class is absurdly long.", rule="LABEL_MISSING")
    data = archive.read(member.place, member.size)
    if not member.name.lower().endswith(b".json"):
        return data
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(f"Its .json cannot be read: {str(error)[:100]}.", rule="LABEL_MISSING") from error
    if isinstance(found, dict):
        found = next((found[key] for key in _KEYS if key in found), None)
    return found


def has_samples(path: Path) -> bool:
    """Whether one of the first samples of a plain tar has a picture and a class."""
    try:
        archive = open_archive(path, path.parent, stop=lambda: False)
        return any(sample.picture and sample.label for sample in islice(samples(archive), _LOOKED_AT))
    except DataError:
        return False
