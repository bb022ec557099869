"""What is said of a segmentation source before it is made: figures of drawn streets, counted here once more."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest

from digits.core.errors import DataError
from digits.download.streets import CLASSES, draw_street, write_streets
from digits.extensions.datasets.segmentation.inspect import inspect_source


def test_classes_their_pixels_and_pictures_with_masks_are_told_before_anything_is_written(tmp_path: Path) -> None:
    write_streets(tmp_path, {"train": 4, "val": 2}, width=64, height=48, seed=0)
    (tmp_path / "train" / "labels" / "00003.png").write_bytes(b"no picture")
    (tmp_path / "train" / "images" / "lonely.png").write_bytes(
        (tmp_path / "train" / "images" / "00000.png").read_bytes()
    )
    masks = np.stack([draw_street(64, 48, seed=(0, 0, at)).label_HW for at in range(3)])
    pixels = np.bincount(masks.ravel(), minlength=len(CLASSES))

    told, samples = inspect_source(path=str(tmp_path))

    assert told["count"] == 5
    assert told["dbs"] == {"train": 3, "val": 2}
    assert [each["label"] for each in told["classes"]] == list(CLASSES)
    assert [each["count"] for each in told["classes"]] == pixels.tolist()
    assert told["pixels"] == masks.size
    assert told["sizes"]["median"] == [64, 48]
    assert {row["rule"] for row in told["refused"]} == {"PAIR_MISSING", "IMG_NOT_A_PICTURE"}
    share = pixels.max() / pixels.sum()
    assert f"{CLASSES[pixels.argmax()]} is the most frequent class" in told["notes"][0]
    assert f"about {100 * share:.1f} %" in told["notes"][0]
    assert len(samples) == 3
    shown = cv2.imdecode(
        np.frombuffer(base64.b64decode(samples[0].image.partition(",")[2]), np.uint8), cv2.IMREAD_COLOR
    )
    assert shown is not None
    assert shown.shape == (48, 64, 3)


def test_a_source_without_a_label_that_fits_says_why(tmp_path: Path) -> None:
    write_streets(tmp_path, {"train": 2}, width=32, height=24, seed=0)
    names = tmp_path / "names.txt"
    names.write_text("only one\n")
    source = {
        "name": "-", "feature_folder": str(tmp_path / "train" / "images"), "label_folder": str(tmp_path / "train" / "labels"),
        "class_labels_file": str(names),
    }  # fmt: skip

    with pytest.raises(DataError, match="value"):
        inspect_source(source=source)
