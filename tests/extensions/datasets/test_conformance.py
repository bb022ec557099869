"""The kinds of datasets that come with the product hold what the product relies on, as those of others have to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from digits.core.extensions import extension
from digits.testing.datasets import check_dataset
from digits.web.forms import parse
from tests.extensions.datasets.hearts import draw_hearts
from tests.extensions.datasets.made import Made, draw

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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("image-gradients", lambda _folder: {"train_image_count": 9, "val_image_count": 3}),
        ("image-regression", _regression), ("image-processing", _processing), ("image-pairs", _pairs),
        ("text-classification", _text), ("image-generic", _generic), ("image-sunnybrook", _sunnybrook),
    ],
)  # fmt: skip
def test_a_kind_keeps_its_promises(tmp_path: Path, name: str, fields: Callable[[Path], Fields]) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (tmp_path / "jobs").mkdir()
    form = {"dataset_name": "test", "random_seed": 1} | fields(given)
    parsed = parse(extension("datasets", name).spec, {key: [str(value)] for key, value in form.items()})
    assert parsed.spec is not None, parsed.problems

    built = check_dataset(name, parsed.spec, tmp_path / "jobs")

    assert built.facts["dbs"]["train"]["entries"] > 3
