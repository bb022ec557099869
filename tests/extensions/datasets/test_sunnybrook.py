"""Sunnybrook datasets: DICOM slices and contours to pictures and masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from digits.core.errors import DataError
from digits.data.stored import StoredDb
from digits.extensions.datasets.sunnybrook.inputs import inputs
from digits.extensions.datasets.sunnybrook.spec import SunnybrookInference
from tests.extensions.datasets.hearts import dicom, draw_hearts, save
from tests.extensions.datasets.made import Made, problems

KIND = "image-sunnybrook"


def made(folder: Path, images: Path, contours: Path, **fields: object) -> Made:
    return Made(KIND, folder, image_folder=images, contour_folder=contours, **fields)


def test_slices_and_contours_meet_though_cases_and_series_are_written_in_two_ways(tmp_path: Path) -> None:
    images, contours = draw_hearts(tmp_path)
    for number in range(1, 3):  # a shorter series of another direction
        save(images / "SC-HF-I-1" / f"IM-0001-{number:04d}.dcm", dicom(np.zeros((9, 9), np.uint16)))

    dataset = made(tmp_path / "job", images, contours, folder_pct_val=25)

    listed = [(dataset.path / f"{db}.txt").read_text().split() for db in ("train", "val")]
    assert [len(each) // 2 for each in listed] == [9, 3]
    assert {Path(line).parent.name for line in listed[0][::2]}.isdisjoint(
        Path(line).parent.name for line in listed[1][::2]
    )
    assert all(Path(picture).name.startswith("IM-0004") for picture in listed[0][::2])
    assert dataset.refused == {}
    assert dataset.facts["labels"] == ["background", "left ventricle"]
    sample = dataset.reader()[0]
    lines = np.loadtxt(listed[0][1])
    canvas = Image.new("1", (32, 32))
    ImageDraw.Draw(canvas).polygon([tuple(point) for point in np.rint(lines).tolist()], fill=1, outline=1)
    assert (sample.label == np.asarray(canvas)).all()
    assert sample.image_HWC.shape == (32, 32, 1)
    assert sample.image_HWC[sample.label == 1].mean() > sample.image_HWC[sample.label == 0].mean() + 80
    masks = [dataset.reader(db)[at].label for db in ("train", "val") for at in range(len(dataset.reader(db)))]
    inside = sum(int(mask.sum()) for mask in masks)
    assert dataset.facts["class_frequencies"] == [round(1 - inside / (12 * 1024), 6), round(inside / (12 * 1024), 6)]


def test_a_square_encloses_its_pixels_and_its_edge(tmp_path: Path) -> None:
    save(tmp_path / "images" / "IM-0001-0001.dcm", dicom(np.arange(48, dtype=np.uint16).reshape(6, 8)))
    (tmp_path / "contours").mkdir()
    contour = tmp_path / "contours" / "IM-0001-0001-icontour-manual.txt"
    contour.write_text("1.6 0.9\n5.2 1.2\n4.9 3.1\n2.1 3.4\n\n")

    dataset = made(tmp_path / "job", tmp_path / "images", tmp_path / "contours", folder_pct_val=0)

    expected = np.zeros((6, 8), np.uint8)
    expected[1:4, 2:6] = 1
    assert (dataset.reader()[0].label == expected).all()


def test_what_does_not_fit_is_refused_with_its_line(tmp_path: Path) -> None:
    images, contours = draw_hearts(tmp_path, cases=1, slices=7)
    drawn = {int(path.name[8:12]): path for path in contours.rglob("*.txt")}
    drawn[1].write_text("1 2\n3 4 5\n")
    drawn[2].write_text("1 2\n3 4\n31.9 5\n")
    drawn[3].write_text("1 2\n3 nan\n3 5\n")
    drawn[4].write_text("1 2\n3 4\n")
    (images / "SC-HF-I-1" / "IM-0004-0005.dcm").write_bytes(b"no picture")
    (images / "SC-HF-I-1" / "IM-0004-0006.dcm").unlink()

    dataset = made(tmp_path / "job", images, contours, folder_pct_val=0)

    refused = {name[8:12]: reason for name, reason in dataset.refused.items()}
    assert "Line 2 is no point: '3 4 5'" in refused["0001"]
    assert "Line 3, 31.9 5, lies outside the picture of 32×32" in refused["0002"]
    assert "Line 2, 3 nan" in refused["0003"]
    assert "2 points" in refused["0004"]
    assert "no picture of its case" in refused["0006"]
    assert "0005" in refused
    assert dataset.facts["dbs"]["train"]["entries"] == 1


def test_series_that_cannot_be_told_apart_are_named_not_guessed(tmp_path: Path) -> None:
    images, contours = draw_hearts(tmp_path, cases=2, slices=2)
    for number in (1, 2):
        save(images / "SC-HF-I-1" / f"IM-0007-{number:04d}.dcm", dicom(np.zeros((32, 32), np.uint16)))

    dataset = made(tmp_path / "job", images, contours, folder_pct_val=0)

    assert dataset.facts["dbs"]["train"]["entries"] == 2
    assert all("SC-HF-I-1 series 4, SC-HF-I-1 series 7" in reason for reason in dataset.refused.values())
    assert len(dataset.refused) == 2


def test_slices_of_one_case_are_dealt_by_slices_and_folders_without_contours_are_told(tmp_path: Path) -> None:
    images, contours = draw_hearts(tmp_path, cases=1, slices=5)

    dataset = made(tmp_path / "job", images, contours, folder_pct_val=20)

    assert {db: each["entries"] for db, each in dataset.facts["dbs"].items()} == {"train": 4, "val": 1}
    with pytest.raises(DataError, match="5 pictures, 0 contours"):
        made(tmp_path / "other", images, images)


def test_a_model_is_tested_on_a_file_or_on_a_record_as_it_is_stored(tmp_path: Path) -> None:
    images, contours = draw_hearts(tmp_path, cases=2)
    dataset = made(tmp_path / "job", images, contours, folder_pct_val=50)
    facts = {**dataset.facts, "folder": str(dataset.path)}
    file = next(images.rglob("*.dcm"))

    assert list(inputs(SunnybrookInference(test_image_file=str(file)), tmp_path, facts)) == [(file.name, file)]
    [(name, path)] = inputs(SunnybrookInference(validation_record=1), tmp_path, facts)
    assert "(record 1)" in name
    with StoredDb(dataset.path, "val", facts) as records:
        assert (np.asarray(Image.open(path))[:, :, None] == records.read(1).image_HWC).all()
    with pytest.raises(DataError, match="no validation record 3"):
        list(inputs(SunnybrookInference(validation_record=3), tmp_path, facts))


def test_the_form_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(KIND, image_folder=tmp_path, contour_folder="/no/such").keys() == {"contour_folder"}
    monkeypatch.setattr("digits.extensions.datasets.sunnybrook.check.has_reader", lambda: False)
    assert "opendigits[medical]" in problems(KIND, image_folder=tmp_path, contour_folder=tmp_path)["image_folder"]
