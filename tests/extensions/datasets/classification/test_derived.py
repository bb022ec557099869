"""Datasets made of datasets, and the hash that names their content."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np
import pytest
from PIL import Image

from digits.caffeproto import caffe_pb2
from digits.core.errors import DataError
from digits.data.stored import StoredDb
from digits.data.verify import verify_db
from tests.extensions.datasets.classification.folders import Built, draw_classes, spec_of

JOBS = ("20260101-000000-000a", "20260101-000000-000b", "20260101-000000-000c")
CLASSES = {"cat": 5, "dog": 4, "owl": 3}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Twelve pictures of three classes, in train and val."""
    root = tmp_path_factory.mktemp("jobs")
    return Built(root / JOBS[0], spec_of(draw_classes(root / "pictures", CLASSES)))


def derive(made: Built, number: int, *, changes: list[dict[str, Any]] | None = None, **more: Any) -> Built:
    """A dataset made of the dataset ``made``."""
    folder = made.path.parent / JOBS[number]
    asked: dict[str, Any] = {"ids": made.path.name, "dbs": ",".join(made.facts["dbs"])} | more.pop("base", {})
    if changes is not None:
        (folder / "uploads").mkdir(parents=True)
        (folder / "uploads" / "changes").write_text(json.dumps(changes))
        asked["changes"] = "uploads/changes"
    return Built(folder, spec_of(more.pop("source", {"method": "derived"}), base=asked, **more))


@pytest.fixture
def copy(made: Built, tmp_path: Path) -> Built:
    """The dataset in a folder of jobs of its own."""
    shutil.copytree(made.path, tmp_path / JOBS[0])
    found = object.__new__(Built)
    found.path, found.facts = tmp_path / JOBS[0], made.facts
    return found


def records(built: Built, db: str) -> dict[bytes, caffe_pb2.Datum]:
    """The records of a database as Caffe's own messages, by key."""
    with lmdb.open(str(built.path / f"{db}_db"), readonly=True, lock=False) as env, env.begin() as transaction:
        return {bytes(key): caffe_pb2.Datum.FromString(bytes(value)) for key, value in transaction.cursor()}


def content(built: Built) -> dict[str, list[tuple[str, bytes]]]:
    """Class and bytes of each record, sorted, by database."""
    labels = built.facts["labels"]
    return {db: sorted((labels[d.label], d.data) for d in records(built, db).values()) for db in built.facts["dbs"]}


def test_the_content_hash_is_what_its_definition_says(made: Built) -> None:
    total = hashlib.sha256(b"digits dataset 1\n" + b"".join(b"class %s\n" % name.encode() for name in sorted(CLASSES)))
    for db in ("train", "val"):
        lines = []
        for datum in records(made, db).values():
            pixels = cv2.imdecode(np.frombuffer(datum.data, np.uint8), cv2.IMREAD_COLOR_RGB)
            digest = hashlib.sha256(b"8 8 3\n" + np.asarray(pixels).tobytes()).digest()
            lines.append(digest + b" " + made.facts["labels"][datum.label].encode() + b"\n")
        total.update(b"%s %d\n" % (db.encode(), len(lines)))
        total.update(b"".join(sorted(lines)))

    assert made.facts["content_hash"] == "sha256:" + total.hexdigest()
    assert json.loads((made.path / "dataset.json").read_text())["content_hash"] == made.facts["content_hash"]


@pytest.mark.parametrize("fields", [{"backend": "hdf5"}, {"encoding": "none"}, {"random_seed": 1}], ids=str)
def test_the_same_pictures_in_another_form_have_the_same_content_hash(
    made: Built, tmp_path: Path, fields: dict[str, Any]
) -> None:
    again = Built(tmp_path / "other", spec_of(draw_classes(tmp_path / "elsewhere", CLASSES), **fields))

    assert again.facts["content_hash"] == made.facts["content_hash"]


def test_another_pixel_another_label_or_another_database_is_another_content(made: Built, tmp_path: Path) -> None:
    pictures = draw_classes(tmp_path / "pictures", CLASSES)
    path = pictures / "cat" / "0000.png"
    pixels = np.asarray(Image.open(path)).copy()
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(path)
    hashes = [made.facts["content_hash"], Built(tmp_path / "a", spec_of(pictures)).facts["content_hash"]]
    whole = draw_classes(tmp_path / "whole", CLASSES)
    hashes.append(Built(tmp_path / "b", spec_of({"train": str(whole), "pct_val": 50})).facts["content_hash"])
    whole.joinpath("cat").rename(whole / "kitten")
    hashes.append(Built(tmp_path / "c", spec_of(whole)).facts["content_hash"])

    assert len(set(hashes)) == 4


def test_relabelled_and_dropped_records_are_changed_and_all_others_kept_byte_for_byte(copy: Built) -> None:
    before = content(copy)
    keys = sorted(records(copy, "train"))
    first, second = keys[0], keys[1]
    old, dropped = records(copy, "train")[first], records(copy, "train")[second]
    labels = copy.facts["labels"]
    new = labels[(old.label + 1) % 3]

    changed = derive(
        copy, 1, changes=[{"db": "train", "key": first.decode(), "label": new}, {"db": "train", "key": second.decode(), "label": None}]
    )  # fmt: skip

    expected = list(before["train"])
    expected.remove((labels[old.label], old.data))
    expected.remove((labels[dropped.label], dropped.data))
    after = content(changed)
    assert after["train"] == sorted([*expected, (new, old.data)])
    assert after["val"] == before["val"]
    assert changed.facts["labels"] == labels
    assert changed.facts["content_hash"] != copy.facts["content_hash"]


def test_a_copy_without_changes_has_the_same_content_hash_names_and_order(copy: Built) -> None:
    again = derive(copy, 1)

    assert again.facts["content_hash"] == copy.facts["content_hash"]
    assert {key: datum.data for key, datum in records(again, "train").items()} == {
        key: datum.data for key, datum in records(copy, "train").items()
    }
    assert sorted(again.lines("val.txt")) == sorted(copy.lines("val.txt"))
    assert (again.path / "mean.binaryproto").read_bytes() == (copy.path / "mean.binaryproto").read_bytes()


def test_jpeg_records_are_copied_and_not_compressed_again(tmp_path: Path) -> None:
    made = Built(tmp_path / JOBS[0], spec_of(draw_classes(tmp_path / "p", CLASSES), encoding="jpg"))

    again = derive(made, 1, encoding="jpg")

    assert content(again) == content(made)
    assert again.facts["content_hash"] == made.facts["content_hash"]


def test_classes_are_renamed_and_merged(copy: Built) -> None:
    renamed = derive(copy, 1, base={"rename": "dog=pet\ncat=pet"})

    assert renamed.facts["labels"] == ["pet", "owl"]
    counts = {db: facts["class_counts"] for db, facts in renamed.facts["dbs"].items()}
    old = {db: facts["class_counts"] for db, facts in copy.facts["dbs"].items()}
    assert counts == {db: [each[0] + each[1], each[2]] for db, each in old.items()}


def test_a_class_that_is_not_there_cannot_be_renamed(copy: Built) -> None:
    with pytest.raises(DataError, match="no class 'frog'"):
        derive(copy, 1, base={"rename": "frog=toad"})


def test_more_pictures_of_one_class_and_of_a_new_one_are_added(copy: Built, tmp_path: Path) -> None:
    more = draw_classes(tmp_path / "more", {"bee": 4, "dog": 8})
    old = content(copy)

    extended = derive(copy, 1, source={"method": "folder", "train": str(more), "pct_val": 25})

    assert extended.facts["labels"] == ["cat", "dog", "owl", "bee"]
    counts = {db: facts["class_counts"] for db, facts in extended.facts["dbs"].items()}
    assert sum(map(sum, counts.values())) == 12 + 12
    assert counts["val"][3] == 1
    assert counts["train"][3] == 3
    for db in ("train", "val"):
        assert set(old[db]) <= set(content(extended)[db])


def test_a_folder_with_a_single_class_may_extend_a_dataset(copy: Built, tmp_path: Path) -> None:
    more = draw_classes(tmp_path / "more", {"dog": 4})

    extended = derive(copy, 1, source={"method": "folder", "train": str(more), "pct_val": 0})

    assert extended.facts["labels"] == copy.facts["labels"]
    assert extended.facts["dbs"]["train"]["class_counts"][1] == copy.facts["dbs"]["train"]["class_counts"][1] + 4


def test_two_datasets_of_other_sizes_become_one_in_the_form_that_is_asked_for(copy: Built) -> None:
    pictures = draw_classes(copy.path.parent / "large", {"owl": 4, "elk": 4}, size=(16, 16))
    large = Built(copy.path.parent / JOBS[1], spec_of(pictures, resize_width=16, resize_height=16))

    merged = derive(copy, 2, base={"ids": f"{copy.path.name},{large.path.name}"})

    assert merged.facts["labels"] == ["cat", "dog", "owl", "elk"]
    assert sum(each["entries"] for each in merged.facts["dbs"].values()) == 12 + 8
    assert {(datum.height, datum.width) for datum in records(merged, "train").values()} == {(8, 8)}
    assert set(content(copy)["train"]) <= set(content(merged)["train"])


def test_a_dataset_that_was_deleted_meanwhile_is_named(copy: Built) -> None:
    with pytest.raises(DataError, match="20260101-000000-00ff is not there any more"):
        derive(copy, 1, base={"ids": "20260101-000000-00ff"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"db": "train", "key": "00000000_9", "label": None}, "no record '00000000_9'"),
        ({"db": "test", "key": "00000000_0", "label": None}, "no database 'test'"),
        ({"db": "train", "key": "KEY", "label": "dgo"}, "Did you mean 'dog'"),
        ({"db": "train", "key": "KEY", "label": 7}, "no class '7'"),
        ({"db": "train", "key": "KEY"}, "has db, key and label"),
    ],
)
def test_changes_that_do_not_fit_are_told(copy: Built, change: dict[str, Any], words: str) -> None:
    if change["key"] == "KEY":
        change = change | {"key": min(records(copy, "train")).decode()}

    with pytest.raises(DataError) as told:
        derive(copy, 1, changes=[change])

    assert words in f"{told.value}"


def damages(built: Built, db: str) -> list[tuple[str, str]]:
    with StoredDb(built.path, db, built.facts) as stored:
        return [(each.key, each.reason) for each in verify_db(stored) if each]


def test_damaged_records_are_named_and_no_others(copy: Built) -> None:
    found = records(copy, "train")
    first, second, third = sorted(found)[:3]
    with lmdb.open(str(copy.path / "train_db")) as env, env.begin(write=True) as transaction:
        other = found[first]
        other.data = found[second].data
        transaction.put(first, other.SerializeToString())
        transaction.put(second, b"\x22\xff\xff")
        transaction.delete(third)

    told = dict(damages(copy, "train"))

    assert set(told) == {first.decode(), second.decode(), third.decode()}
    assert "not the one that was written" in told[first.decode()]
    assert "no record" in told[third.decode()]
    assert damages(copy, "val") == []
