"""CIFAR-10 and CIFAR-100 in their binary version: fixed records of class bytes and 3,072 bytes of picture, no pickle.

Source: https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version".
"""

from __future__ import annotations

import hashlib
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError, DigitsError
from digits.download.fetch import FetchError, Progress, Say, download
from digits.download.folders import Pictures

SIDE = 32
PICTURE = 3 * SIDE * SIDE
LIMIT_S = 3600.0  # 170 MB over a slow line
MAX_LABEL_BYTES = 65_536


@dataclass(frozen=True)
class Granularity:
    """One way to class the pictures: which byte of a record says it, and which file names the classes."""

    name: str
    byte: int
    names_file: str


@dataclass(frozen=True)
class CifarSet:
    """One of the two archives."""

    name: str
    title: str
    urls: tuple[str, ...]
    sha256: str
    num_bytes: int
    label_bytes: int
    granularities: tuple[Granularity, ...]
    train_files: tuple[str, ...]
    test_files: tuple[str, ...]
    max_records: int = 50_000
    """Of one file; a longer one is refused."""


@dataclass(frozen=True)
class Part:
    """A whole set, classed one way; ``name`` is "" where there is but one."""

    name: str
    labels: tuple[str, ...]
    train: Pictures
    test: Pictures


CIFAR10 = CifarSet(
    name="cifar10",
    title="CIFAR-10",
    urls=("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    num_bytes=170_052_171,
    label_bytes=1,
    granularities=(Granularity("", 0, "batches.meta.txt"),),
    train_files=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    test_files=("test_batch.bin",),
)
CIFAR100 = CifarSet(
    name="cifar100",
    title="CIFAR-100",
    urls=("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",),
    sha256="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    num_bytes=168_513_733,
    label_bytes=2,
    granularities=(Granularity("coarse", 0, "coarse_label_names.txt"), Granularity("fine", 1, "fine_label_names.txt")),
    train_files=("train.bin",),
    test_files=("test.bin",),
)
CIFAR_SETS = {CIFAR10.name: CIFAR10, CIFAR100.name: CIFAR100}


def fetch_cifar(
    which: CifarSet, *, cache: Path, folder: Path | None = None, say: Say, progress: Progress | None = None
) -> tuple[Part, ...]:
    """Return the set from ``folder`` if given, else from the cache, else from its mirror.

    Raises:
        DigitsError: it is not there or cannot be fetched, or is not the archive that it should be.
    """
    name = PurePosixPath(which.urls[0]).name
    archive = (folder or cache / which.name) / name
    if folder is not None or archive.is_file():
        return read(which, archive)
    for url in which.urls:
        say(f"asking {url}")
        try:
            download(url, archive, sha256=which.sha256, max_bytes=which.num_bytes, limit_s=LIMIT_S, progress=progress)
        except DigitsError as error:
            say(f"  no: {error}")
            continue
        return read(which, archive)
    raise FetchError(f"{which.title} could not be had from anywhere.", hint=f"Name a folder that has {name} (--from).")


def read(which: CifarSet, archive: Path) -> tuple[Part, ...]:
    """Read the archive once, member by member, into memory.

    Raises:
        DataError: it is missing, or another file, or lacks a member.
    """
    wanted = {*which.train_files, *which.test_files, *(each.names_file for each in which.granularities)}
    record = which.label_bytes + PICTURE
    found: dict[str, bytes] = {}
    try:
        with archive.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != which.sha256:
                raise DataError("This is not the file that it should be: its sha256 is another.", where=str(archive))
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r|gz") as members:
                for member in members:
                    name = PurePosixPath(member.name).name
                    stream = members.extractfile(member) if name in wanted and member.isfile() else None
                    if stream:
                        limit = record * which.max_records if name.endswith(".bin") else MAX_LABEL_BYTES
                        found[name] = stream.read(limit + 1)
                        if len(found[name]) > limit:
                            raise DataError(f"{name} is longer than it should be.", where=str(archive))
    except FileNotFoundError:
        raise DataError("There is no such file.", where=str(archive)) from None
    except (OSError, EOFError, tarfile.TarError) as error:
        raise DataError(f"The archive is broken: {error}.", where=str(archive)) from error
    if missing := sorted(wanted - found.keys()):
        raise DataError(f"The archive lacks {', '.join(missing)}.", where=str(archive))
    train = np.concatenate([_records(found[name], record, name) for name in which.train_files])
    test = np.concatenate([_records(found[name], record, name) for name in which.test_files])
    return tuple(_part(each, found[each.names_file], which.label_bytes, train, test) for each in which.granularities)


def _records(data: bytes, record: int, name: str) -> NDArray[np.uint8]:
    if len(data) % record:
        raise DataError(f"{len(data)} bytes are no whole number of records of {record}.", where=name)
    return np.frombuffer(data, np.uint8).reshape(-1, record)


def _part(each: Granularity, names: bytes, label_bytes: int, train: NDArray[np.uint8], test: NDArray[np.uint8]) -> Part:
    labels = tuple(names.decode("ascii", "replace").split())

    def pictures(records: NDArray[np.uint8]) -> Pictures:
        ids = records[:, each.byte]
        if ids.size and ids.max() >= len(labels):
            raise DataError(f"A record has class {ids.max()}, and there are {len(labels)}.", where=each.names_file)
        planes = records[:, label_bytes:].reshape(-1, 3, SIDE, SIDE)
        return Pictures(np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), ids)

    return Part(each.name, labels, pictures(train), pictures(test))
