"""Datasets of DIGITS' generic kinds through the web: its paths and fields, its JSON, their pages, and what Explore shows of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.extensions.datasets.made import draw
from tests.web.conftest import build_job, draw_pictures
from tests.web.serving import Serving


def made(site: Serving, path: str, **fields: object) -> dict[str, Any]:
    """Send a form as DIGITS' clients do, build what it asks for, and return the dataset's JSON."""
    site.login("fred")
    given = {"dataset_name": "set", "random_seed": 3} | fields
    answer = site.client.post(f"{path}.json", files={name: (None, str(value)) for name, value in given.items()})
    assert answer.status_code == 200, answer.text
    build_job(site.store, site.store.job(answer.json()["id"]))
    found: dict[str, Any] = site.json(f"/datasets/{answer.json()['id']}.json")
    return found


def pixels(site: Serving, path: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    answer = site.client.get(path)
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def explored(site: Serving, dataset: dict[str, Any], **query: str) -> str:
    answer = site.client.get(
        "/datasets/generic/explore", params={"job_id": dataset["id"], "db": "train_db/features"} | query
    )
    assert answer.status_code == 200, answer.text
    return answer.text


def test_ready_made_lmdbs_are_taken_by_digits_path_and_a_clone_is_alike(empty: Serving) -> None:
    slopes = made(
        empty, "/datasets/generic/create/image-gradients", train_image_count=12, val_image_count=4, image_width=10,
        image_height=6, dsopts_feature_encoding="none", dsopts_batch_size=5,
    )  # fmt: skip
    where = Path(slopes["directory"])
    fields = {
        f"prebuilt_{db}_{part}": where / f"{db}_db" / lmdb
        for db in ("train", "val") for part, lmdb in (("images", "features"), ("labels", "labels"))
    }  # fmt: skip

    dataset = made(
        empty, "/datasets/images/generic", method="prebuilt", force_same_shape=1, resize_width="",
        prebuilt_mean_file=where / "mean.binaryproto", **fields,
    )  # fmt: skip

    for found in (slopes, dataset):
        assert found["feature_dims"] == [6, 10, 1]
        assert found["create_db_tasks"] == [
            {"name": f"Create {db}_db DB", "stage": f"{db}_db", "entry_count": count,
             "feature_db_path": f"{db}_db/features", "label_db_path": f"{db}_db/labels"}
            for db, count in (("train", 12), ("val", 4))
        ]  # fmt: skip
    assert empty.client.get("/datasets/images/generic/new", params={"clone": dataset["id"]}).text.count(str(where)) == 5
    clone = made(empty, "/datasets/images/generic", clone=dataset["id"])
    for changing in ("id", "directory"):
        assert clone.pop(changing) != dataset.pop(changing)
    assert clone == dataset


def test_numbers_stand_below_their_pictures_and_the_page_says_what_the_mean_alone_scores(empty: Serving) -> None:
    dataset = made(empty, "/datasets/generic/create/image-gradients", train_image_count=12, val_image_count=4)

    x, y = map(
        float,
        empty.json("/datasets/generic/explore.json", job_id=dataset["id"], db="train")["items"][0]["label"].split(", "),
    )

    assert f'data-label="gradient_x {x:.6g}, gradient_y {y:.6g}"' in explored(empty, dataset)
    error = dataset["numbers"][0]["mean_error"]
    assert f'<td class="num">{error:.4g}</td>' in empty.client.get(f"/datasets/{dataset['id']}").text


def test_a_picture_is_shown_beside_the_one_that_it_is_to_become(empty: Serving, tmp_path: Path) -> None:
    features, labels = draw(tmp_path / "a", 3), draw(tmp_path / "b", 3, seed=1)
    dataset = made(
        empty, "/datasets/generic/create/image-processing", feature_folder=tmp_path / "a", label_folder=tmp_path / "b",
        folder_pct_val=0,
    )  # fmt: skip
    picture = f"/datasets/{dataset['id']}/picture/train/1"

    assert (pixels(empty, f"{picture}?beside=true") == np.concatenate([features[1], labels[1]], axis=1)).all()
    assert (pixels(empty, picture.replace("picture", "mask")) == labels[1]).all()
    assert f'src="{picture}?beside=true"' in explored(empty, dataset)
    assert f'src="{picture}"' in explored(empty, dataset, show="picture")


def test_the_two_pictures_of_a_pair_are_shown_beside_each_other(empty: Serving, tmp_path: Path) -> None:
    folder = draw_pictures(tmp_path / "in")
    dataset = made(empty, "/datasets/generic/create/image-pairs", image_folder=folder, pair_count=8)
    item = empty.json("/datasets/generic/explore.json", job_id=dataset["id"], db="train")["items"][0]
    halves = [np.asarray(Image.open(path)) for path in item["path"].split(" & ")]

    assert (pixels(empty, f"{item['url']}?beside=true") == np.concatenate(halves, axis=1)).all()
    health = empty.client.post(f"/datasets/{dataset['id']}/health.json")
    assert (health.status_code, "one class" in health.text) == (403, True)


def test_texts_are_shown_as_texts_with_their_class(empty: Serving, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("1,Some <b>Words</b>\n2,others\n")
    dataset = made(
        empty, "/datasets/generic/create/text-classification", train_data_file=tmp_path / "t.csv", folder_pct_val=0,
        max_chars_per_sample=50,
    )  # fmt: skip

    page = explored(empty, dataset)

    assert '<span class="frame text">some &lt;b&gt;words&lt;/b&gt;</span>' in page
    assert "others" not in explored(empty, dataset, label="0")
    assert "data-relabel" not in page


@pytest.mark.parametrize(
    ("kind", "route"),
    [
        ("image-generic", "images/generic"), ("image-gradients", "images/gradients"), ("image-pairs", "images/pairs"),
        ("image-processing", "images/processing"), ("image-regression", "images/regression"),
        ("text-classification", "text/classification"),
    ],
)  # fmt: skip
def test_the_form_of_a_kind_is_at_both_its_paths_and_comes_back_with_what_was_typed(
    empty: Serving, kind: str, route: str
) -> None:
    empty.login("fred")

    for path in (f"/datasets/{route}/new", f"/datasets/generic/new/{kind}"):
        page = empty.client.get(path)
        assert page.status_code == 200
        assert 'name="dataset_name"' in page.text
    refused = empty.client.post(f"/datasets/{route}", data={"dataset_name": "", "group_name": "typed before"})
    assert (refused.status_code, "alert-danger" in refused.text, "typed before" in refused.text) == (400, True, True)
