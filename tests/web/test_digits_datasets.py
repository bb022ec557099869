"""What scripts written for DIGITS read of the datasets that they make: tasks and counts by folder, lists, clones."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import build_job, draw_pictures
from tests.web.serving import Serving

CREATE = "/datasets/images/classification.json"


def made(site: Serving, files: dict[str, bytes] | None = None, **fields: str) -> dict[str, Any]:
    """Send a form as DIGITS' clients do, build what it asks for, and return the dataset's JSON."""
    values = {"dataset_name": "bars", "resize_channels": "1", "resize_width": "12", "resize_height": "10"} | fields
    parts: dict[str, Any] = {name: (None, value) for name, value in values.items()}
    parts |= {name: ("list.txt", data) for name, data in (files or {}).items()}
    answer = site.client.post(CREATE, files=parts)
    assert answer.status_code == 200, answer.text
    build_job(site.store, site.store.job(answer.json()["id"]))
    dataset: dict[str, Any] = site.json(f"/datasets/{answer.json()['id']}.json")
    return dataset


def parsed(dataset: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return name and counts of the tasks that looked for pictures."""
    names = ("name", "label_count", "train_count", "val_count", "test_count")
    return [tuple(task[name] for name in names) for task in dataset["ParseFolderTasks"]]


@pytest.mark.parametrize(
    ("fields", "tasks"),
    [
        ({"folder_pct_val": "20", "folder_pct_test": "10"}, [("Parse Folder (train/val/test)", 3, 21, 6, 3)]),
        ({"folder_pct_val": "0"}, [("Parse Folder (train)", 3, 30, 0, 0)]),
        ({"folder_train_max_per_class": "5", "folder_pct_val": "0"}, [("Parse Folder (train)", 3, 15, 0, 0)]),
        (
            {"has_val_folder": "True", "folder_val": "{more}", "folder_pct_test": "10"},
            [("Parse Folder (train/test)", 3, 27, 0, 3), ("Parse Folder (val)", 3, 0, 13, 0)],
        ),
        (
            {"has_val_folder": "y", "folder_val": "{more}", "folder_val_max_per_class": "2", "has_test_folder": "on",
             "folder_test": "{more}", "folder_test_min_per_class": "4"},
            [("Parse Folder (train)", 3, 30, 0, 0), ("Parse Folder (val)", 3, 0, 6, 0), ("Parse Folder (test)", 2, 0, 0, 10)],
        ),
    ],
    ids=["shares", "training alone", "at most", "a folder for validation", "folders for both"],
)  # fmt: skip
def test_each_folder_is_parsed_by_a_task_with_counts_of_its_own(
    empty: Serving, tmp_path: Path, fields: dict[str, str], tasks: list[Any]
) -> None:
    empty.login("fred")
    pictures = draw_pictures(tmp_path / "pictures", each=10)
    more = draw_pictures(tmp_path / "more", each=5)
    for number in (3, 4):
        (more / "class_2" / f"{number:02d}.png").unlink()

    named = {name: value.format(more=more) for name, value in fields.items()} | {"folder_train": str(pictures)}
    dataset = made(empty, None, **named)

    assert parsed(dataset) == tasks


def test_lists_are_read_in_no_task_of_their_own(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")
    pictures = draw_pictures(tmp_path / "my pictures")
    absolute = "".join(f"{path} {path.parent.name[-1]}\n" for path in sorted(pictures.rglob("*.png")))
    relative = absolute.replace(f"{pictures}/", "")

    dataset = made(
        empty,
        {
            "textfile_train_images": absolute.encode(),
            "textfile_val_images": relative.replace("\n", "\r\n").encode(),
            "textfile_test_images": relative.replace(" ", "\t").encode(),
            "textfile_labels_file": b"one\ntwo\nthree\n",
        },
        method="textfile", textfile_use_val="y", textfile_use_test="y", textfile_val_folder=str(pictures),
        textfile_test_folder=f"{pictures}/",
    )  # fmt: skip

    assert dataset["ParseFolderTasks"] == []
    assert [(task["name"], task["entries"]) for task in dataset["CreateDbTasks"]] == [
        ("Create DB (train)", 24), ("Create DB (val)", 24), ("Create DB (test)", 24),
    ]  # fmt: skip
    assert empty.client.get(f"/files/{dataset['id']}/labels.txt").text == "one\ntwo\nthree\n"


def test_a_database_that_a_source_does_not_fill_is_no_task(empty: Serving, tmp_path: Path) -> None:
    empty.login("fred")
    draw_pictures(tmp_path / "all" / "train")
    draw_pictures(tmp_path / "all" / "test", each=2)
    archive = shutil.make_archive(str(tmp_path / "all"), "zip", tmp_path / "all")

    dataset = made(empty, method="archive", archive_path=archive, folder_pct_val="0")

    assert [(task["name"], task["entries"]) for task in dataset["CreateDbTasks"]] == [
        ("Create DB (train)", 24), ("Create DB (test)", 6),
    ]  # fmt: skip


@pytest.mark.parametrize("backend", ["lmdb", "hdf5"])
def test_a_clone_differs_in_id_and_folder_alone(empty: Serving, tmp_path: Path, backend: str) -> None:
    empty.login("fred")
    pictures = draw_pictures(tmp_path / "pictures")
    first = made(empty, folder_train=str(pictures), backend=backend, encoding="jpg", compression="gzip")

    second = made(empty, clone=first["id"])

    for changing in ("id", "directory"):
        assert first.pop(changing) != second.pop(changing)
    assert first == second
    stored = {"lmdb": ("lmdb", "jpg", "none"), "hdf5": ("hdf5", "none", "gzip")}[backend]
    for task in first["CreateDbTasks"]:
        assert tuple(task[name] for name in ("backend", "encoding", "compression")) == stored
        assert (task["image_width"], task["image_height"], task["image_channels"]) == (10, 12, 1)
