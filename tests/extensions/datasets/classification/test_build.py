from __future__ import annotations

import gzip
import hashlib
import json
import os
import threading
from pathlib import Path

import lmdb
import numpy as np
import pytest
from PIL import Image

from digits.caffeproto import caffe_pb2
from digits.core.errors import DataError
from digits.core.events import Event
from digits.core.extensions import extension, load
from digits.core.jobfolder import JobFolder
from digits.core.work import StoppedError, WorkerSettings
from digits.data.images import ResizeMode, decode, encode_jpeg, prepare_image
from digits.data.mean import read_mean
from digits.data.refused import read_refused
from digits.extensions.datasets.classification.build import build
from digits.extensions.datasets.classification.check import tasks
from digits.extensions.datasets.classification.reader import open_reader
from tests.data.corpus import REFUSED, saved
from tests.extensions.datasets.classification.folders import Built, draw, draw_classes, spec_of
from tests.shared import needs_shared, shared


def write_mnist(root: Path, count: int) -> Path:
    """Write the first ``count`` digits of MNIST as PNGs in a folder for each class."""
    (images,) = shared("data", "mnist").glob("train-images*.gz")
    (labels,) = shared("data", "mnist").glob("train-labels*.gz")
    pixels = np.frombuffer(gzip.decompress(images.read_bytes()), np.uint8, offset=16).reshape(-1, 28, 28)
    classes = np.frombuffer(gzip.decompress(labels.read_bytes()), np.uint8, offset=8)
    for digit in range(10):
        (root / str(digit)).mkdir(parents=True)
    for index in range(count):
        Image.fromarray(255 - pixels[index]).save(root / str(classes[index]) / f"{index:05d}.png")
    return root


MNIST_SPEC = {"resize_width": 28, "resize_height": 28, "resize_channels": 1}


@needs_shared
def test_mnist_becomes_an_lmdb_that_a_plain_reader_and_protobuf_read(tmp_path: Path) -> None:
    root = write_mnist(tmp_path / "mnist", 400)

    built = Built(tmp_path / "job", spec_of(root, **MNIST_SPEC))

    seen, class_counts = set(), {"train": [0] * 10, "val": [0] * 10}
    for db in ("train", "val"):
        with lmdb.open(str(built.path / f"{db}_db"), readonly=True, lock=False) as env, env.begin() as transaction:
            for index, (key, record) in enumerate(transaction.cursor()):
                datum = caffe_pb2.Datum.FromString(record)
                assert key == b"%08d_%d" % (index, datum.label)
                assert (datum.channels, datum.height, datum.width, datum.encoded) == (1, 28, 28, True)
                class_counts[db][datum.label] += 1
                seen.add(hashlib.sha256(datum.data).hexdigest())
        assert built.facts["dbs"][db]["entries"] == sum(class_counts[db]) == len(built.lines(f"{db}.txt"))
        assert built.facts["dbs"][db]["class_counts"] == class_counts[db]
    assert len(seen) == 400
    assert built.facts["parsed"] == {
        "label_count": 10, "train_count": sum(class_counts["train"]), "val_count": sum(class_counts["val"]), "test_count": 0,
    }  # fmt: skip
    assert built.lines("labels.txt") == [str(digit) for digit in range(10)]


@needs_shared
@pytest.mark.slow
def test_all_of_mnist_at_25_percent_is_45002_and_14998(tmp_path: Path) -> None:
    root = write_mnist(tmp_path / "mnist", 60_000)

    built = Built(tmp_path / "job", spec_of(root, **MNIST_SPEC))

    assert [built.facts["dbs"][db]["entries"] for db in ("train", "val")] == [45_002, 14_998]
    assert built.facts["refused"] == {"count": 0}


@pytest.mark.parametrize("encoding", ["png", "jpg", "none"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["squash", "fill"])
def test_what_is_stored_is_what_inference_sees(tmp_path: Path, encoding: str, channels: int, mode: ResizeMode) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 3, "dog": 3}, size=(12, 20))
    spec = spec_of(root, encoding=encoding, resize_channels=channels, resize_mode=mode, resize_width=10)

    built = Built(tmp_path / "job", spec)

    reader = open_reader(built.folder, "train")
    whole = np.empty((len(reader), *reader.sample_shape), np.uint8)
    reader.decode_all(whole)
    for index in range(len(reader)):
        sample = reader[index]
        seen = prepare_image(
            Path(sample.source).read_bytes(), height=8, width=10, channels=channels, mode=mode, seed=built.facts["random_seed"]
        )  # fmt: skip
        if encoding == "jpg":  # what JPEG loses is lost; nothing else may differ
            seen = decode(encode_jpeg(seen)).image_HWC
        assert (sample.image_HWC == seen).all()
        assert (whole[index] == sample.image_HWC).all()
        assert sample.target == ["cat", "dog"].index(Path(sample.source).parent.name)
    assert reader.targets().tolist() == [reader[index].target for index in range(len(reader))]


def test_raw_records_are_channels_first_and_blue_first(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "in" / name).mkdir(parents=True)
        for index in range(2):
            Image.new("RGB", (2, 2), (255, 128, index)).save(tmp_path / "in" / name / f"{index}.png")

    built = Built(tmp_path / "job", spec_of(tmp_path / "in", encoding="none", resize_width=2, resize_height=2))

    with lmdb.open(str(built.path / "train_db"), readonly=True, lock=False) as env, env.begin() as transaction:
        datum = caffe_pb2.Datum.FromString(next(iter(transaction.cursor().iternext(keys=False))))
    assert not datum.encoded
    assert list(datum.data[4:]) == [128] * 4 + [255] * 4
    assert datum.data[0] in (0, 1)


def test_the_mean_is_that_of_the_training_pictures_rounded_blue_first(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 5, "dog": 8})

    built = Built(tmp_path / "job", spec_of(root))

    reader = open_reader(built.folder, "train")
    pictures = np.stack([reader[index].image_HWC for index in range(len(reader))])
    expected = np.around(pictures.astype(np.float64).mean(axis=0))[:, :, ::-1].transpose(2, 0, 1)
    blob = caffe_pb2.BlobProto.FromString((built.path / "mean.binaryproto").read_bytes())
    assert (blob.num, blob.channels, blob.height, blob.width) == (1, 3, 8, 8)
    assert (np.asarray(blob.data).reshape(3, 8, 8) == expected).all()
    assert (read_mean(built.path / "mean.binaryproto") == expected).all()
    assert built.facts["mean"]["values"] == pytest.approx(expected.mean(axis=(1, 2)), abs=1e-3)
    assert Image.open(built.path / "mean.jpg").size == (8, 8)


def test_a_refused_picture_costs_its_own_row_and_shifts_no_label(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 20, "dog": 20, "emu": 20})
    for number, case in enumerate(REFUSED):
        name = ("cat", "dog", "emu")[number % 3]
        (root / name / f"{number % 20:04d}x{number}.png").write_bytes(case.make())

    built = Built(tmp_path / "job", spec_of(root))

    rows = list(read_refused(built.path / "refused.csv"))
    assert sorted(row.rule for row in rows) == sorted(case.rule for case in REFUSED)
    assert all(row.db in ("train", "val") and row.reason and Path(row.path).is_file() for row in rows)
    assert built.facts["refused"] == {"count": len(REFUSED)}
    assert sum(db["entries"] for db in built.facts["dbs"].values()) == 60
    for db in ("train", "val"):
        reader = open_reader(built.folder, db)
        for index in range(len(reader)):
            sample = reader[index]
            assert sample.target == ["cat", "dog", "emu"].index(Path(sample.source).parent.name)
            assert (sample.image_HWC == np.asarray(Image.open(sample.source))).all()
    assert "refused" in built.warnings


def test_odd_pictures_are_taken_by_their_rule_and_counted_in_a_warning(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 4, "dog": 4})
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    for number in range(3):
        (root / "cat" / f"{number}.gif").write_bytes(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))

    built = Built(tmp_path / "job", spec_of({"train": str(root), "pct_val": 0}))

    assert "3 of the pictures for train: the first of several pictures." in built.warnings
    assert built.facts["refused"] == {"count": 0}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_every_name_of_a_file_comes_back_byte_by_byte(tmp_path: Path) -> None:
    names = [
        b"plain.png", "caf\u00e9.png".encode(), "cafe\u0301.png".encode(), "\U0001f600.png".encode(),
        "\u05d0\u05d1.png".encode(), b"two words.png", b"100%25.png", b"quo'te\".png", b"line\nbreak.png", b"car\rriage.png",
        b"bad\xff\xfe.png", b"n" * 251 + b".png", b"-rf", b"; rm -rf $HOME", b"a,b;c.png", b"\x1b[31m.png",
    ]  # fmt: skip
    root = draw_classes(tmp_path / "in", {"dog": 4})
    (root / "cat").mkdir()
    for number, name in enumerate(names):
        os.rename(draw(root / "cat" / "new.png", seed=number), root / "cat" / os.fsdecode(name))
    (root / "cat" / os.fsdecode(b"none\xff.jpg")).write_text("no picture")

    built = Built(tmp_path / "job", spec_of({"train": str(root), "pct_val": 0}))

    reader = open_reader(built.folder, "train")
    found = [os.fsencode(os.path.basename(reader[index].source)) for index in range(len(reader))]
    assert sorted(name for name in found if not name.startswith(b"000")) == sorted(names)
    assert len(built.lines("train.txt")) == len(names) + 4 - 2 + 2  # one line each, though two names hold line breaks
    (row,) = read_refused(built.path / "refused.csv")
    assert os.fsencode(row.path).endswith(b"none\xff.jpg")


def test_the_same_seed_gives_the_same_dataset_and_another_seed_another(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 30, "dog": 30})

    first, again, other = (
        Built(
            tmp_path / name, spec_of(root, random_seed=seed, resize_mode="fill", resize_width=20), num_threads=threads
        )
        for name, seed, threads in (("first", 0xCAFEBABE, 1), ("again", 0xCAFEBABE, 3), ("other", 2, 2))
    )

    for name in ("train_db/data.mdb", "val_db/data.mdb", "train.txt", "val.txt", "mean.binaryproto", "labels.txt"):
        assert (first.path / name).read_bytes() == (again.path / name).read_bytes(), name
    assert first.lines("train.txt") != other.lines("train.txt")
    assert first.facts["random_seed"] == 0xCAFEBABE


def test_without_a_seed_the_one_taken_is_kept(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 20, "dog": 20})
    fresh = Built(tmp_path / "fresh", spec_of(root, random_seed=None))

    again = Built(tmp_path / "again", spec_of(root, random_seed=fresh.facts["random_seed"]))

    assert fresh.lines("train.txt") == again.lines("train.txt")


def test_the_database_is_shuffled_and_the_list_goes_class_by_class(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 40, "dog": 40})

    built = Built(tmp_path / "job", spec_of(root))

    listed = [int(line.rpartition(" ")[2]) for line in built.lines("train.txt")]
    stored = open_reader(built.folder, "train").targets().tolist()
    assert listed == sorted(listed)
    assert stored != sorted(stored)
    assert sorted(stored) == listed


def test_separate_folders_are_matched_to_the_classes_by_name(tmp_path: Path) -> None:
    train = draw_classes(tmp_path / "train", {"ant": 3, "bee": 3, "cat": 3})
    val = draw_classes(tmp_path / "val", {"cat": 2, "ant": 5, "yak": 2, "bee": 1})
    test = draw_classes(tmp_path / "test", {"bee": 4})
    source = {
        "train": str(train), "pct_val": 60, "pct_test": 60, "has_val_folder": True, "val": str(val), "val_max_per_class": 4,
        "has_test_folder": True, "test": str(test),
    }  # fmt: skip

    built = Built(tmp_path / "job", spec_of(source))

    counts = {name: db["class_counts"] for name, db in built.facts["dbs"].items()}
    assert counts == {"train": [3, 3, 3], "val": [4, 0, 2], "test": [0, 4, 0]}
    parsed = {
        each.task: each.facts for each in built.events if each.type == "progress" and each.task.startswith("parse_")
    }
    assert list(parsed) == [plan.name for plan in tasks(spec_of(source))][:3]
    assert list(parsed.values()) == [
        {"label_count": 3, "train_count": 9, "val_count": 0, "test_count": 0},
        {"label_count": 2, "train_count": 0, "val_count": 6, "test_count": 0},
        {"label_count": 1, "train_count": 0, "val_count": 0, "test_count": 4},
    ]
    assert "'yak'" in built.warnings
    assert "'bee' is left out for validation: 1 pictures, 2 wanted" in built.warnings


def test_classes_below_the_minimum_are_left_out_and_those_above_the_maximum_cut(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"ant": 9, "bee": 2, "cat": 12})
    source = {"train": str(root), "pct_val": 0, "train_min_per_class": 3, "train_max_per_class": 10}

    built = Built(tmp_path / "job", spec_of(source))

    assert built.facts["labels"] == ["ant", "cat"]
    assert built.facts["dbs"]["train"]["class_counts"] == [9, 10]
    assert "'bee' is left out" in built.warnings


def test_all_for_validation_makes_no_training_database_and_no_mean(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"ant": 3, "bee": 3})

    built = Built(tmp_path / "job", spec_of({"train": str(root), "pct_val": 100}))

    assert list(built.facts["dbs"]) == ["val"]
    assert built.facts["mean"] is None
    assert not (built.path / "train_db").exists()


def test_fewer_than_two_usable_classes_are_refused_with_the_counts(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"ant": 3, "bee": 1, "cat": 0})

    with pytest.raises(DataError, match="ant: 3, bee: 1, cat: 0") as caught:
        Built(tmp_path / "job", spec_of(root))

    assert caught.value.rule == "TOO_FEW_CLASSES"


def test_a_database_of_broken_pictures_alone_is_an_error_that_says_where_to_look(tmp_path: Path) -> None:
    for name in ("ant", "bee"):
        (tmp_path / "in" / name).mkdir(parents=True)
        for index in range(3):
            (tmp_path / "in" / name / f"{index}.png").write_bytes(b"\x89PNG\r\n\x1a\n")

    with pytest.raises(DataError, match=r"Not one of the 4 files for train could be used") as caught:
        Built(tmp_path / "job", spec_of(tmp_path / "in"))

    assert caught.value.where == "refused.csv"
    assert len(list(read_refused(tmp_path / "job" / "refused.csv"))) == 4
    assert not list((tmp_path / "job").glob("train_db*"))


def test_a_stop_is_heard_at_once_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 150, "dog": 150})
    asked = threading.Event()

    def emit(event: Event, /) -> None:
        if event.type == "progress" and event.task == "create_train_db":
            asked.set()

    folder = JobFolder(tmp_path / "job")
    folder.path.mkdir()

    with pytest.raises(StoppedError):
        build(spec_of(root), folder, WorkerSettings(num_threads=2), emit, asked.is_set)

    assert not [path.name for path in folder.path.rglob("*") if path.name.endswith((".tmp", "_db"))]
    assert not (folder.path / "dataset.json").exists()


def test_what_is_said_on_the_way_is_what_the_page_shows(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 12, "dog": 12})
    spec = spec_of({"train": str(root), "pct_val": 25, "pct_test": 25})

    built = Built(tmp_path / "job", spec)

    said = [event for event in built.events if event.type == "progress"]
    names = [plan.name for plan in tasks(spec)]
    assert names == ["parse_folder", "create_train_db", "create_val_db", "create_test_db"]
    assert list(dict.fromkeys(event.task for event in said)) == names
    for name in names:
        of_task = [event for event in said if event.task == name]
        assert [event.state for event in of_task] == ["running"] * (len(of_task) - 1) + ["done"]
        assert all(event.done <= event.total or not event.total for event in of_task)
    log = (built.path / "create_train_db.log").read_text()
    assert "Processed 12/12" in log
    assert "Category 1 has 6 images." in log
    assert "12 images written to database" in log
    parsed = (built.path / "parse_folder.log").read_text()
    assert "Found 24 images in 2 categories." in parsed
    assert "Selected 6 for validation." in parsed
    assert json.loads((built.path / "dataset.json").read_text()) == built.facts
    assert not (built.path / "scan.tmp").exists()


def test_a_build_of_a_folder_with_remains_of_another_begins_anew(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 6, "dog": 6})
    (tmp_path / "job" / "train_db.tmp").mkdir(parents=True)
    (tmp_path / "job" / "train_db.tmp" / "data.mdb").write_bytes(b"torn")
    (tmp_path / "job" / "scan.tmp").mkdir()
    Built(tmp_path / "job", spec_of(root, encoding="jpg"))

    built = Built(tmp_path / "job", spec_of(root))

    assert built.facts["dbs"]["train"]["entries"] == 10
    assert len(open_reader(built.folder, "train")) == 10


def test_the_extension_is_found_by_its_entry_point() -> None:
    kind = extension("datasets", "image-classification")

    assert load(kind.build) is build
    assert load(kind.tasks) is tasks
    assert callable(load(kind.inspect))
    assert callable(load(kind.reader))
