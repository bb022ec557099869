from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from digits.core.errors import DataError
from digits.data import mean as mean_module
from digits.data.mean import MeanAccumulator, read_mean, write_mean


def test_the_mean_of_many_threads_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mean_module, "_FLUSH", 7)  # so that the sums move on from float32 several times
    images = np.random.default_rng(0).integers(0, 256, (90, 5, 4, 3), dtype=np.uint8)
    accumulator = MeanAccumulator((5, 4, 3))

    def add(part: np.ndarray) -> None:
        for image in part:
            accumulator.add(image)

    threads = [threading.Thread(target=add, args=(part,)) for part in np.array_split(images, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (accumulator.mean() == np.around(images.astype(np.float64).mean(axis=0))).all()


def test_a_grey_mean_has_one_channel(tmp_path: Path) -> None:
    accumulator = MeanAccumulator((2, 3, 1))
    accumulator.add(np.full((2, 3, 1), 9, np.uint8))
    write_mean(tmp_path, accumulator.mean())

    assert read_mean(tmp_path / "mean.binaryproto").tolist() == [[[9, 9, 9], [9, 9, 9]]]


def test_the_mean_of_nothing_is_refused() -> None:
    with pytest.raises(DataError):
        MeanAccumulator((2, 2, 1)).mean()


@pytest.mark.parametrize("data", [b"", b"\xff\xff\xff", b"hello"])
def test_a_file_that_is_no_mean_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "mean.binaryproto").write_bytes(data)

    with pytest.raises(DataError):
        read_mean(tmp_path / "mean.binaryproto")
    with pytest.raises(DataError):
        read_mean(tmp_path / "absent")
