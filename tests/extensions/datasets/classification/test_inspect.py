from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from digits.core.errors import DataError
from digits.core.work import StoppedError, WorkerSettings
from digits.extensions.datasets.classification.inspect import inspect_source
from tests.data.corpus import exif, png_of_size, saved, scene
from tests.extensions.datasets.classification.folders import draw, draw_classes


def look(path: str = "", **question: Any) -> dict[str, Any]:
    told, _ = inspect_source(path=path, **question)
    json.dumps(told)
    return told


def test_a_folder_is_told_with_classes_counts_samples_and_sizes(tmp_path: Path) -> None:
    from PIL import Image

    root = draw_classes(tmp_path / "in", {"big_cat": 3, "dog": 5}, size=(10, 20))
    (root / "dog" / "turned.jpg").write_bytes(saved(Image.fromarray(scene(100, 50)), "JPEG", exif=exif(6)))
    (root / "dog" / "notes.txt").write_text("hello")
    (root / "dog" / "huge.png").write_bytes(png_of_size(40_000, 10))

    told = look(str(root))

    assert told["format"] == "folder"
    assert [(each["label"], each["count"]) for each in told["classes"]] == [("big cat", 3), ("dog", 6)]
    assert told["classes"][0]["sample"] == str(root / "big_cat" / "0000.png")
    assert (told["count"], told["refused_count"]) == (9, 2)
    assert {Path(row["path"]).name: row["rule"] for row in told["refused"]} == {
        "notes.txt": "IMG_NOT_A_PICTURE", "huge.png": "IMG_TOO_LARGE",
    }  # fmt: skip
    assert told["sizes"] == {"min": [20, 10], "max": [100, 50], "median": [20, 10]}
    json.dumps(told)


def test_of_many_refused_files_the_first_100_are_listed_and_all_counted(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 2})
    for number in range(120):
        (root / "cat" / f"{number}.txt").write_text("hello")

    told = look(str(root))

    assert (len(told["refused"]), told["refused_count"]) == (100, 120)


def test_an_empty_folder_has_no_classes(tmp_path: Path) -> None:
    told = look(str(tmp_path))

    assert (told["classes"], told["count"], told["sizes"]) == ([], 0, {})


def test_the_limits_are_those_of_the_build(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 2, "dog": 2}, size=(30, 30))

    assert look(str(root), settings=WorkerSettings(max_image_pixels=100))["refused_count"] == 4


def test_a_folder_that_is_not_there_is_an_error_and_a_stop_is_heard(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        look(str(tmp_path / "absent"))

    draw_classes(tmp_path / "in", {"cat": 2})
    with pytest.raises(StoppedError):
        look(str(tmp_path / "in"), stop=lambda: True)


def test_train_and_val_folders_are_told_as_such_with_the_fields_that_the_form_takes(tmp_path: Path) -> None:
    draw_classes(tmp_path / "in" / "train", {"cat": 3, "dog": 2})
    draw_classes(tmp_path / "in" / "validation", {"cat": 1, "dog": 1})

    told = look(str(tmp_path / "in"))

    assert told["source"] == {
        "method": "folder", "train": str(tmp_path / "in/train"), "has_val_folder": True, "val": str(tmp_path / "in/validation"),
    }  # fmt: skip
    assert (told["count"], told["dbs"]) == (7, {"val": 2})


def test_an_archive_is_told_without_being_unpacked(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 3, "dog": 2})
    archive = shutil.make_archive(str(tmp_path / "pictures"), "zip", root)

    told = look(archive)

    assert told["format"] == "archive"
    assert [(each["label"], each["count"], each["sample"]) for each in told["classes"]] == [
        ("cat", 3, ""),
        ("dog", 2, ""),
    ]
    assert told["source"] == {"method": "archive", "path": archive}


def test_samples_of_each_class_come_as_small_pictures_and_as_their_files(tmp_path: Path) -> None:
    counts = {f"class {number}": number + 1 for number in range(7)}
    root = draw_classes(tmp_path / "in", counts)

    told, samples = inspect_source(path=str(root))

    shown = Counter(sample["class"] for sample in told["samples"])
    assert shown == {
        6: 4,
        5: 4,
        4: 4,
        3: 4,
        2: 3,
        1: 1,
        0: 1,
    }  # of the five largest classes four, where there are so many
    assert all(each["thumb"].startswith("data:image/jpeg;base64,") for each in told["classes"])
    assert [sample.data for sample in samples] == [Path(sample.name).read_bytes() for sample in samples]


def test_lists_with_others_and_labels_beside_them_are_recognised_together(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 3, "dog": 2})
    for db, names in {"train": ("cat", "dog"), "val": ("cat",)}.items():
        lines = [f"{path} {names.index(name)}" for name in names for path in sorted((root / name).iterdir())]
        (tmp_path / f"{db}.txt").write_text("\n".join(lines))
    (tmp_path / "labels.txt").write_text("cat\ndog\n")

    told = look(str(tmp_path / "train.txt"))

    assert told["words"] == "Lists of pictures for train and val"
    assert told["source"]["local_labels_file"] == str(tmp_path / "labels.txt")
    assert (told["count"], told["class_dbs"]) == (8, {"train": [3, 2], "val": [3, 0]})


def test_what_lies_there_wins_over_what_it_was_said_to_be(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in" / "train", {"cat": 3, "dog": 2}).parent
    shutil.copytree(root / "train", root / "val")
    archive = shutil.make_archive(str(tmp_path / "pictures"), "zip", root)

    as_folder = look(archive, source={"method": "folder", "train": archive})
    split = look(str(root), source={"method": "folder", "train": f"{root}/"})
    plain = look(str(root / "train"), source={"method": "folder", "train": f"{root}/train/"})

    assert (as_folder["differs"], as_folder["words"]) == (True, "An archive with train and val folders")
    assert (split["differs"], split["source"]["val"]) == (True, str(root / "val"))
    assert (plain["differs"], plain["words"]) == (False, "A folder with one sub-folder for each class")


def test_lists_are_not_followed_out_of_the_folders_that_may_be_read(tmp_path: Path) -> None:
    root = draw_classes(tmp_path / "in", {"cat": 2})
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.txt").write_text(f"{root}/cat/0000.png 0\n{tmp_path}/data/absent.png 0\n")
    (tmp_path / "data" / "labels.txt").write_text("cat\n")

    told = look(str(tmp_path / "data" / "train.txt"), settings=WorkerSettings(data_roots=(str(tmp_path / "data"),)))

    assert (told["count"], {row["rule"] for row in told["refused"]}) == (0, {"PATH_OUTSIDE", "IMG_UNREADABLE"})


def test_a_picture_of_several_classes_counts_for_each_and_once_in_all(tmp_path: Path) -> None:
    for number in range(3):
        draw(tmp_path / f"{number}.png", seed=number)
    (tmp_path / "train.txt").write_text("0.png 0,2\n1.png -\n2.png 2,1,2\n")
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue\n")
    lists = {"local_train_images": str(tmp_path / "train.txt"), "local_labels_file": str(tmp_path / "labels.txt")}
    told = look(source={"method": "textfile", "use_local_files": True, "use_val": False, "label_kind": "multi"} | lists)

    assert {each["label"]: each["count"] for each in told["classes"]} == {"red": 1, "green": 1, "blue": 2}
    assert (told["count"], told["dbs"], told["class_dbs"]) == (3, {"train": 3}, {"train": [1, 1, 2]})


def test_only_what_fetches_loads_what_fetching_takes(tmp_path: Path) -> None:
    draw_classes(tmp_path / "in", {"cat": 3, "dog": 3})
    looks = (
        "import sys; from digits.extensions.datasets.classification.inspect import inspect_source\n"
        "inspect_source(path=sys.argv[1]); print([name for name in ('httpx', 'fsspec') if name in sys.modules])"
    )

    said = subprocess.run(
        [sys.executable, "-c", looks, str(tmp_path / "in")], check=True, capture_output=True, text=True
    )

    assert said.stdout.strip() == "[]"
