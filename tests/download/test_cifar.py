"""CIFAR's archives: read as they are, refused when they are not what they should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from digits.core.errors import DataError
from digits.download.cifar import fetch_cifar, read
from tests.download.made import small_cifar100


def quiet(text: str) -> None:
    """Hear nothing."""


def test_a_set_with_two_ways_to_class_comes_both_ways(tmp_path: Path) -> None:
    which = small_cifar100(tmp_path / "small.tar.gz")

    coarse, fine = read(which, tmp_path / "small.tar.gz")

    assert (coarse.name, coarse.labels, coarse.train.labels.tolist()) == ("coarse", ("fish", "flowers"), [0, 1, 1])
    assert (fine.labels[2], fine.train.labels.tolist()) == ("shark", [2, 0, 1])
    assert fine.train.images.shape == (3, 32, 32, 3)
    assert fine.train.images[0, 5, 7].tolist() == [0, 40, 200]  # red, green, blue
    assert not (tmp_path.parent / "outside.txt").exists()


def test_the_cache_is_asked_before_the_mirror(tmp_path: Path) -> None:
    which = small_cifar100(tmp_path / "small100" / "small.tar.gz")

    parts = fetch_cifar(which, cache=tmp_path, say=quiet)

    assert len(parts) == 2


def test_an_archive_that_was_changed_is_refused(tmp_path: Path) -> None:
    which = replace(small_cifar100(tmp_path / "small.tar.gz"), sha256="0" * 64)

    with pytest.raises(DataError, match="its sha256 is another"):
        read(which, tmp_path / "small.tar.gz")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("cifar-100-binary/train.bin", b"\0" * 100, "no whole number of records"),
        ("cifar-100-binary/train.bin", b"\0" * 3074 * 6, "longer than it should be"),
        ("cifar-100-binary/train.bin", b"\x07" * 3074, "has class 7, and there are 2"),
    ],
)
def test_broken_records_are_refused_in_words(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    which = small_cifar100(tmp_path / "small.tar.gz", members={name: data})

    with pytest.raises(DataError, match=words):
        read(which, tmp_path / "small.tar.gz")


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    which = small_cifar100(tmp_path / "small.tar.gz")

    with pytest.raises(DataError, match="no such file"):
        fetch_cifar(which, cache=tmp_path, folder=tmp_path / "elsewhere", say=quiet)
