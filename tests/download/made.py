"""Small sets in the true formats, made on the spot."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digits.download.cifar import CifarSet, Granularity
from digits.download.mnist import IdxFile, MnistSet


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """Return ``array`` as an idx file."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def small_mnist(folder: Path, *, zipped: bool = True, mirrors: tuple[str, ...] = ()) -> MnistSet:
    """Write a set of 12 + 4 pictures as MNIST's four files, and return what describes it."""
    rng = np.random.default_rng(0)
    parts = {
        "train-images-idx3-ubyte": rng.integers(0, 256, (12, 28, 28), np.uint8),
        "train-labels-idx1-ubyte": np.arange(12, dtype=np.uint8) % 10,
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (4, 28, 28), np.uint8),
        "t10k-labels-idx1-ubyte": np.array([7, 2, 1, 0], np.uint8),
    }
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, array in parts.items():
        plain = idx_bytes(array)
        (folder / f"{name}{'.gz' if zipped else ''}").write_bytes(gzip.compress(plain) if zipped else plain)
        files.append(IdxFile(name, len(plain), hashlib.sha256(plain).hexdigest()))
    return MnistSet("small", "Small", tuple("0123456789"), (files[0], files[1], files[2], files[3]), mirrors)


def small_cifar100(archive: Path, *, members: dict[str, bytes] | None = None) -> CifarSet:
    """Write an archive in CIFAR-100's binary form (2 coarse, 3 fine classes), and return what describes it."""
    records = []
    for coarse, fine in ((0, 2), (1, 0), (1, 1)):
        planes = np.stack([np.full((32, 32), value, np.uint8) for value in (10 * coarse, 20 * fine, 200)])
        records.append(bytes([coarse, fine]) + planes.tobytes())
    contents = {
        "cifar-100-binary/train.bin": b"".join(records),
        "cifar-100-binary/test.bin": records[0],
        "cifar-100-binary/coarse_label_names.txt": b"fish\nflowers\n",
        "cifar-100-binary/fine_label_names.txt": b"orchid\nrose\nshark\n",
        "../outside.txt": b"no",
    } | (members or {})
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as tar:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    data = archive.read_bytes()
    return CifarSet(
        "small100", "Small 100", (f"http://127.0.0.1:9/{archive.name}",), hashlib.sha256(data).hexdigest(), len(data), 2,
        (Granularity("coarse", 0, "coarse_label_names.txt"), Granularity("fine", 1, "fine_label_names.txt")),
        ("train.bin",), ("test.bin",), max_records=5,
    )  # fmt: skip
