"""HDF5 databases of several files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from digits.core.errors import DataError
from digits.data.hdf5 import Hdf5File, Hdf5Writer


def write(folder: Path, count: int, *, max_values: int, gzip: bool = False) -> np.ndarray:
    """Write ``count`` pictures of 4 x 5 in 3 channels, labels 0, 1, 2 ..., and return the pictures."""
    images = np.random.default_rng(1).integers(0, 256, (count, 4, 5, 3), dtype=np.uint8)
    writer = Hdf5Writer(folder, place="../job/train_db", shape=(4, 5, 3), gzip=gzip, max_values=max_values)
    for label, image in enumerate(images):
        writer.put(label, writer.encode(image, label))
    writer.close()
    return images


@pytest.mark.parametrize("gzip", [False, True])
def test_a_file_ends_where_its_values_would_be_too_many_and_is_named_by_its_first_record(
    tmp_path: Path, gzip: bool
) -> None:
    images = write(tmp_path / "db", 10, max_values=4 * 60 + 59, gzip=gzip)  # four pictures fit, five do not

    assert (tmp_path / "db" / "list.txt").read_text().splitlines() == [
        f"../job/train_db/{first}.h5" for first in (0, 4, 8)
    ]
    file = Hdf5File(tmp_path / "db")
    assert (file.pictures(0, 10) == images).all()
    assert (file.pictures(3, 2) == images[3:5]).all()
    with pytest.raises(DataError, match="no record 10"):
        file.pictures(10, 1)
    file.close()
    with h5py.File(tmp_path / "db" / "4.h5") as second:
        assert second["label"][:].tolist() == [4, 5, 6, 7]


def test_a_broken_file_and_an_absent_database_are_told(tmp_path: Path) -> None:
    write(tmp_path / "db", 3, max_values=10**6)
    (tmp_path / "db" / "0.h5").write_bytes(b"no HDF5")

    with pytest.raises(DataError, match="is broken"):
        Hdf5File(tmp_path / "db")
    with pytest.raises(DataError, match="There is no database"):
        Hdf5File(tmp_path)
