from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np
import pytest

from digits.caffeproto import caffe_pb2
from digits.core.errors import DataError
from tests.extensions.datasets.made import Made, Pixels, problems

RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8) for _ in range(6)]
GREYS = [each[:, :, :1] for each in PICTURES]


def write(folder: Path, datums: Sequence[Any], keys: Sequence[str] | None = None) -> Path:
    """Write an LMDB as Caffe's tools do."""
    with lmdb.open(str(folder), map_size=1 << 24) as env, env.begin(write=True) as transaction:
        for index, datum in enumerate(datums):
            key = keys[index] if keys else f"{index:08d}_name{index}.jpg"
            transaction.put(key.encode(), datum.SerializeToString())
    return folder


def raw(image_HWC: Pixels, label: int = 0) -> Any:
    """A Datum of raw values: C, H, W; BGR of colour."""
    height, width, channels = image_HWC.shape
    planes = image_HWC[:, :, ::-1] if channels == 3 else image_HWC
    data = planes.transpose(2, 0, 1).tobytes()
    return caffe_pb2.Datum(channels=channels, height=height, width=width, data=data, label=label)


def floats(*values: float, shape: tuple[int, int, int] | None = None) -> Any:
    channels, height, width = shape or (len(values), 1, 1)
    return caffe_pb2.Datum(channels=channels, height=height, width=width, float_data=values)


def test_numbers_beside_raw_pictures_are_taken_over_as_they_are(tmp_path: Path) -> None:
    images = write(tmp_path / "images", [raw(each) for each in PICTURES])
    labels = write(tmp_path / "labels", [floats(index, -index / 8, shape=(1, 1, 2)) for index in range(6)])

    made = Made("image-generic", tmp_path / "job", prebuilt_train_images=images, prebuilt_train_labels=labels,
                prebuilt_val_images=images, prebuilt_val_labels=labels, method="prebuilt")  # fmt: skip

    reader = made.reader("val")
    assert (reader.target_kind, reader.labels, len(reader)) == ("vector", ("number 0", "number 1"), 6)
    assert reader.targets().tolist() == [[index, -index / 8] for index in range(6)]
    assert all((reader[index].image_HWC == PICTURES[index]).all() for index in range(6))
    assert reader[3].source == "00000003_name3.jpg"
    assert made.facts["analyzed"][0] == {
        "name": "train", "image_count": 6, "image_width": 7, "image_height": 9, "image_channels": 3
    }  # fmt: skip
    assert (made.path / "mean.binaryproto").is_file()


def test_encoded_pictures_stay_the_bytes_that_they_are(tmp_path: Path) -> None:
    files = [cv2.imencode(".jpg", each[:, :, ::-1])[1].tobytes() for each in PICTURES]
    datums = [
        caffe_pb2.Datum(channels=3, height=9, width=7, data=data, encoded=True, label=index % 2)
        for index, data in enumerate(files)
    ]

    made = Made("image-generic", tmp_path / "job", prebuilt_train_images=write(tmp_path / "images", datums))

    assert [each.data for each in made.datums("train_db")] == files
    assert made.facts["encoding"] == "jpg"
    assert made.reader().targets().tolist() == [0, 1, 0, 1, 0, 1]
    assert made.facts["labels"] == ["class 0", "class 1"]


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ([raw(np.full((9, 7, 1), index % 3, np.uint8)) for index in range(6)], "mask"),
        ([raw(each) for each in reversed(PICTURES)], "image"),
        ([floats(*range(index, index + 9), shape=(1, 3, 3)) for index in range(6)], "vector"),
        (None, "image"),
    ],
)
def test_what_labels_are_is_seen_by_how_they_look(tmp_path: Path, labels: list[Any] | None, kind: str) -> None:
    fields = {"prebuilt_train_images": write(tmp_path / "images", [raw(each) for each in PICTURES])}
    if labels:
        fields["prebuilt_train_labels"] = write(tmp_path / "labels", labels)

    reader = Made("image-generic", tmp_path / "job", **fields).reader()

    assert reader.target_kind == kind
    expected: dict[str, list[Any]] = {
        "mask": [np.full((9, 7), index % 3) for index in range(6)],
        "image": list(reversed(PICTURES)) if labels else list(PICTURES),
        "vector": [np.arange(index, index + 9) for index in range(6)],
    }
    assert np.array_equal(reader.targets(), expected[kind])


def test_pictures_of_several_sizes_are_told_with_their_counts_or_taken_where_that_is_asked(tmp_path: Path) -> None:
    images = write(tmp_path / "images", [raw(each) for each in (*GREYS, np.zeros((4, 7, 1), np.uint8))])

    with pytest.raises(DataError, match="2 sizes: 7×9×1 \\(6\\), 7×4×1 \\(1\\)"):
        Made("image-generic", tmp_path / "one", prebuilt_train_images=images, force_same_shape=1)
    made = Made("image-generic", tmp_path / "two", prebuilt_train_images=images, force_same_shape=0)

    assert (made.facts["same_shape"], made.facts["mean"], len(made.reader())) == (False, None, 7)


def test_a_mean_file_is_used_and_one_of_another_size_refused(tmp_path: Path) -> None:
    images = write(tmp_path / "images", [raw(each) for each in PICTURES])
    blob = caffe_pb2.BlobProto(num=1, channels=3, height=9, width=7, data=[float(index % 200) for index in range(189)])
    (tmp_path / "mean.binaryproto").write_bytes(blob.SerializeToString())
    fields = {"prebuilt_train_images": images, "prebuilt_mean_file": tmp_path / "mean.binaryproto"}

    Made("image-generic", tmp_path / "job", **fields)

    assert caffe_pb2.BlobProto.FromString((tmp_path / "job" / "mean.binaryproto").read_bytes()).data == blob.data
    blob.height, blob.width = 7, 9
    (tmp_path / "mean.binaryproto").write_bytes(blob.SerializeToString())
    with pytest.raises(DataError, match="differ in size"):
        Made("image-generic", tmp_path / "no", **fields)


def test_a_record_without_a_label_or_that_is_none_is_refused_alone(tmp_path: Path) -> None:
    keys = [f"k{index}" for index in range(6)]
    images = write(tmp_path / "images", [raw(each) for each in PICTURES], keys)
    labels = write(tmp_path / "labels", [floats(1, 2)] * 5, [*keys[:4], "elsewhere"])
    with lmdb.open(str(images)) as env, env.begin(write=True) as transaction:
        transaction.put(b"k3", b"\x08")

    made = Made("image-generic", tmp_path / "job", prebuilt_train_images=images, prebuilt_train_labels=labels)

    assert made.facts["dbs"]["train"]["entries"] == 3
    assert {name: reason.split(".")[0] for name, reason in made.refused.items()} == {
        "k3": "The record is no Datum",
        "k4": "The label database has no record of its key",
        "k5": "The label database has no record of its key",
    }


def test_a_form_says_what_is_no_lmdb_and_which_labels_are_missing(tmp_path: Path) -> None:
    images = write(tmp_path / "images", [raw(PICTURES[0])])

    assert "holds no data.mdb" in problems("image-generic", prebuilt_train_images=tmp_path)["prebuilt_train_images"]
    assert problems("image-generic").keys() == {"prebuilt_train_images"}
    both = {"prebuilt_train_images": images, "prebuilt_val_images": images, "prebuilt_train_labels": images}
    assert problems("image-generic", **both).keys() == {"prebuilt_val_labels"}
