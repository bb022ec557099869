"""Exploring datasets that are no LMDB of one class a picture, which DIGITS answered with an error."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.web.conftest import build_dataset, draw_pictures
from tests.web.serving import Serving

EXPLORE = "/datasets/images/classification/explore"


def picture(site: Serving, job_id: str, row: int = 0) -> np.ndarray:
    answer = site.client.get(f"/datasets/{job_id}/picture/train/{row}")
    assert answer.status_code == 200
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def listed(folder: Path, lines: list[str], labels: str, kind: str) -> dict[str, Any]:
    """A text file source over the drawn pictures."""
    (folder / "train.txt").write_text("".join(f"class_0/{line}\n" for line in lines))
    (folder / "labels.txt").write_text(labels)
    return {
        "method": "textfile", "use_local_files": True, "use_val": False, "shuffle": 0, "label_kind": kind,
        "local_train_images": str(folder / "train.txt"), "local_labels_file": str(folder / "labels.txt"),
    }  # fmt: skip


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_hdf5_is_explored_as_lmdb_is(empty: Serving, tmp_path: Path, compression: str) -> None:
    pictures = draw_pictures(tmp_path / "in", channels=3)
    job = build_dataset(empty.store, pictures, resize_channels=3, backend="hdf5", compression=compression)

    page = empty.client.get(EXPLORE, params={"job_id": job.id, "db": "train", "label": 1})

    assert page.status_code == 200
    row = int(page.text.split('data-index="')[1].split('"')[0])
    path = page.text.split('data-path="')[1].split('"')[0]
    assert (picture(empty, job.id, row) == np.asarray(Image.open(path))).all()
    assert empty.client.get(f"/datasets/{job.id}/picture/train/999").status_code == 404
    shown = empty.client.get(f"/datasets/{job.id}").text
    assert "hdf5" in shown.lower()
    facts = empty.client.get(f"/datasets/{job.id}.json").json()["CreateDbTasks"][0]
    assert (facts["backend"], facts["encoding"], facts["compression"]) == ("hdf5", "none", compression)


def test_all_classes_of_a_picture_are_shown_and_each_filters(empty: Serving, tmp_path: Path) -> None:
    folder = draw_pictures(tmp_path / "in")
    source = listed(folder, ["00.png 0,2", "01.png -", "02.png 2"], "red\ngreen\nblue\n", "multi")
    job = build_dataset(empty.store, folder, source=source)

    page = empty.client.get(EXPLORE, params={"job_id": job.id}).text
    of_blue = empty.client.get(EXPLORE, params={"job_id": job.id, "label": 2}).text
    of_green = empty.client.get(EXPLORE, params={"job_id": job.id, "label": 1}).text

    assert 'data-label="red, blue"' in page
    assert 'data-label="none"' in page
    assert 'data-key="000000002"' in page
    assert (of_blue.count("data-key="), of_green.count("data-key=")) == (2, 0)
    assert picture(empty, job.id).shape == (12, 12)
    assert "Not for this dataset" in empty.client.get(f"/datasets/{job.id}").text
    empty.login("fred")
    refused = empty.client.post(f"/datasets/{job.id}/health.json")
    assert refused.status_code >= 400
    assert "one class for each picture" in refused.json()["error"]["description"]


def test_numbers_are_shown_without_a_list_of_classes(empty: Serving, tmp_path: Path) -> None:
    folder = draw_pictures(tmp_path / "in")
    job = build_dataset(
        empty.store, folder, source=listed(folder, ["00.png 0.5 1.25", "01.png 2 3"], "x\ny\n", "float")
    )

    page = empty.client.get(EXPLORE, params={"job_id": job.id})

    assert page.status_code == 200
    assert 'data-label="x 0.5, y 1.25"' in page.text
    assert 'id="class-filter"' not in page.text
    assert empty.client.get(EXPLORE, params={"job_id": job.id, "label": 0}).status_code == 400
    assert "<dt>Numbers</dt>" in empty.client.get(f"/datasets/{job.id}").text


def test_of_many_channels_the_first_three_are_shown(empty: Serving, tmp_path: Path) -> None:
    stored = np.random.default_rng(3).integers(0, 256, (12, 12, 5), dtype=np.uint8)
    for label in ("a", "b"):
        (tmp_path / "in" / label).mkdir(parents=True)
        for number in range(2):
            tifffile.imwrite(
                tmp_path / "in" / label / f"{number}.tif", stored, photometric="minisblack", planarconfig="contig"
            )
    job = build_dataset(empty.store, tmp_path / "in", resize_channels=0)

    assert (picture(empty, job.id) == stored[:, :, :3]).all()
    assert "5 channels" in empty.client.get(EXPLORE, params={"job_id": job.id}).text
    assert "5 channels" in empty.client.get(f"/datasets/{job.id}").text
