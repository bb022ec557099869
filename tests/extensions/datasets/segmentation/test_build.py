from __future__ import annotations

import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from digits.caffeproto import caffe_pb2
from digits.core.errors import DataError
from digits.core.events import Event
from digits.core.jobfolder import JobFolder
from digits.core.settings import Settings
from digits.core.work import WorkerSettings
from digits.data.mean import read_mean
from digits.data.reader import PairReader
from digits.data.refused import read_refused
from digits.extensions.datasets.segmentation.build import build
from digits.extensions.datasets.segmentation.check import check
from digits.extensions.datasets.segmentation.reader import open_reader
from digits.extensions.datasets.segmentation.recognise import recognise
from digits.extensions.datasets.segmentation.spec import SegmentationSpec
from tests.shared import needs_shared, shared

Image_ = np.ndarray[Any, np.dtype[np.uint8]]
PALETTE = [0, 0, 0, 200, 0, 0, 0, 200, 0]


class Made:
    """A finished dataset."""

    def __init__(self, folder: Path, features: Path, labels: Path, **fields: Any) -> None:
        folder.mkdir()
        spec = {"name": "test", "random_seed": 1, "feature_folder": str(features), "label_folder": str(labels)}
        self.path, self.folder, self.events = folder, JobFolder(folder), list[Event]()
        self.facts = build(
            SegmentationSpec.model_validate(spec | fields),
            self.folder,
            WorkerSettings(),
            self.events.append,
            lambda: False,
        )

    def reader(self, db: str = "train") -> PairReader:
        return open_reader(self.folder, db)

    @property
    def refused(self) -> dict[str, str]:
        """Reasons by file name."""
        return {Path(row.path).name: row.reason for row in read_refused(self.path / "refused.csv")}


def draw_set(root: Path, count: int = 6, size: tuple[int, int] = (12, 16)) -> tuple[Path, Path, list[Image_]]:
    """Write pictures of noise and palette labels of three classes; return the two folders and the labels' ids."""
    rng = np.random.default_rng(0)
    features, labels, ids = root / "images", root / "labels", []
    features.mkdir(parents=True)
    labels.mkdir()
    for index in range(count):
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(features / f"{index:02d}.png")
        ids.append(rng.integers(0, 3, size, dtype=np.uint8))
        save_palette(labels / f"{index:02d}.png", ids[-1])
    return features, labels, ids


def save_palette(path: Path, ids: Image_, palette: list[int] | None = None) -> None:
    label = Image.fromarray(ids, "P")
    label.putpalette(palette or PALETTE)
    label.save(path)


@cache
def unpacked(name: str, folder: Path) -> Path:
    """The real data ``name``, unpacked once a run."""
    with tarfile.open(shared("data", f"{name}.tar")) as archive:
        archive.extractall(folder, filter="data")
    return folder / name


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("real")


def test_the_two_databases_are_what_digits_made_read_by_lmdb_and_protobuf_alone(tmp_path: Path) -> None:
    features, labels, ids = draw_set(tmp_path)
    made = Made(tmp_path / "job", features, labels, folder_pct_val=0)

    for part, encoded in (("features", True), ("labels", False)):
        with lmdb.open(str(made.path / "train_db" / part), readonly=True, lock=False) as env, env.begin() as records:
            assert [key for key, _ in records.cursor()] == [b"%09d" % index for index in range(6)]
            for index, (_, record) in enumerate(records.cursor()):
                datum = caffe_pb2.Datum.FromString(record)
                assert (datum.height, datum.width, datum.encoded) == (12, 16, encoded)
                if part == "labels":
                    assert (np.frombuffer(datum.data, np.uint8).reshape(12, 16) == ids[index]).all()
    pictures = [np.asarray(Image.open(path)) for path in sorted(features.iterdir())]
    mean_BGR = np.rint(np.mean(pictures, axis=0)).transpose(2, 0, 1)[::-1]
    assert np.abs(read_mean(made.path / "train_db" / "mean.binaryproto") - mean_BGR).max() <= 1
    sample = made.reader()[3]
    assert (sample.image_HWC == pictures[3]).all()
    assert (sample.label == ids[3]).all()
    images, masks = np.empty((6, 12, 16, 3), np.uint8), np.empty((6, 12, 16), np.uint8)
    made.reader().decode_all(images, masks)
    assert (masks == ids).all()
    assert made.facts["palette"][:3] == [[0, 0, 0], [200, 0, 0], [0, 200, 0]]
    counted = np.bincount(np.concatenate(ids).ravel())
    assert made.facts["dbs"]["train"]["class_pixels"] == counted.tolist()
    assert np.allclose(made.facts["class_frequencies"], counted / counted.sum(), atol=1e-6)


@needs_shared
def test_three_forms_of_the_same_labels_have_one_content_hash_and_pillows_histogram(tmp_path: Path, real: Path) -> None:
    camvid = unpacked("camvid", real)
    subset = tmp_path / "val"
    subset.mkdir()
    for path in sorted((camvid / "val").iterdir())[::10]:
        (subset / path.name).write_bytes(path.read_bytes())
    names = {"class_labels_file": str(camvid / "labels.txt")}
    colours = {"colormap_method": "textfile", "colormap_text_file": str(camvid / "colours.txt")}
    forms = {"valannot": names, "valannot_palette": names, "valannot_rgb": colours}
    made = {
        form: Made(tmp_path / form, subset, camvid / form, ignore_label=11, folder_pct_val=25, **fields)
        for form, fields in forms.items()
    }

    assert len({each.facts["content_hash"] for each in made.values()}) == 1
    counted = np.zeros(12, np.int64)
    for path in subset.iterdir():
        counted += np.bincount(np.asarray(Image.open(camvid / "valannot" / f"{path.stem}.png")).ravel(), minlength=12)
    for each in made.values():
        dbs = each.facts["dbs"]
        assert (dbs["train"]["entries"], dbs["val"]["entries"]) == (8, 3)
        assert np.sum([db["class_pixels"] for db in dbs.values()], axis=0).tolist() == counted[:11].tolist()
        assert sum(db["ignored_pixels"] for db in dbs.values()) == counted[11]
        assert each.facts["labels"] == (camvid / "labels.txt").read_text().split()[:11]
    other = Made(tmp_path / "other", subset, camvid / "valannot", folder_pct_val=25, **names)
    assert other.facts["content_hash"] != made["valannot"].facts["content_hash"], "Unlabelled is a class there"


@needs_shared
def test_colours_of_a_list_and_colours_that_are_found_count_the_same_pixels(tmp_path: Path, real: Path) -> None:
    quintal = unpacked("quintal_mini", real)
    folders = quintal / "images", quintal / "labels_rgb"
    listed = Made(
        tmp_path / "listed", *folders, colormap_method="textfile", colormap_text_file=str(quintal / "label_colors.txt")
    )
    pixels = np.concatenate([np.asarray(Image.open(path)).reshape(-1, 3) for path in folders[1].iterdir()])
    rows = [line.split() for line in (quintal / "label_colors.txt").read_text().splitlines()]

    total = np.sum([db["class_pixels"] for db in listed.facts["dbs"].values()], axis=0)
    assert total.tolist() == [int((pixels == [int(value) for value in row[:3]]).all(axis=1).sum()) for row in rows]
    assert listed.facts["labels"] == [row[3] for row in rows]
    assert {db: each["entries"] for db, each in listed.facts["dbs"].items()} == {"train": 54, "val": 6}
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted(folders[1].iterdir())[:4]:
        (few / path.name).write_bytes(path.read_bytes())
    found = Made(tmp_path / "found", folders[0], few, colormap_method="found", folder_pct_val=0)
    seen = np.unique(np.concatenate([np.asarray(Image.open(path)).reshape(-1, 3) for path in few.iterdir()]), axis=0)
    assert found.facts["labels"] == ["#{:02x}{:02x}{:02x}".format(*colour) for colour in seen.tolist()]


@needs_shared
def test_voc_has_21_classes_and_its_borders_are_ignored_though_nobody_says_so(tmp_path: Path, real: Path) -> None:
    voc = unpacked("voc_palette_3", real)
    names = str(voc / "class_names.txt")
    made = Made(
        tmp_path / "job", voc / "JPEGImages", voc / "SegmentationClass", class_labels_file=names, folder_pct_val=0,
        storage={"force_same_shape": 0},
    )  # fmt: skip
    ids = [np.asarray(Image.open(path)) for path in sorted((voc / "SegmentationClass").iterdir())]

    assert made.facts["ignore_label"] == 255
    assert len(made.facts["labels"]) == 21
    assert made.facts["dbs"]["train"]["ignored_pixels"] == sum(int((each == 255).sum()) for each in ids)
    assert all((made.reader()[index].label == each).all() for index, each in enumerate(ids))


def test_what_does_not_fit_is_refused_with_file_and_first_pixel(tmp_path: Path) -> None:
    features, labels, ids = draw_set(tmp_path, count=9)
    names = tmp_path / "labels.txt"
    names.write_text("a\nb\nc\n")
    save_palette(labels / "01.png", ids[1][:, :10])
    wrong = ids[2].copy()
    wrong[:] = 1
    wrong[4, 7] = 2
    save_palette(labels / "02.png", wrong, [0, 0, 0, 200, 0, 0, 9, 9, 9])
    wrong[4, 7] = 7
    save_palette(labels / "03.png", wrong, PALETTE + [0] * 15)
    (labels / "04.png").unlink()
    Image.fromarray(ids[4]).save(labels / "04.jpg")
    Image.fromarray(np.stack([ids[5]] * 3, axis=2)).save(labels / "05.png")
    (labels / "06.png").unlink()
    Image.fromarray(ids[7][:6, :8]).resize((8, 6)).convert("RGB").save(features / "07.png")
    save_palette(labels / "07.png", ids[7][:6, :8])

    made = Made(tmp_path / "job", features, labels, class_labels_file=str(names), folder_pct_val=0)

    refused = made.refused
    assert set(refused) == {"01.png", "02.png", "03.png", "04.jpg", "05.png", "06.png", "07.png"}
    assert "16×12 and its label 10×12" in refused["01.png"]
    assert "x 10, y 0" in refused["01.png"]
    assert "x 7, y 4" in refused["02.png"]
    assert "9 9 9" in refused["02.png"]
    assert "value 7 at x 7, y 4" in refused["03.png"]
    assert "Save them as PNG" in refused["04.jpg"]
    assert "colour picture" in refused["05.png"]
    assert "no label" in refused["06.png"]
    assert "8×6, the first 16×12" in refused["07.png"]
    assert made.facts["dbs"]["train"]["entries"] == 2
    assert made.facts["refused"]["count"] == 7


def test_a_colour_that_no_line_has_is_named_with_its_pixel(tmp_path: Path) -> None:
    features, labels, ids = draw_set(tmp_path, count=3)
    colours = tmp_path / "colours.txt"
    colours.write_text("0 0 0 none\n200 0 0\tred\n0 200 0 green\n")
    pixels = np.array(PALETTE, np.uint8).reshape(-1, 3)[ids[1]]
    Image.fromarray(pixels).save(labels / "01.png")
    pixels[3, 2] = 1, 2, 3
    Image.fromarray(pixels).save(labels / "02.png")

    made = Made(
        tmp_path / "job",
        features,
        labels,
        colormap_method="textfile",
        colormap_text_file=str(colours),
        folder_pct_val=0,
    )

    assert "1 2 3 at x 2, y 3" in made.refused["02.png"]
    assert (made.reader()[1].label == ids[1]).all()
    assert made.facts["labels"] == ["none", "red", "green"]


def test_picture_and_label_are_resized_alike_and_padding_is_ignored(tmp_path: Path) -> None:
    features, labels = tmp_path / "images", tmp_path / "labels"
    features.mkdir()
    labels.mkdir()
    ids = np.zeros((20, 40), np.uint8)
    ids[:, 20:] = 1
    Image.fromarray(np.repeat(ids[:, :, None] * 255, 3, axis=2)).save(features / "a.png")
    Image.fromarray(ids).save(labels / "a.png")
    size, common = {"width": 20, "height": 20}, {"folder_pct_val": 0, "ignore_label": 9}

    squashed = Made(tmp_path / "squash", features, labels, size=size, **common).reader()[0]
    filled = Made(tmp_path / "fill", features, labels, size=size | {"mode": "fill"}, **common).reader()[0]
    cropped = Made(tmp_path / "crop", features, labels, size=size | {"mode": "crop"}, **common).reader()[0]

    for sample in (squashed, cropped):
        assert (sample.label == np.repeat([[0] * 10 + [1] * 10], 20, axis=0)).all()
        assert (sample.image_HWC[:, :, 0] == sample.label * 255).all()
    assert (filled.label[:5] == 9).all()
    assert (filled.label[15:] == 9).all()
    assert (filled.image_HWC[5:15, :, 0] == filled.label[5:15] * 255).all()


def test_black_and_white_labels_are_told_how_they_are_read(tmp_path: Path) -> None:
    features, labels, ids = draw_set(tmp_path, count=3)
    for index in range(3):
        Image.fromarray((ids[index] > 0).astype(np.uint8) * 255).save(labels / f"{index:02d}.png")

    with pytest.raises(DataError, match="0 and 255") as error:
        Made(tmp_path / "ids", features, labels)
    assert "Found in the labels" in str(error.value)
    found = Made(tmp_path / "found", features, labels, colormap_method="found", folder_pct_val=0)
    assert (found.reader()[0].label == (ids[0] > 0)).all()


def test_names_that_no_label_has_are_an_error_and_one_addition_will_do(tmp_path: Path) -> None:
    features, labels, ids = draw_set(tmp_path, count=3)
    for path in list(labels.iterdir()):
        path.rename(path.with_name(f"{path.stem}_L.png"))
    assert Made(tmp_path / "job", features, labels, folder_pct_val=0).facts["dbs"]["train"]["entries"] == len(ids)

    for path in list(labels.iterdir()):
        path.rename(path.with_name(f"other{path.stem}.png"))
    with pytest.raises(DataError, match="No picture has a label of its name: 3 pictures, 3 labels"):
        Made(tmp_path / "none", features, labels)


def test_a_seed_shares_out_alike_and_own_folders_are_taken_whole(tmp_path: Path) -> None:
    features, labels, _ = draw_set(tmp_path, count=10)
    lists = [
        (Made(tmp_path / name, features, labels, folder_pct_val=30, random_seed=seed).path / "val.txt").read_text()
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert lists[0] == lists[1] != lists[2]
    assert len(lists[0].splitlines()) == 3

    own = {"validation_feature_folder": str(features), "validation_label_folder": str(labels)}
    made = Made(tmp_path / "own", features, labels, has_val_folder=True, **own)
    assert {db: each["entries"] for db, each in made.facts["dbs"].items()} == {"train": 10, "val": 10}


def test_the_form_says_what_is_missing_before_a_job_exists(tmp_path: Path) -> None:
    features, _, _ = draw_set(tmp_path)
    colours = tmp_path / "colours.txt"
    colours.write_text("0 0 0\n300 0 0\n")
    spec = SegmentationSpec(
        name="x", feature_folder=str(features), label_folder=str(tmp_path / "nowhere"), has_val_folder=True,
        colormap_method="textfile", colormap_text_file=str(colours),
    )  # fmt: skip

    problems = check(spec, Settings(root=tmp_path))

    assert problems.keys() == {
        "label_folder", "validation_feature_folder", "validation_label_folder", "colormap_text_file",
    }  # fmt: skip
    assert "Line 2" in problems["colormap_text_file"][0]
    for wrong in ({"width": 20}, {"width": 20, "height": 20, "mode": "fill"}):
        with pytest.raises(ValidationError):
            SegmentationSpec.model_validate({"name": "x", "feature_folder": "/x", "label_folder": "/y", "size": wrong})


def test_a_folder_is_recognised_by_what_it_holds(tmp_path: Path) -> None:
    for db in ("train", "val"):
        draw_set(tmp_path / db)
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")

    fields = recognise(tmp_path)["fields"]

    assert fields == {
        "feature_folder": [str(tmp_path / "train" / "images")], "label_folder": [str(tmp_path / "train" / "labels")],
        "has_val_folder": ["true"], "validation_feature_folder": [str(tmp_path / "val" / "images")],
        "validation_label_folder": [str(tmp_path / "val" / "labels")], "class_labels_file": [str(tmp_path / "labels.txt")],
    }  # fmt: skip
    with pytest.raises(DataError, match="No folders of pictures and labels"):
        recognise(tmp_path / "train" / "images")
