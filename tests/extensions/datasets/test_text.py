from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from digits.core.errors import DataError
from digits.data.images import decode
from digits.data.textcodes import Characters
from digits.extensions.datasets.text.rows import inputs
from digits.extensions.datasets.text.spec import ALPHABET, TextInference
from tests.extensions.datasets.made import Made, problems

ROWS = '1,"A Title","Some text, with ""quotes""\nand lines"\n2,b,\u00fc!\n1,c,d\n'


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_characters_are_numbered_from_1_and_all_others_are_one_more_than_the_last(tmp_path: Path) -> None:
    made = Made(
        "text-classification", tmp_path / "job", train_data_file=write(tmp_path / "t.csv", ROWS), folder_pct_val=0,
        max_chars_per_sample=40, alphabet="abcdefghijklmnopqrstuvwxyz ",
    )  # fmt: skip

    reader = made.reader()
    first = reader[0].image_HWC
    assert first.shape == (1, 40, 1)
    assert first[0, :7, 0].tolist() == [1, 27, 20, 9, 20, 12, 5]  # "a title"
    assert reader[1].image_HWC[0, :5, 0].tolist() == [
        2,
        27,
        28,
        28,
        28,
    ]  # "b", a blank, two that are not in it, and what fills up
    assert reader.targets().tolist() == [0, 1, 0]
    assert made.facts["labels"] == ["1", "2"]
    assert made.datums("train_db")[1].label == 1


def test_long_texts_are_cut_and_read_back_in_small_letters() -> None:
    characters = Characters(ALPHABET)

    encoded = characters.encode("Hello, WORLD " * 200, 20)

    assert len(ALPHABET) == 69
    assert encoded.shape == (1, 20, 1)
    assert characters.decode(encoded) == "hello, world hello,"


def test_classes_count_from_0_or_1_or_have_names(tmp_path: Path) -> None:
    labels = write(tmp_path / "labels.txt", "news\nsport\nweather\n")
    wanted = {
        "0,a,b\n2,c,d\n": [0, 2],
        "1,a,b\n3,c,d\n": [0, 2],
        "1,a,b\n2,c,d\n": [1, 2],
        "sport,a,b\nnews,c,d\n": [1, 0],
    }
    for number, (rows, ids) in enumerate(wanted.items()):
        made = Made(
            "text-classification", tmp_path / str(number), train_data_file=write(tmp_path / f"{number}.csv", rows),
            class_labels_file=labels, folder_pct_val=0, max_chars_per_sample=8,
        )  # fmt: skip
        assert made.reader().targets().tolist() == ids, rows
        assert made.facts["labels"] == ["news", "sport", "weather"]
    with pytest.raises(DataError, match="A row is of class 7; 3 classes are named"):
        Made(
            "text-classification",
            tmp_path / "no",
            train_data_file=write(tmp_path / "no.csv", "7,a,b\n0,c,d\n"),
            class_labels_file=labels,
        )


def test_a_model_is_tested_on_a_snippet_or_on_a_file(tmp_path: Path) -> None:
    facts = {"alphabet": ALPHABET, "image": {"width": 30, "height": 1, "channels": 1}}
    table = write(tmp_path / "t.csv", ROWS)

    [(text, path)] = inputs(TextInference(snippet="Some Words"), tmp_path, facts)
    (tmp_path / "rows").mkdir()
    rows = list(inputs(TextInference(test_data_file=str(table)), tmp_path / "rows", facts))

    numbers: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = decode(path.read_bytes()).image_HWC
    assert (text, Characters(ALPHABET).decode(numbers)) == ("Some Words", "some words")
    assert [text for text, _ in rows][1:] == ["b \u00fc!", "c d"]


def test_an_alphabet_has_no_character_twice(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", ROWS)

    assert "'a' comes twice" in problems("text-classification", train_data_file=table, alphabet="abca")["alphabet"]
