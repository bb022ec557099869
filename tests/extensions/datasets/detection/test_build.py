from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from digits.caffeproto import caffe_pb2
from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.data.exports import export_records
from digits.data.verify import verify
from digits.extensions.datasets.detection.check import check
from digits.extensions.datasets.detection.inspect import inspect_source
from digits.extensions.datasets.detection.recognise import recognise
from digits.extensions.datasets.detection.spec import DetectionSpec
from tests.extensions.datasets.detection.making import UNPADDED, Boxes, Made, draw, kitti_line, write_kitti
from tests.shared import needs_shared, shared

BOXES: Boxes = {
    "a": [("Car", 2, 3, 20, 30), ("Van", 30, 5, 58, 33.25)],
    "b": [("car", 10, 10, 50, 38)],
    "c": [("Truck", 1, 1, 30, 30), ("Spoon", 5, 5, 40, 38), ("DontCare", 0, 0, 30, 30)],
    "d": [],
}


@pytest.fixture
def kitti(tmp_path: Path) -> tuple[Path, Path]:
    """Four pictures of 60 × 40 with labels of KITTI."""
    return draw(tmp_path / "images", list(BOXES)), write_kitti(tmp_path / "labels", BOXES)


def test_types_of_kitti_become_digits_ids_and_the_ones_that_occur_become_classes(
    kitti: tuple[Path, Path], tmp_path: Path
) -> None:
    made = Made(tmp_path / "out", *kitti, **UNPADDED)
    assert made.facts["labels"] == ["car", "van", "truck"]
    assert made.facts["class_ids"] == [1, 2, 3]
    assert made.boxes()["a"] == [[0, 2, 3, 20, 30, 0], [1, 30, 5, 58, 33.25, 0]]
    assert [row[0:1] + row[5:] for row in made.boxes()["c"]] == [[2, 0], [0, 1], [0, 1]]
    assert made.boxes()["d"] == []
    assert made.facts["dbs"]["train"]["class_boxes"] == [2, 1, 1]
    assert made.facts["dbs"]["train"]["ignored_boxes"] == 2
    assert "Spoon 1" in made.words


def test_a_stored_label_is_digits_array_farthest_box_first(tmp_path: Path) -> None:
    images, labels = draw(tmp_path / "images", ["a", "b"]), tmp_path / "labels"
    labels.mkdir()
    (labels / "a.txt").write_text(
        kitti_line("Car", (2, 3, 20, 30), z=5, alpha=0.1) + kitti_line("Bus", (30, 5, 58, 33), z=50, alpha=0.2)
    )
    (labels / "b.txt").write_text(kitti_line("Tram", (1, 2, 3, 4)))
    made = Made(tmp_path / "out", images, labels, **UNPADDED)
    with lmdb.open(str(made.path / "train_db" / "labels"), readonly=True, lock=False) as env, env.begin() as look:
        datum = caffe_pb2.Datum.FromString(look.get(b"000000000") or b"")
    assert (datum.channels, datum.height, datum.width) == (1, 3, 16)
    rows = np.array(datum.float_data, np.float32).reshape(3, 16)
    expected = [
        [2, 16, *[0] * 14],
        [30, 5, 28, 28, 0.2, 4, 0, 0.3, 0.5, 1, 3.7, 1.6, 1.5, -2, 1.4, 50],
        [2, 3, 18, 27, 0.1, 1, 0, 0.3, 0.5, 1, 3.7, 1.6, 1.5, -2, 1.4, 5],
    ]
    assert rows == pytest.approx(np.array(expected, np.float32))


def test_pictures_are_padded_with_black_then_resized_and_boxes_with_them(
    kitti: tuple[Path, Path], tmp_path: Path
) -> None:
    made = Made(
        tmp_path / "out",
        *kitti,
        padding_image_width=80,
        padding_image_height=50,
        resize_image_width=40,
        resize_image_height=100,
    )
    sample = made.reader()[0]
    assert sample.image_HWC.shape == (100, 40, 3)
    assert not sample.image_HWC[81:].any()
    assert not sample.image_HWC[:, 31:].any()
    assert made.boxes()["a"][0] == [0, 1, 6, 10, 60, 0]
    assert made.facts["image"] == {"width": 40, "height": 100, "channels": 3}


def test_a_picture_larger_than_its_padding_fails_and_says_so(kitti: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="60×40, larger than the 50×50"):
        Made(tmp_path / "out", *kitti, padding_image_width=50, padding_image_height=50)


def test_padding_is_kittis_by_default_and_none_for_other_formats() -> None:
    given = {"name": "x", "train_image_folder": "/a", "train_label_folder": "/b"}
    kitti, voc = (DetectionSpec.model_validate(given | {"annotation_format": each}) for each in ("kitti", "voc"))
    assert (kitti.padding_image_width, kitti.padding_image_height) == (1248, 384)
    assert (voc.padding_image_width, voc.padding_image_height) == (None, None)


def test_small_boxes_are_ignored_for_validation_alone(kitti: tuple[Path, Path], tmp_path: Path) -> None:
    images, labels = kitti
    made = Made(tmp_path / "out", *kitti, val_image_folder=str(images), val_label_folder=str(labels), **UNPADDED)
    assert made.boxes("train")["a"] == [[0, 2, 3, 20, 30, 0], [1, 30, 5, 58, 33.25, 0]]
    assert made.boxes("val")["a"] == [[0, 2, 3, 20, 30, 1], [1, 30, 5, 58, 33.25, 0]]
    assert "1 box is less wide or high than 25 px" in made.words


def test_a_list_of_classes_counts_ids_from_0_and_ignores_the_others(kitti: tuple[Path, Path], tmp_path: Path) -> None:
    made = Made(tmp_path / "out", *kitti, custom_classes="dontcare, Spoon,Car,boat", **UNPADDED)
    assert made.facts["labels"] == ["Spoon", "Car", "boat"]
    assert made.facts["class_ids"] == [1, 2, 3]
    assert [row[0] for row in made.boxes()["a"] if not row[5]] == [1]
    assert "Classes without a box: boat" in made.words


def test_a_list_that_begins_with_a_class_keeps_it_apart_from_what_is_ignored(
    kitti: tuple[Path, Path], tmp_path: Path
) -> None:
    made = Made(tmp_path / "out", *kitti, custom_classes="car,van", **UNPADDED)
    assert (made.facts["class_ids"], made.facts["dontcare_id"]) == ([0, 1], 2)
    assert [row[5] for row in made.boxes()["c"]] == [1, 1, 1]
    assert "begin it with dontcare" in made.words


def test_names_are_mapped_to_other_classes_and_several_to_one(kitti: tuple[Path, Path], tmp_path: Path) -> None:
    made = Made(tmp_path / "out", *kitti, class_mapping="Spoon=fork, VAN=car, truck=dontcare", **UNPADDED)
    assert made.facts["labels"] == ["car", "fork"]
    assert made.facts["dbs"]["train"]["class_boxes"] == [3, 1]


def test_a_mapping_that_no_box_fits_is_refused_with_what_is_there(kitti: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cup 0 of 6 boxes. Found: .*Truck 1"):
        Made(tmp_path / "out", *kitti, custom_classes="dontcare,cup", **UNPADDED)


def test_boxes_without_area_are_listed_and_those_over_the_edge_are_cut(tmp_path: Path) -> None:
    boxes: Boxes = {"a": [("car", 5, 5, 5, 5), ("car", -4, 10, 70, 39)], "b": [("car", 100, 10, 140, 39)]}
    made = Made(tmp_path / "out", draw(tmp_path / "i", ["a", "b"]), write_kitti(tmp_path / "l", boxes), **UNPADDED)
    assert made.boxes() == {"a": [[0, 0, 10, 60, 39, 0]], "b": []}
    assert [(Path(row.path).name, row.line, row.rule) for row in made.refused] == [("a.txt", 1, "BOX_EMPTY")]
    assert made.facts["dbs"]["train"]["entries"] == 2
    for words in ("1 box has no area", "cut at its edges", "left out"):
        assert words in made.words


def test_a_broken_file_takes_its_picture_out_with_the_line(kitti: tuple[Path, Path], tmp_path: Path) -> None:
    (kitti[1] / "b.txt").write_text("\ncar 1 2 3\n")
    (kitti[1] / "d.txt").unlink()
    made = Made(tmp_path / "out", *kitti, **UNPADDED)
    assert set(made.boxes()) == {"a", "c"}
    found = {(Path(row.path).name, row.line, row.rule) for row in made.refused}
    assert found == {("b.txt", 2, "BOX_FORMAT"), ("d.png", None, "PAIR_MISSING")}


def test_lists_say_which_picture_is_for_what(kitti: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "val.txt").write_text("c\nx\n")
    made = Made(tmp_path / "out", *kitti, val_list_file=str(tmp_path / "val.txt"), **UNPADDED)
    assert (set(made.boxes("train")), set(made.boxes("val"))) == ({"a", "b", "d"}, {"c"})
    assert [(Path(row.path).name, row.line) for row in made.refused] == [("val.txt", 2)]


def test_a_share_for_validation_is_drawn_by_the_seed(kitti: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = (Made(tmp_path / name, *kitti, folder_pct_val=50, **UNPADDED) for name in ("one", "two"))
    assert first.facts["dbs"]["val"]["entries"] == 2
    assert first.facts["content_hash"] == second.facts["content_hash"]


def test_sizes_that_differ_are_refused_unless_they_may(kitti: tuple[Path, Path], tmp_path: Path) -> None:
    Image.new("RGB", (70, 50)).save(kitti[0] / "b.png")
    strict, loose = (
        Made(tmp_path / str(same), *kitti, storage={"force_same_shape": same}, **UNPADDED) for same in (1, 0)
    )
    assert strict.facts["dbs"]["train"]["entries"] == 3
    assert loose.reader().sample_shape is None
    assert loose.reader()[1].image_HWC.shape == (50, 70, 3)
    assert loose.reader()[1].label.shape == (3, 6)


def taken_in(folder: Path, files: Path, **more: Any) -> Made:
    """Make a dataset of a folder as it is recognised."""
    fields: dict[str, Any] = {key: texts[0] or None for key, texts in recognise(files)["fields"].items()}
    images, labels = Path(fields.pop("train_image_folder")), fields.pop("train_label_folder", "")
    return Made(folder, images, labels, **fields, **more)


@pytest.mark.parametrize("name", ["coco", "voc", "yolo"])
def test_an_export_makes_the_same_dataset_again(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    boxes: Boxes = {}
    for stem in "abcdefgh":
        corners = rng.integers(0, 25, (int(rng.integers(0, 5)), 2)) + rng.integers(0, 4, (1, 2)) / 4
        boxes[stem] = [
            (str(rng.choice(["Cat", "big dog"])), x, y, x + rng.integers(1, 30), y + rng.integers(1, 12))
            for x, y in corners
        ]
    images, labels = draw(tmp_path / "images", list(boxes)), tmp_path / "labels"
    labels.mkdir()
    for stem, rows in boxes.items():
        (labels / f"{stem}.txt").write_text(
            "".join(f"{['Cat', 'big dog'].index(n)} {_share(x, y, right, bottom)}\n" for n, x, y, right, bottom in rows)
        )
    (tmp_path / "classes.txt").write_text("Cat\nbig dog\n")
    first = Made(tmp_path / "first", images, labels, annotation_format="yolo", folder_pct_val=40, val_min_box_size=0)
    (tmp_path / "files").mkdir()
    assert export_records(first.path, first.facts, tmp_path / "files", name, lambda _: None) == 8
    again = taken_in(tmp_path / "again", tmp_path / "files", val_min_box_size=0)
    assert again.named_boxes("val") == first.named_boxes("val")
    assert again.facts["content_hash"] == first.facts["content_hash"]
    assert verify(again.path).content_hash == first.facts["content_hash"]


def _share(left: float, top: float, right: float, bottom: float) -> str:
    numbers = (left + right) / 2 / 60, (top + bottom) / 2 / 40, (right - left) / 60, (bottom - top) / 40
    return " ".join(f"{value:.6f}" for value in numbers)


def test_an_export_keeps_what_is_ignored(kitti: tuple[Path, Path], tmp_path: Path) -> None:
    first = Made(tmp_path / "first", *kitti, **UNPADDED)
    for name in ("coco", "voc"):
        (tmp_path / name).mkdir()
        export_records(first.path, first.facts, tmp_path / name, name, lambda _: None)
        again = taken_in(tmp_path / f"again-{name}", tmp_path / name)
        assert again.facts["content_hash"] == first.facts["content_hash"]


def test_a_look_counts_boxes_by_class_and_shows_pictures(kitti: tuple[Path, Path]) -> None:
    told, samples = inspect_source(path=str(kitti[0].parent))
    assert [(each["label"], each["count"]) for each in told["classes"]] == [("car", 2), ("van", 1), ("truck", 1)]
    assert (told["format"], told["count"], told["boxes"]) == ("kitti", 4, 4)
    assert told["fields"]["padding_image_width"] == [""]
    assert {Path(each.name).stem for each in samples} == {"a", "b", "c"}
    assert all(each.image.startswith("data:image/jpeg") for each in samples)


def test_a_look_says_that_pictures_do_not_fit_into_the_padding(kitti: tuple[Path, Path]) -> None:
    fields = {"name": "x", "train_image_folder": str(kitti[0]), "train_label_folder": str(kitti[1])}
    told, _ = inspect_source(source=fields | {"padding_image_width": 50, "padding_image_height": 50})
    assert any("60 × 40 do not fit into the padding of 50 × 50" in note for note in told["notes"])


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"train_label_folder": ""}, "train_label_folder"),
        ({"annotation_format": "coco", "train_label_folder": ""}, "annotation_path"),
        ({"val_image_folder": "/tmp"}, "val_label_folder"),
        ({"val_label_folder": "/tmp"}, "val_image_folder"),
        ({"resize_image_width": 10}, "resize_image_height"),
    ],
)
def test_fields_that_belong_together_are_asked_for_together(fields: dict[str, Any], named: str) -> None:
    given = {"name": "x", "train_image_folder": "/tmp", "train_label_folder": "/tmp"}
    with pytest.raises(ValidationError) as raised:
        DetectionSpec.model_validate(given | fields)
    assert [getattr(each["ctx"]["error"], "field", "") for each in raised.value.errors()] == [named]


def test_a_check_names_every_path_that_is_not_there_and_a_mapping_without_sense(tmp_path: Path) -> None:
    given = {
        "name": "x",
        "train_image_folder": "/nowhere",
        "train_label_folder": str(tmp_path),
        "train_list_file": "/no",
    }
    spec = DetectionSpec.model_validate(given | {"class_mapping": "a=b, a=c"})
    found = check(spec, Settings(root=tmp_path))
    assert set(found) == {"train_image_folder", "train_list_file", "class_mapping"}


@needs_shared
@pytest.mark.slow
def test_blood_cells_in_voc_and_kitti_are_one_dataset(tmp_path: Path) -> None:
    with tarfile.open(shared("data", "bccd.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    root = next(tmp_path.rglob("JPEGImages")).parent
    lists = {f"{db}_list_file": str(root / "ImageSets" / "Main" / f"{db}.txt") for db in ("train", "val")}
    voc = Made(tmp_path / "voc", root / "JPEGImages", root / "Annotations", annotation_format="voc", **lists)
    classes = "dontcare,rbc,wbc,platelets"
    kitti = Made(
        tmp_path / "kitti", root / "JPEGImages", root / "labels_kitti", custom_classes=classes, **lists, **UNPADDED
    )
    assert voc.facts["labels"] == ["Platelets", "RBC", "WBC"]
    assert voc.facts["content_hash"] == kitti.facts["content_hash"]
    assert [len(voc.reader(db)) for db in ("train", "val")] == [205, 87]
    assert {(Path(row.path).stem, row.rule) for row in voc.refused} == {
        ("BloodImage_00338", "BOX_EMPTY"), ("BloodImage_00343", "BOX_EMPTY"),
    }  # fmt: skip
    with pytest.raises(DataError, match=r"car 0.* of 3,941 boxes. Found: RBC 3,348"):
        Made(tmp_path / "none", root / "JPEGImages", root / "labels_kitti", **lists, **UNPADDED)
