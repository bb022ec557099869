"""A segmentation dataset through the web: DIGITS' own path and fields, its JSON, its page, its masks in colour."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from digits.core.events import EventWriter, Progress
from digits.download.streets import CLASSES, COLOURS, draw_street, write_streets
from tests.web.conftest import build_job
from tests.web.markup import read
from tests.web.serving import Serving


def streets(site: Serving, folder: Path, **more: str) -> dict[str, Any]:
    """Make a dataset of drawn streets by DIGITS' path, and return its JSON."""
    write_streets(folder, {"train": 5, "val": 2}, width=64, height=48, seed=0)
    site.login("fred")
    fields = {
        "dataset_name": "streets", "feature_folder": str(folder / "train" / "images"),
        "label_folder": str(folder / "train" / "labels"), "has_val_folder": "y",
        "validation_feature_folder": str(folder / "val" / "images"),
        "validation_label_folder": str(folder / "val" / "labels"), "class_labels_file": str(folder / "labels.txt"),
        "colormap_method": "label", "dsopts_force_same_shape": "1", "dsopts_feature_encoding": "png",
    }  # fmt: skip
    answer = site.client.post("/datasets/generic/create/image-segmentation.json", data=fields | more)
    assert answer.status_code == 200, answer.text
    build_job(site.store, site.store.job(answer.json()["id"]))
    found: dict[str, Any] = site.json(f"/datasets/{answer.json()['id']}.json")
    return found


def test_digits_path_and_fields_make_it_and_its_json_has_digits_keys(empty: Serving, tmp_path: Path) -> None:
    dataset = streets(empty, tmp_path)

    assert dataset["create_db_tasks"] == [
        {"name": f"Create {db}_db DB", "stage": f"{db}_db", "entry_count": count,
         "feature_db_path": f"{db}_db/features", "label_db_path": f"{db}_db/labels"}
        for db, count in (("train", 5), ("val", 2))
    ]  # fmt: skip
    assert dataset["feature_dims"] == [48, 64, 3]
    assert dataset["content_hash"].startswith("sha256:")
    assert empty.client.get("/datasets/generic/new/image-segmentation").status_code == 200
    explored = empty.json("/datasets/generic/explore.json", job_id=dataset["id"], db="val_db/features")
    assert (explored["total"], explored["items"][0]["key"]) == (2, "000000000")
    clone = empty.client.get("/datasets/images/segmentation/new", params={"clone": dataset["id"]}).text
    assert str(tmp_path / "val" / "labels") in clone


def test_its_page_warns_of_the_class_that_rules_the_pixels(empty: Serving, tmp_path: Path) -> None:
    dataset = streets(empty, tmp_path)
    labels = [
        draw_street(64, 48, seed=(0, part, at)).label_HW for part, count in ((0, 5), (1, 2)) for at in range(count)
    ]
    shares = np.bincount(np.concatenate(labels).ravel(), minlength=len(CLASSES)) / np.size(labels)

    page = empty.client.get(f"/datasets/{dataset['id']}").text

    validated = np.bincount(np.concatenate(labels[5:]).ravel(), minlength=len(CLASSES))
    learned = np.bincount(np.concatenate(labels[:5]).ravel()).argmax()
    share = validated[learned] / validated.sum()
    assert f"says only {CLASSES[learned]} scores a pixel accuracy of {share * 100:.1f} %" in page
    assert f"a mean IoU of {share / (validated > 0).sum() * 100:.1f} % on the validation pictures" in page
    for name, share, colour in zip(CLASSES, shares, COLOURS.tolist(), strict=True):
        assert f'fill="#{bytes(colour).hex()}"' in page
        assert f'<td class="num">{share * 100:.2f}</td>' in page, name


def test_masks_are_seen_in_the_colours_of_the_labels_and_filtered_by_class(empty: Serving, tmp_path: Path) -> None:
    dataset = streets(empty, tmp_path)
    explore = "/datasets/images/segmentation/explore"

    mask = empty.client.get(f"/datasets/{dataset['id']}/mask/train/3")
    with Image.open(io.BytesIO(mask.content)) as picture, Image.open(tmp_path / "train/labels/00003.png") as label:
        assert picture.mode == "P"
        assert (np.asarray(picture.convert("RGB")) == np.asarray(label.convert("RGB"))).all()
    page = empty.client.get(explore, params={"job_id": dataset["id"]}).text
    assert f"/datasets/{dataset['id']}/mask/train/3" in page
    cyclists = CLASSES.index("Cyclist")
    holding = [
        at for at in range(5) if (np.asarray(Image.open(tmp_path / f"train/labels/{at:05d}.png")) == cyclists).any()
    ]
    found = empty.json(f"{explore}.json", job_id=dataset["id"], db="train", label=str(cyclists))
    assert [int(item["key"]) for item in found["items"]] == holding
    assert empty.client.get(f"/datasets/{dataset['id']}/mask/train/5").status_code == 404


def test_a_form_that_lacks_something_says_at_which_field(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")
    answer = empty.client.post(
        "/datasets/images/segmentation.json",
        data={
            "dataset_name": "x",
            "feature_folder": str(tmp_path),
            "label_folder": "/no/such",
            "colormap_method": "textfile",
        },
    )

    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {"label_folder", "colormap_text_file"}


def test_a_database_that_is_being_written_is_shown_before_its_files_are_named(empty: Serving, tmp_path: Path) -> None:
    write_streets(tmp_path, {"train": 3}, width=64, height=48, seed=0)
    empty.login("fred")
    fields = {"dataset_name": "streets", "folder_pct_val": "0", "feature_folder": str(tmp_path / "train" / "images")}
    fields["label_folder"] = str(tmp_path / "train" / "labels")
    job_id = empty.client.post("/datasets/generic/create/image-segmentation.json", data=fields).json()["id"]
    writer = EventWriter(empty.store.job(job_id).folder.events_file)
    writer(Progress(task="create_train_db", done=2, total=3, unit="pictures", facts={"entries": 2}))
    writer.close()
    with empty.store.change(job_id) as index:
        index.index_events()

    row = read(empty.client.get(f"/datasets/{job_id}").text).one(id="databases").find("tr")[1]

    assert [cell.text for cell in row.find("td")][:2] == ["train", "2"]
    assert not row.find("a"), "neither its list nor its log is there yet"
