from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from digits.core.errors import DataError
from digits.core.work import StoppedError, WorkerSettings
from digits.extensions.datasets.classification.inspect import inspect_source
from tests.data.corpus import exif, png_of_size, saved, scene
from tests.extensions.datasets.classification.folders import draw_classes


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
