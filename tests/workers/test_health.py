from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from digits.core.events import Event, Progress
from digits.core.jobfolder import JobFolder
from digits.core.work import StoppedError, WorkerSettings
from digits.workers.health import check_health
from tests.workers.health_sets import built, checked, draw_faulty, spec_of


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    folder = tmp_path_factory.mktemp("faulty")
    return built(folder / "jobs", spec_of(draw_faulty(folder / "pictures")))


@pytest.fixture(scope="module")
def found(dataset: JobFolder) -> tuple[dict[str, Any], JobFolder]:
    return checked(dataset)


def names(group: list[dict[str, Any]]) -> set[str]:
    return {"/".join(Path(item["path"]).parts[-3:]) for item in group}


def test_every_planted_duplicate_is_found_as_what_it_is_and_no_other(found: tuple[dict[str, Any], JobFolder]) -> None:
    findings, _ = found
    copies = {"train/a/00.png", "train/a/copy.png"}
    wrong = {"train/a/01.png", "train/b/wrong.png"}
    leak = {"train/c/05.png", "val/c/cut.png"}
    again = {"train/b/07.png", "train/b/again.jpg"}

    def groups(kind: str) -> list[set[str]]:
        return sorted(map(names, findings[kind]), key=sorted)

    assert groups("exact_duplicates") == [copies, wrong]
    assert groups("near_duplicates") == sorted([again, leak], key=sorted)
    assert groups("leaks") == [leak]
    assert groups("conflicts") == [wrong]
    assert findings["counts"] == {
        "exact_duplicates": 2, "near_duplicates": 2, "leaks": 1, "conflicts": 1, "outliers": 4, "suspects": 0,
    }  # fmt: skip


def test_an_item_names_its_record(found: tuple[dict[str, Any], JobFolder]) -> None:
    item = next(item for item in found[0]["conflicts"][0] if item["path"].endswith("wrong.png"))

    assert (item["db"], item["label"], item["label_id"]) == ("train", "b", 1)
    assert item["key"] == f"{item['index']:08d}_1"


def test_odd_pictures_and_files_are_told_with_the_reason(found: tuple[dict[str, Any], JobFolder]) -> None:
    findings, _ = found

    kinds = {Path(each["path"]).name: each["kind"] for each in findings["outliers"]}
    assert kinds == {"black.png": "black", "blue.png": "flat", "tiny.png": "tiny", "long.png": "elongated"}
    assert [(row["rule"], row["count"]) for row in findings["files"]["refused"]] == [("IMG_NOT_A_PICTURE", 1)]
    assert findings["imbalance"]["even"]


def test_each_finding_is_a_table_too(found: tuple[dict[str, Any], JobFolder]) -> None:
    _, folder = found

    with (folder.path / "exact_duplicates.csv").open() as file:
        rows = list(csv.DictReader(file))

    assert [row["group"] for row in rows] == ["0", "0", "1", "1"]
    assert {row["label"] for row in rows} == {"a", "b"}
    assert (folder.path / "suspects.csv").read_text().startswith("db,key,label,path,suggested")


def test_equal_files_are_found_though_noise_parts_their_pixels(tmp_path: Path) -> None:
    pictures = draw_faulty(tmp_path / "pictures")
    spec = spec_of(pictures, resize_width=60, resize_mode="fill")

    findings, _ = checked(built(tmp_path / "jobs", spec))

    assert {"train/a/00.png", "train/a/copy.png"} in [names(group) for group in findings["exact_duplicates"]]


def test_a_broken_record_is_an_outlier_and_stops_nothing(tmp_path: Path) -> None:
    import lmdb

    dataset = built(tmp_path / "jobs", spec_of(draw_faulty(tmp_path / "pictures")))
    with lmdb.open(str(dataset.path / "val_db")) as database, database.begin(write=True) as transaction:
        key = next(iter(transaction.cursor()))[0]
        transaction.put(key, b"\x08\x03\x10\x30\x18\x30\x22\x02\x00\x00\x28\x00")

    findings, _ = checked(dataset)

    assert [(each["db"], each["key"]) for each in findings["outliers"] if each["kind"] == "broken"] == [
        ("val", key.decode())
    ]


def test_progress_is_told_of_each_part_to_its_end(dataset: JobFolder) -> None:
    said: list[Event] = []

    checked(dataset, said=said)

    ended = [event.task for event in said if isinstance(event, Progress) and event.state == "done"]
    assert ended == ["scan_pictures", "compare_pictures"]


def test_a_check_that_is_asked_to_stop_does(dataset: JobFolder) -> None:
    _, folder = checked(dataset)

    with pytest.raises(StoppedError):
        check_health(folder.record(), folder, lambda event: None, lambda: True, WorkerSettings())
