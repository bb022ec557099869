from __future__ import annotations

import csv
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digits.core.extensions import load
from digits.data.refused import read_refused
from tests.extensions.datasets.made import Made, draw, problems
from tests.shared import needs_shared, shared

ROWS = [(f"{index:02d}.png", index, index / 4, f"note {index}", "train" if index % 3 else "val") for index in range(9)]
HEADER = ("file", "cells", "size", "note", "part")


def table(path: Path, rows: Sequence[Sequence[object]] = ROWS, header: Sequence[str] = HEADER) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_columns_of_numbers_become_the_answers_of_their_pictures(tmp_path: Path) -> None:
    pictures = draw(tmp_path / "in", 9)

    made = Made("image-regression", tmp_path / "job", train_file=table(tmp_path / "in" / "t.csv"), folder_pct_val=0)

    reader = made.reader()
    assert reader.labels == ("cells", "size")
    assert np.array_equal(reader.targets(), [(index, index / 4) for index in range(9)])
    assert all((reader[index].image_HWC == pictures[index]).all() for index in range(9))
    labels = made.datums("train_db/labels")
    assert [(each.channels, each.height, each.width, *each.float_data) for each in labels[:2]] == [
        (2, 1, 1, 0.0, 0.0), (2, 1, 1, 1.0, 0.25),
    ]  # fmt: skip
    assert not made.datums("train_db/features")[0].float_data


def test_a_column_says_which_rows_are_for_validation(tmp_path: Path) -> None:
    draw(tmp_path / "in", 9)
    path = table(tmp_path / "in" / "t.csv", [*ROWS, ("00.png", 1, 1, "", "later")])

    made = Made("image-regression", tmp_path / "job", train_file=path, split_column="part", label_columns="cells")

    assert made.reader("val").targets()[:, 0].tolist() == [0, 3, 6]
    assert made.reader("train").targets()[:, 0].tolist() == [1, 2, 4, 5, 7, 8]
    assert "neither train, val nor test" in made.refused["00.png"]


def test_a_list_of_names_takes_rows_of_the_table_for_validation_and_a_second_table_is_the_test_set(
    tmp_path: Path,
) -> None:
    draw(tmp_path / "in", 9)
    names = tmp_path / "val.txt"
    names.write_text("02\nelsewhere/05.jpg\n")
    more = table(tmp_path / "in" / "more.csv", [("03.png", 30, 7.5, "", "")])

    made = Made(
        "image-regression", tmp_path / "job", train_file=table(tmp_path / "in" / "t.csv"), val_file=names, test_file=more,
        label_columns="size, cells",
    )  # fmt: skip

    assert made.reader("val").targets().tolist() == [[0.5, 2], [1.25, 5]]
    assert made.reader("train").targets()[:, 1].tolist() == [0, 1, 3, 4, 6, 7, 8]
    assert made.reader("test").targets().tolist() == [[7.5, 30]]


def test_the_error_of_the_mean_is_that_of_saying_it_for_validation(tmp_path: Path) -> None:
    draw(tmp_path / "in", 9)

    made = Made("image-regression", tmp_path / "job", train_file=table(tmp_path / "in" / "t.csv"), split_column="part")

    train, val = np.array([1, 2, 4, 5, 7, 8]), np.array([0, 3, 6])
    cells = made.facts["numbers"][0]
    assert (cells["min"], cells["max"], cells["mean"]) == (1, 8, 4.5)
    assert cells["std"] == pytest.approx(train.std())
    assert cells["mean_error"] == pytest.approx(np.abs(val - train.mean()).mean())


def test_rows_that_cannot_be_used_are_refused_with_their_line(tmp_path: Path) -> None:
    draw(tmp_path / "in", 3)
    rows: list[tuple[Any, ...]] = [("00.png", 1), ("01.png", "many"), ("gone.png", 3), ("02.png", "inf")]

    made = Made(
        "image-regression", tmp_path / "job", folder_pct_val=0, label_columns="cells",
        train_file=table(tmp_path / "in" / "t.csv", rows, ("file", "cells")),
    )  # fmt: skip

    assert made.facts["dbs"]["train"]["entries"] == 1
    assert "'many'" in made.refused["01.png"]
    assert "inf" in made.refused["02.png"]
    assert "No such file" in made.refused["gone.png"]
    assert [row.line for row in read_refused(made.path / "refused.csv")] == [3, 5, 4]


def test_a_form_names_the_columns_that_there_are(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv")

    assert (
        "It has file, cells, size, note, part."
        in problems("image-regression", train_file=path, label_columns="area")["label_columns"]
    )
    assert problems("image-regression", train_file=path, split_column="fold").keys() == {"split_column"}
    assert problems("image-regression", train_file=tmp_path / "no.csv").keys() == {"train_file"}
    assert problems("image-regression", train_file=path, resize_width=5).keys() == {"resize_height"}


@pytest.mark.slow
@needs_shared
def test_blood_cells_are_counted_as_their_table_has_them(tmp_path: Path) -> None:
    with tarfile.open(shared("data", "bccd.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    cells = tmp_path / "bccd"
    lists = {f"{db}_file": cells / "ImageSets" / "Main" / f"{db}.txt" for db in ("val", "test")}
    made = Made(
        "image-regression", tmp_path / "job", train_file=cells / "counts.csv", image_folder=cells / "JPEGImages",
        label_columns="platelets,rbc", resize_width=80, resize_height=60, **lists,
    )  # fmt: skip
    with (cells / "counts.csv").open() as file:
        counts = {row["image"]: (float(row["platelets"]), float(row["rbc"])) for row in csv.DictReader(file)}

    assert {db: each["entries"] for db, each in made.facts["dbs"].items()} == {"train": 205, "val": 87, "test": 72}
    for db in ("train", "val", "test"):
        reader = made.reader(db)
        sources = [Path(reader[index].source).name for index in range(len(reader))]
        assert reader.targets().tolist() == [list(counts[name]) for name in sources]
    found = load(made.kind.recognise)(cells)["fields"]
    assert found["image_folder"] == [str(cells / "JPEGImages")]
