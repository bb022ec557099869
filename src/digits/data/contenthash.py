"""What a dataset is named by: a hash of its pictures and their answers, whatever order, files or encoding they are kept in.

Each record has a digest, SHA-256 of its picture, in ``index/<db>/digests.sha256`` (32 bytes a record, in the order of the keys). The hash
of a dataset is SHA-256 over its lines "database, digest, answer", sorted; docs/adr/0065 says why. Digests are made while records are
written, so ``digits.data.verify`` can name later what is no longer what was written.

Legend: HWC = height, width, channels of uint8 (RGB where there are 3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.databases import Backend, Encoding
from digits.data.index import Index
from digits.data.reader import Answer, TargetKind
from digits.data.records import read_datum
from digits.data.rules import DBS

DIGESTS = "digests.sha256"
LABEL_DIGESTS = "labels.sha256"
"""Of a database whose answers are arrays: those of the arrays, of masks that of their class ids alone."""
INDEXED: tuple[TargetKind, ...] = ("class", "classes", "vector")
"""Kinds of answer that an index has whole."""
SIZE = hashlib.sha256().digest_size
_HEAD = b"digits dataset 1\n"


def picture_digest(image_HWC: NDArray[np.uint8], jpeg: bytes | memoryview | None = None) -> bytes:
    """Return the digest of a picture: of its values and its shape; of a ``jpeg``, whose values depend on who decodes it, of the file."""
    if jpeg is not None:
        found = hashlib.sha256(b"jpeg\n")
        found.update(jpeg)
    else:
        height, width, channels = image_HWC.shape
        found = hashlib.sha256(b"%d %d %d\n" % (height, width, channels))
        found.update(np.ascontiguousarray(image_HWC).data)
    return found.digest()


def record_digest(image_HWC: NDArray[np.uint8], record: bytes, *, backend: Backend, encoding: Encoding) -> bytes:
    """Return the digest of what ``record`` keeps of a picture."""
    is_jpeg = backend == "lmdb" and encoding == "jpg"
    return picture_digest(image_HWC, read_datum(record).data if is_jpeg else None)


class DigestWriter:
    """Writes the digests of a database, record by record."""

    def __init__(self, folder: Path, name: str = DIGESTS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / name).open("wb")

    def append(self, digest: bytes) -> None:
        """Add one."""
        self._file.write(digest)

    def close(self) -> None:
        """Write what is left."""
        self._file.close()


def read_digests(folder: Path, name: str = DIGESTS) -> NDArray[np.void]:
    """Return the digests of a database by record, from its index.

    Raises:
        DataError: the dataset was made before records had digests.
    """
    path = folder / name
    if not path.is_file():
        raise DataError("The records have no digests: the dataset is from an earlier version.", where=str(folder))
    return np.fromfile(path, f"V{SIZE}")


def content_hash(folder: Path, dbs: Sequence[str], labels: Sequence[str], kind: TargetKind) -> str:
    """Return "sha256:..." over all records and answers of the dataset in ``folder``; the order of records does not matter.

    Nor does that of classes, but where labels hold their ids.

    Raises:
        DataError: a database has no digests.
    """
    total = hashlib.sha256(_HEAD)
    names = _class_names(labels, kind)
    for name in names:  # classes without pictures count as well
        total.update(b"class %s\n" % _escaped(name))
    for db in sorted(dbs, key=DBS.index):
        lines = sorted(_lines(folder / "index" / db, labels, kind))
        total.update(b"%s %d\n" % (db.encode(), len(lines)))
        for line in lines:
            total.update(line)
    return f"sha256:{total.hexdigest()}"


def _class_names(labels: Sequence[str], kind: TargetKind) -> list[str]:
    if kind == "boxes":  # their digests have names as well, upper or lower case alike
        return sorted(label.casefold() for label in labels)
    return [] if kind == "vector" else sorted(labels) if kind in INDEXED else list(labels)


def _lines(folder: Path, labels: Sequence[str], kind: TargetKind) -> Iterator[bytes]:
    index, digests = Index(folder, kind), read_digests(folder)
    if kind not in INDEXED:
        for picture, label in zip(digests, read_digests(folder, LABEL_DIGESTS), strict=True):
            yield b"%s %s\n" % (picture.tobytes(), label.tobytes())
        return
    for row in range(len(index)):
        yield b"%s %s\n" % (digests[row].tobytes(), answer_text(index.answer(row), labels, kind))


def answer_text(answer: Answer, labels: Sequence[str], kind: TargetKind) -> bytes:
    """Return an answer as the hash takes it: names of classes, or numbers as float32."""
    if isinstance(answer, int):
        return _escaped(labels[answer])
    if kind == "classes":
        return b",".join(sorted(_escaped(labels[int(each)]) for each in answer))
    return np.asarray(answer, "<f4").tobytes()


def _escaped(name: str) -> bytes:
    text = name.encode("utf-8", "surrogateescape")
    return text.replace(b"%", b"%25").replace(b",", b"%2C").replace(b"\n", b"%0A")
