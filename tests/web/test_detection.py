"""An object detection dataset through the web: a look, DIGITS' own path and fields, its page, its boxes over pictures, its exports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from digits.store import Job
from tests.extensions.datasets.detection.making import Boxes, draw, write_kitti
from tests.web.conftest import build_job
from tests.web.scripts import Script
from tests.web.serving import Serving

BOXES: Boxes = {
    "a": [("RBC", 2, 3, 20, 30), ("WBC", 30, 5, 58, 33.25)],
    "b": [("RBC", 10, 10, 50, 38), ("dust", 0, 0, 9, 9)],
    "c": [("RBC", 1, 1, 1, 1), ("RBC", 1, 2, 3, 4)],
}


@pytest.fixture
def fields(tmp_path: Path) -> dict[str, str]:
    """DIGITS' fields for three small pictures of cells."""
    return {
        "dataset_name": "cells", "train_image_folder": str(draw(tmp_path / "set" / "images", list(BOXES))),
        "train_label_folder": str(write_kitti(tmp_path / "set" / "labels", BOXES)), "padding_image_width": "64",
        "padding_image_height": "48", "custom_classes": "dontcare,RBC,WBC", "val_min_box_size": "0",
    }  # fmt: skip


def made(site: Serving, fields: dict[str, str]) -> Job:
    site.login("fred")
    answer = site.client.post("/datasets/generic/create/image-object-detection.json", data=fields)
    assert answer.status_code == 200, answer.text
    return build_job(site.store, site.store.job(answer.json()["id"]))


def test_digits_path_and_fields_make_it_and_records_tell_their_boxes(empty: Serving, fields: dict[str, str]) -> None:
    job = made(empty, fields)
    dataset = empty.json(f"/datasets/{job.id}.json")
    assert dataset["create_db_tasks"] == [
        {"name": "Create train_db DB", "stage": "train_db", "entry_count": 3, "feature_db_path": "train_db/features",
         "label_db_path": "train_db/labels"}
    ]  # fmt: skip
    assert dataset["feature_dims"] == [48, 64, 3]
    explored = empty.json("/datasets/images/object-detection/explore.json", job_id=job.id, db="train")
    assert explored["items"][1]["boxes"] == [
        {"label": "RBC", "left": 10, "top": 10, "right": 50, "bottom": 38, "ignore": False},
        {"label": None, "left": 0, "top": 0, "right": 9, "bottom": 9, "ignore": True},
    ]
    assert explored["counts"] == [3, 1]
    whites = empty.json("/datasets/images/object-detection/explore.json", job_id=job.id, db="train", label="1")
    assert [Path(item["path"]).name for item in whites["items"]] == ["a.png"]


def test_its_page_counts_boxes_and_explore_draws_them_in_the_colours_of_classes(
    empty: Serving, fields: dict[str, str]
) -> None:
    job = made(empty, fields)
    page = empty.client.get(f"/datasets/{job.id}").text
    assert "4 boxes, 1.3 a picture, 2 at most; 1 more are ignored" in page
    assert "Refused pictures and boxes" in page
    explore = empty.client.get("/datasets/images/object-detection/explore", params={"job_id": job.id}).text
    colour = "#{:02x}{:02x}{:02x}".format(*job.facts["palette"][1])
    assert f'<rect x="30.0" y="5.0" width="28.0" height="28.25" stroke="{colour}">' in explore
    assert '<rect x="0.0" y="0.0" width="9.0" height="9.0" class="ignored">' in explore
    plain = empty.client.get(
        "/datasets/images/object-detection/explore", params={"job_id": job.id, "show": "picture"}
    ).text
    assert 'class="boxes"' not in plain


def test_a_form_that_lacks_something_says_at_which_field(empty: Serving, fields: dict[str, str]) -> None:
    empty.login("fred")
    for change, named in (
        ({"train_label_folder": ""}, "train_label_folder"),
        ({"val_image_folder": fields["train_image_folder"]}, "val_label_folder"),
        ({"padding_image_height": ""}, "padding_image_height"),
        ({"class_mapping": "a=b,a=c"}, "class_mapping"),
    ):
        answer = empty.client.post("/datasets/images/object-detection.json", data=fields | change)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [named])


def exported(site: Serving, job: Job, name: str, path: Path) -> Any:
    return site.client.post(f"/datasets/{job.id}/export.json", data={"format": name, "path": str(path)})


def test_boxes_are_exported_in_formats_of_boxes_alone(empty: Serving, fields: dict[str, str], tmp_path: Path) -> None:
    job = made(empty, fields)
    answer = exported(empty, job, "coco", tmp_path / "out")
    assert answer.status_code == 200, answer.text
    worker = [sys.executable, "-m", "digits.workers.export", str(empty.store.job(answer.json()["id"]).folder.path)]
    assert subprocess.run(worker, check=False).returncode == 0
    whole = json.loads((tmp_path / "out" / "annotations" / "instances_train.json").read_text())
    assert [each["name"] for each in whole["categories"]] == ["RBC", "WBC", "dontcare"]
    assert whole["annotations"][1] == {
        "id": 2, "image_id": 1, "category_id": 2, "bbox": [30, 5, 28, 28.25], "area": 791, "iscrowd": 0,
    }  # fmt: skip
    refused = exported(empty, job, "imagefolder", tmp_path / "other")
    assert "this dataset has boxes: take coco, voc, yolo" in refused.json()["errors"]["format"][0]


LOOK = {"extension": "image-object-detection", "wait": "30"}


def test_a_look_at_a_form_that_lacks_something_says_at_which_field(empty: Serving, fields: dict[str, str]) -> None:
    empty.login("fred")
    lacking = empty.client.post("/datasets/inspect.json", data=LOOK | fields | {"train_label_folder": ""})
    assert (lacking.status_code, list(lacking.json()["errors"])) == (400, ["train_label_folder"])


@pytest.mark.slow
def test_a_look_reads_the_form_and_says_what_fits_no_class(script: Script, fields: dict[str, str]) -> None:
    found = script.post("/datasets/inspect.json", LOOK | fields).json()
    assert (found["count"], found["boxes"], found["refused_count"]) == (3, 4, 1)
    assert [(each["label"], each["count"]) for each in found["classes"]] == [("RBC", 3), ("WBC", 1)]
    root = Path(fields["train_image_folder"]).parent
    recognised = script.post("/datasets/inspect.json", LOOK | {"path": root, "brief": "1"}).json()
    assert (recognised["format"], recognised["fields"]["padding_image_width"]) == ("kitti", [""])
    nothing = script.post("/datasets/inspect.json", LOOK | fields | {"custom_classes": "dontcare,cup"})
    assert nothing.status_code == 400
    assert "cup 0 of 5 boxes. Found: RBC 3, WBC 1, dust 1" in nothing.text
