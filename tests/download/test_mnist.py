"""Where MNIST comes from, and that nothing else is taken for it."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from digits.core.errors import DataError, DigitsError
from digits.download import drawn, idx
from digits.download.folders import Pictures, refuse_filled, write_class_folders
from digits.download.mnist import MNIST, fetch_mnist
from tests.download.made import idx_bytes, small_mnist
from tests.shared import needs_shared, shared


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A real HTTP server over a folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def quiet(text: str) -> None:
    """Hear nothing."""


@needs_shared
def test_mnists_own_files_are_known_and_read(tmp_path: Path) -> None:
    fetched = fetch_mnist(MNIST, cache=tmp_path, folder=shared("data", "mnist"), say=quiet)

    assert fetched.train.images.shape == (60_000, 28, 28)
    assert fetched.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]  # as the set's own page lists them
    assert np.bincount(fetched.train.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


@pytest.mark.parametrize("zipped", [True, False])
def test_a_folder_with_the_files_serves_gzip_or_not(tmp_path: Path, zipped: bool) -> None:
    which = small_mnist(tmp_path / "files", zipped=zipped)

    fetched = fetch_mnist(which, cache=tmp_path / "cache", folder=tmp_path / "files", say=quiet)

    assert len(fetched.train) == 12
    assert str(tmp_path / "files") in fetched.origin


def test_another_file_of_the_same_name_is_refused_with_its_place(tmp_path: Path) -> None:
    which = small_mnist(tmp_path, zipped=False)
    data = bytearray((tmp_path / "t10k-images-idx3-ubyte").read_bytes())
    data[-1] ^= 1
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(data)

    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte: .* sha256 is another"):
        fetch_mnist(which, cache=tmp_path / "cache", folder=tmp_path, say=quiet)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    which = small_mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()

    with pytest.raises(DataError, match="train-labels-idx1-ubyte is missing"):
        fetch_mnist(which, cache=tmp_path / "cache", folder=tmp_path, say=quiet)


def test_the_second_mirror_serves_when_the_first_does_not_and_then_the_cache(
    tmp_path: Path, served: tuple[Path, str]
) -> None:
    folder, address = served
    which = small_mnist(folder, mirrors=("http://127.0.0.1:9/", address))
    said: list[str] = []

    first = fetch_mnist(which, cache=tmp_path / "cache", say=said.append)
    again = fetch_mnist(which, cache=tmp_path / "cache", say=quiet)

    assert first.origin == f"the mirror {address}"
    assert any("http://127.0.0.1:9/" in line and "no:" in line for line in said)
    assert "the copy in" in again.origin
    assert np.array_equal(first.train.images, again.train.images)


def test_a_mirror_that_sends_something_else_is_passed_over(tmp_path: Path, served: tuple[Path, str]) -> None:
    folder, address = served
    which = small_mnist(folder, mirrors=(address,))
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"\0" * 10_000_000))  # a bomb as well
    said: list[str] = []

    with pytest.raises(DigitsError, match="could not be had from anywhere"):
        fetch_mnist(which, cache=tmp_path / "cache", say=said.append)

    assert any("unpacks to more than" in line for line in said)
    assert not (tmp_path / "cache" / "small").exists()


def test_with_no_source_left_digits_are_drawn_and_it_is_said(tmp_path: Path) -> None:
    which = replace(small_mnist(tmp_path / "f"), mirrors=("http://127.0.0.1:9/",), drawn=(30, 10))
    said: list[str] = []

    fetched = fetch_mnist(which, cache=tmp_path / "cache", say=said.append)

    assert fetched.is_drawn
    assert "digits are drawn instead" in said[-1]
    assert (len(fetched.train), len(fetched.test)) == (30, 10)


def test_drawn_digits_are_the_same_every_time_and_their_classes_differ() -> None:
    train, _ = drawn.digits(1200, 0)
    again, _ = drawn.digits(1200, 10)

    assert np.array_equal(train.images, again.images)
    means = np.stack([train.images[train.labels == label].mean(axis=0) for label in range(10)]).reshape(10, -1)
    apart = np.abs(means[:, None] - means[None]).mean(axis=2) + np.eye(10) * 100
    assert apart.min() > 10  # grey levels between the mean pictures of any two classes


def test_pictures_become_class_folders_with_the_lists_that_digits_wrote(tmp_path: Path) -> None:
    which = small_mnist(tmp_path / "f")
    test = fetch_mnist(which, cache=tmp_path, folder=tmp_path / "f", say=quiet).test
    told: list[tuple[int, int]] = []

    written = write_class_folders(
        test.inverted(), tmp_path / "out", "test", labels=which.labels, progress=lambda *at: told.append(at)
    )

    first = tmp_path / "out" / "test" / "7" / "00000.png"
    picture = cv2.imread(str(first), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert np.array_equal(picture, 255 - test.images[0])
    assert (tmp_path / "out/test/labels.txt").read_text().split() == list("0123456789")
    assert written.list_file == tmp_path / "out/test/test.txt"
    assert written.list_file.read_text().splitlines()[0] == f"{first} 7"
    assert told[-1] == (4, 4)


def test_a_filled_folder_is_left_alone_unless_told_to_clean(tmp_path: Path) -> None:
    (tmp_path / "train" / "old").mkdir(parents=True)

    with pytest.raises(DigitsError, match="-c deletes it first"):
        refuse_filled([tmp_path / "train", tmp_path / "test"], clean=False)
    refuse_filled([tmp_path / "train", tmp_path / "test"], clean=True)

    assert not (tmp_path / "train").exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no idx file"),
        (b"\x89PNG....", "no idx file"),
        (b"\0\0\x08\x03\0\0", "ends within its head"),
        (idx_bytes(np.zeros((2, 3), np.uint8))[:-1], "its head promises"),
        (idx_bytes(np.zeros((2, 3), np.uint8)) + b"x", "its head promises"),
        (b"\0\0\x08\x04" + b"\xff" * 16, "its head promises"),
    ],
)
def test_a_broken_idx_file_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        idx.parse(data, where="f")


def test_colour_pictures_are_written_as_rgb(tmp_path: Path) -> None:
    red = np.zeros((1, 4, 4, 3), np.uint8)
    red[..., 0] = 255

    write_class_folders(Pictures(red, np.zeros(1, np.uint8)), tmp_path, "train", labels=("red",))

    picture = cv2.imread(str(tmp_path / "train/red/00000.png"), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture[0, 0].tolist() == [0, 0, 255]  # BGR, as OpenCV reads
