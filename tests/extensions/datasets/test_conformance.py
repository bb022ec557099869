"""The kinds of datasets that come with the product hold what the product relies on, as those of others have to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from digits.core.extensions import extension, installed
from digits.testing.datasets import check_dataset
from digits.web.forms import parse
from tests.extensions.datasets.detection.making import Boxes, write_kitti
from tests.extensions.datasets.detection.making import draw as draw_pictures
from tests.extensions.datasets.hearts import draw_hearts
from tests.extensions.datasets.made import Made, draw
from tests.extensions.datasets.segmentation.test_build import draw_set

Fields = dict[str, object]


def _regression(folder: Path) -> Fields:
    draw(folder, 6)
    (folder / "t.csv").write_text("file,x\n" + "".join(f"{index:02d}.png,{index}\n" for index in range(6)))
    return {"train_file": folder / "t.csv"}


def _processing(folder: Path) -> Fields:
    draw(folder, 6)
    return {"feature_folder": folder, "label_folder": folder, "noise": 5, "folder_pct_val": 30}


def _pairs(folder: Path) -> Fields:
    for seed, name in enumerate("ab"):
        draw(folder / name, 5, seed=seed)
    return {"image_folder": folder, "pair_count": 20}


def _text(folder: Path) -> Fields:
    (folder / "t.csv").write_text("1,a,b\n2,c,d\n" * 5)
    return {"train_data_file": folder / "t.csv", "max_chars_per_sample": 16}


def _sunnybrook(folder: Path) -> Fields:
    images, contours = draw_hearts(folder)
    return {"image_folder": images, "contour_folder": contours, "folder_pct_val": 30}


def _generic(folder: Path) -> Fields:
    made = Made("image-gradients", folder / "first", train_image_count=6, val_image_count=2).path
    return {
        f"prebuilt_{db}_{part}": made / f"{db}_db" / lmdb
        for db in ("train", "val") for part, lmdb in (("images", "features"), ("labels", "labels"))
    }  # fmt: skip


def _segmentation(folder: Path) -> Fields:
    features, labels, _ = draw_set(folder)
    return {"feature_folder": features, "label_folder": labels, "folder_pct_val": 25}


def _detection(folder: Path) -> Fields:
    boxes: Boxes = {f"{number:02d}": [("Car", 5.0, 4.0, 30.0, 25.0)] for number in range(6)}
    draw_pictures(folder / "images", list(boxes))
    write_kitti(folder / "labels", boxes)
    return {
        "train_image_folder": folder / "images", "train_label_folder": folder / "labels", "folder_pct_val": 25,
        "padding_image_width": 64, "padding_image_height": 48,
    }  # fmt: skip


def _classification(folder: Path) -> Fields:
    for seed, name in enumerate("ab"):
        draw(folder / name, 5, seed=seed)
    return {"method": "folder", "folder_train": folder, "resize_width": 8, "resize_height": 8}


KINDS: dict[str, Callable[[Path], Fields]] = {
    "image-classification": _classification,
    "image-generic": _generic,
    "image-gradients": lambda _folder: {"train_image_count": 9, "val_image_count": 3},
    "image-object-detection": _detection,
    "image-pairs": _pairs,
    "image-processing": _processing,
    "image-regression": _regression,
    "image-segmentation": _segmentation,
    "image-sunnybrook": _sunnybrook,
    "text-classification": _text,
}


def test_every_kind_that_ships_is_held() -> None:
    ours = {name for name, kind in installed("datasets").items() if kind.build.startswith("digits.")}

    assert KINDS.keys() == ours


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_kind_keeps_its_promises(tmp_path: Path, name: str) -> None:
    fields = KINDS[name]
    given = tmp_path / "given"
    given.mkdir()
    (tmp_path / "jobs").mkdir()
    form = {"dataset_name": "test", "random_seed": 1} | fields(given)
    parsed = parse(extension("datasets", name).spec, {key: [str(value)] for key, value in form.items()})
    assert parsed.spec is not None, parsed.problems

    built = check_dataset(name, parsed.spec, tmp_path / "jobs")

    assert built.facts["dbs"]["train"]["entries"] > 3
