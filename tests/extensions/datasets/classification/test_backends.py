"""Every kind of database that a dataset may have gives back the pictures and answers that were put in."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import h5py
import lmdb
import numpy as np
import pytest
import tifffile
from PIL import Image

from digits.caffeproto import caffe_pb2
from digits.data.mean import read_mean
from digits.extensions.datasets.classification.reader import open_reader
from tests.extensions.datasets.classification.folders import Built, draw_classes, spec_of

TABLE = [
    (backend, encoding, compression, channels)
    for backend, encodings, compressions in (("lmdb", ("png", "jpg", "none"), ("none",)), ("hdf5", ("none",), ("none", "gzip")))
    for encoding, compression, channels in itertools.product(encodings, compressions, (1, 3, 5))
]  # fmt: skip


def stored_pictures(path: Path, channels: int) -> dict[str, np.ndarray]:
    """Write two classes of smooth 8 x 8 pictures of so many channels, and return their pixels."""
    found = {}
    y, x = np.mgrid[0:8, 0:8]
    for label, number in itertools.product(("a", "b"), range(5)):
        planes = [(y * 9 + x * (6 + channel) + number * 11 + (label == "b") * 40) % 200 for channel in range(channels)]
        pixels = np.stack(planes, axis=2).astype(np.uint8)
        name = path / label / f"{number}.{'tif' if channels == 5 else 'png'}"
        name.parent.mkdir(parents=True, exist_ok=True)
        if channels == 5:
            tifffile.imwrite(name, pixels, photometric="minisblack", planarconfig="contig")
        else:
            Image.fromarray(pixels.squeeze()).save(name)
        found[str(name)] = pixels
    return found


@pytest.mark.parametrize(("backend", "encoding", "compression", "channels"), TABLE)
def test_pictures_come_back_as_they_were(
    tmp_path: Path, backend: str, encoding: str, compression: str, channels: int
) -> None:
    pictures = stored_pictures(tmp_path / "in", channels)
    fields = {"backend": backend, "encoding": encoding, "compression": compression}

    built = Built(tmp_path / "job", spec_of(tmp_path / "in", resize_channels=channels if channels < 5 else 0, **fields))

    reader = open_reader(built.folder, "train")
    whole = np.empty((len(reader), 8, 8, channels), np.uint8)
    reader.decode_all(whole)
    for index, sample in enumerate(reader[index] for index in range(len(reader))):
        difference = np.abs(sample.image_HWC.astype(int) - pictures[sample.source])
        assert difference.mean() < (6 if encoding == "jpg" and channels < 5 else 0.001)
        assert (whole[index] == sample.image_HWC).all()
        assert sample.target == ("b" in Path(sample.source).parent.name) == reader.targets()[index]
    assert built.facts["backend"] == backend
    assert built.facts["encoding"] == ("none" if channels == 5 else encoding)
    assert built.facts["compression"] == compression
    assert built.facts["image"]["channels"] == channels
    in_train = [pictures[reader[index].source] for index in range(len(reader))]
    expected = np.rint(np.mean(in_train, axis=0)).transpose(2, 0, 1)
    assert (read_mean(built.path / "mean.binaryproto") == (expected[::-1] if channels == 3 else expected)).all()


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_an_hdf5_database_is_laid_out_as_digits_had_it(tmp_path: Path, compression: str) -> None:
    pictures = stored_pictures(tmp_path / "in", 3)
    spec = spec_of(tmp_path / "in", backend="hdf5", encoding="png", compression=compression)

    built = Built(tmp_path / "job", spec)

    assert spec.encoding == "none"
    assert (built.path / "train_db" / "list.txt").read_text() == "../job/train_db/0.h5\n"
    reader = open_reader(built.folder, "train")
    with h5py.File(built.path / "train_db" / "0.h5", "r") as file:
        assert (file["data"].dtype, file["label"].dtype) == (np.float32, np.float32)
        assert (file["data"].shape, file["label"].shape) == ((len(reader), 3, 8, 8), (len(reader),))
        assert file["data"].chunks is not None
        assert file["data"].compression == (None if compression == "none" else "gzip")
        for index in range(len(reader)):  # RGB, as DIGITS did not swap them there
            assert (file["data"][index].transpose(1, 2, 0) == pictures[reader[index].source]).all()
            assert file["label"][index] == reader[index].target


def test_lmdb_has_no_compression() -> None:
    assert spec_of(Path("/x"), backend="lmdb", compression="gzip").compression == "none"


def test_as_stored_takes_the_channels_of_the_first_and_refuses_others_with_the_count(tmp_path: Path) -> None:
    draw_classes(tmp_path / "in", {"a": 6, "b": 6})
    Image.new("L", (8, 8)).save(tmp_path / "in" / "b" / "grey.png")

    built = Built(tmp_path / "job", spec_of(tmp_path / "in", resize_channels=0, random_seed=3))

    assert built.facts["image"]["channels"] == 3
    assert built.facts["encoding"] == "png"
    assert "has 1 channel, not 3" in (built.path / "refused.csv").read_text()


def lists(folder: Path, lines: list[str], labels: str = "") -> dict[str, Any]:
    """The fields of a text file source over pictures p0.png, p1.png ..."""
    draw_classes(folder, {"p": 3})
    (folder / "train.txt").write_text("".join(f"p/{line}\n" for line in lines))
    (folder / "labels.txt").write_text(labels)
    source = {"method": "textfile", "use_local_files": True, "use_val": False, "shuffle": 0}
    named = {
        "local_train_images": str(folder / "train.txt"),
        "local_labels_file": str(folder / "labels.txt") if labels else "",
    }
    return source | named


@pytest.mark.parametrize("backend", ["lmdb", "hdf5"])
def test_several_classes_a_picture(tmp_path: Path, backend: str) -> None:
    lines = ["0000.png 2,0", "0001.png -", "0002.png\t1, 2,1", "0000.png 3", "0001.png x"]
    source = lists(tmp_path / "in", lines, "red\ngreen\nblue\n")

    built = Built(tmp_path / "job", spec_of(source | {"label_kind": "multi"}, backend=backend))

    assert _labels_in(built, backend) == [[1, 0, 1], [0, 0, 0], [0, 1, 1]]
    reader = open_reader(built.folder, "train")
    assert (built.facts["target_kind"], reader.target_kind) == ("classes", "classes")
    assert [reader[index].target for index in range(3)] == [(0, 2), (), (1, 2)]
    assert reader.targets().tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 1]]
    assert built.facts["dbs"]["train"]["class_counts"] == [1, 1, 2]
    assert [line.rsplit(" ", 1)[1] for line in built.lines("train.txt")] == ["0,2", "-", "1,2"]
    refused = (built.path / "refused.csv").read_text()
    assert "There is no class 3: the labels name 3, from 0." in refused
    assert "'x' are no numbers of classes." in refused


@pytest.mark.parametrize("backend", ["lmdb", "hdf5"])
def test_numbers_of_a_picture(tmp_path: Path, backend: str) -> None:
    lines = ["0000.png 0.5 1.25", "0001.png -1e3 7", "0002.png 4", "0002.png 1 nan"]

    built = Built(tmp_path / "job", spec_of(lists(tmp_path / "in", lines) | {"label_kind": "float"}, backend=backend))

    assert _labels_in(built, backend) == [[0.5, 1.25], [-1000, 7]]
    reader = open_reader(built.folder, "train")
    assert reader.target_kind == "vector"
    assert reader.labels == ("value 0", "value 1")
    assert reader.targets().tolist() == [[0.5, 1.25], [-1000, 7]]
    assert [reader[index].target for index in range(2)] == [(0.5, 1.25), (-1000.0, 7.0)]
    refused = (built.path / "refused.csv").read_text()
    assert "The line has 1 numbers, not 2." in refused
    assert "'nan' is no number." in refused


def _labels_in(built: Built, backend: str) -> list[list[float]]:
    """The labels as Caffe would read them."""
    if backend == "hdf5":
        with h5py.File(built.path / "train_db" / "0.h5", "r") as file:
            found: list[list[float]] = file["label"][:].tolist()
            return found
    rows = []
    pictures = lmdb.open(str(built.path / "train_db" / "features"), readonly=True, lock=False)
    labels = lmdb.open(str(built.path / "train_db" / "labels"), readonly=True, lock=False)
    with pictures.begin() as first, labels.begin() as second:
        keys = list(second.cursor().iternext(values=False))
        assert keys == list(first.cursor().iternext(values=False)) == [b"%09d" % row for row in range(len(keys))]
        for value in second.cursor().iternext(keys=False):
            datum = caffe_pb2.Datum.FromString(value)
            assert (datum.channels, datum.height, datum.width) == (len(datum.float_data), 1, 1)
            rows.append(list(datum.float_data))
    pictures.close()
    labels.close()
    return rows


def test_numbers_may_have_names_and_lines_must_have_as_many(tmp_path: Path) -> None:
    source = lists(tmp_path / "in", ["0000.png 1 2", "0001.png 3"], "x\ny\n") | {"label_kind": "float"}

    built = Built(tmp_path / "job", spec_of(source))

    assert built.facts["labels"] == ["x", "y"]
    assert built.facts["dbs"]["train"]["entries"] == 1


def test_five_thousand_classes_are_counted_and_read_back(tmp_path: Path) -> None:
    lines = [f"{number % 3:04d}.png {(number * 7) % 5000}" for number in range(5000)]
    source = lists(tmp_path / "in", lines, "".join(f"class {number}\n" for number in range(5000)))

    built = Built(tmp_path / "job", spec_of(source))

    assert built.facts["dbs"]["train"]["class_counts"] == [1] * 5000
    assert open_reader(built.folder, "train").targets().tolist() == [(number * 7) % 5000 for number in range(5000)]
