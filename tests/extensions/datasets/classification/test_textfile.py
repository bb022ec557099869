from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.core.work import WorkerSettings
from digits.data.refused import read_refused
from digits.extensions.datasets.classification.check import check, tasks
from digits.extensions.datasets.classification.reader import open_reader
from digits.extensions.datasets.classification.spec import ClassificationSpec
from tests.data.webserver import site
from tests.extensions.datasets.classification.folders import Built, draw, spec_of


def lists(folder: Path, train: str | bytes, labels: str = "cat\ndog\n", **others: str) -> dict[str, Any]:
    """Write lists, and return the fields that name them."""
    texts = {"train": train, "labels": labels} | others
    for name, text in texts.items():
        (folder / f"{name}.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    fields: dict[str, Any] = {"use_local_files": True, "use_val": "val" in others, "use_test": "test" in others}
    fields |= {f"local_{name}_images": str(folder / f"{name}.txt") for name in texts if name != "labels"}
    return fields | {"local_labels_file": str(folder / "labels.txt")}


def textfile_spec(seed: int = 1, **fields: Any) -> ClassificationSpec:
    """A spec for the fields of a text file source."""
    return spec_of({"method": "textfile"} | fields, random_seed=seed)


def pictures(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        draw(folder / name, number)


def test_lists_for_training_validation_and_testing_become_three_databases(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png", "c.png", "d.png")
    fields = lists(tmp_path, "a.png 0\nb.png 1\n", val="c.png 1\n", test="d.png 0\n")

    built = Built(tmp_path / "job", textfile_spec(**fields))

    assert tasks(textfile_spec(**fields))[0].title == "Read Lists (train/val/test)"
    assert {db: facts["class_counts"] for db, facts in built.facts["dbs"].items()} == {
        "train": [1, 1], "val": [0, 1], "test": [1, 0],
    }  # fmt: skip
    assert built.facts["labels"] == ["cat", "dog"]
    assert built.facts["parsed"] == {"label_count": 2, "train_count": 2, "val_count": 1, "test_count": 1}


def test_line_ends_a_byte_order_mark_tabs_and_blanks_in_paths_are_read(tmp_path: Path) -> None:
    pictures(tmp_path, "a cat.png", "two  blanks.png", "tab.png")
    train = b"\xef\xbb\xbfa cat.png 0\r\n\r\ntwo  blanks.png   1 \r\ntab.png\t1"

    built = Built(tmp_path / "job", textfile_spec(**lists(tmp_path, train, labels="\ufeffcat\r\ndog\r\n")))

    assert built.facts["dbs"]["train"]["class_counts"] == [1, 2]
    assert built.facts["labels"] == ["cat", "dog"]
    assert not list(read_refused(built.path / "refused.csv"))


def test_without_shuffling_the_records_stand_in_the_order_of_the_list(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(12)]
    pictures(tmp_path, *names)
    train = "".join(f"{name} {number % 2}\n" for number, name in enumerate(names))

    kept = Built(tmp_path / "kept", textfile_spec(**lists(tmp_path, train), shuffle=0))
    mixed = Built(tmp_path / "mixed", textfile_spec(seed=3, **lists(tmp_path, train), shuffle=1))

    written = [(mixed.path / "index/train/paths.txt").read_text(), (kept.path / "index/train/paths.txt").read_text()]
    assert [Path(line).name for line in written[1].splitlines()] == names
    assert sorted(written[0].splitlines()) == sorted(written[1].splitlines())
    assert written[0] != written[1]


def test_each_bad_line_is_refused_with_its_number_and_the_reason(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png")
    train = "a.png 0\nb.png\nc.png cat\nd.png 7\nmissing.png 1\n"

    built = Built(tmp_path / "job", textfile_spec(**lists(tmp_path, train)))

    rows = {row.line: row for row in read_refused(built.path / "refused.csv")}
    assert {line: row.rule for line, row in rows.items()} == {
        2: "LIST_LINE", 3: "LIST_LINE", 4: "LABEL_UNKNOWN", 5: "IMG_UNREADABLE",
    }  # fmt: skip
    assert "'cat' is no number of a class" in rows[3].reason
    assert "the labels name 2" in rows[4].reason


def test_paths_begin_at_the_image_folder_or_beside_the_list_or_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures(tmp_path, "a.png", "elsewhere/b.png", "home/c.png")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    fields = lists(tmp_path, f"a.png 0\n~/c.png 1\n{tmp_path}/elsewhere/b.png 0\n", val="b.png 0\n")

    built = Built(tmp_path / "job", textfile_spec(**fields, val_folder=str(tmp_path / "elsewhere")))

    assert built.facts["dbs"]["train"]["entries"] == 3
    assert built.facts["dbs"]["val"]["entries"] == 1


def test_a_list_that_was_sent_needs_a_folder_for_relative_paths(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png")
    lists(tmp_path / ".", f"a.png 0\n{tmp_path}/b.png 1\n")
    fields: dict[str, Any] = {
        "use_val": False,
        "train_images": str(tmp_path / "train.txt"),
        "labels_file": str(tmp_path / "labels.txt"),
    }

    built = Built(tmp_path / "job", textfile_spec(**fields))

    assert [row.rule for row in read_refused(built.path / "refused.csv")] == ["PATH_RELATIVE"]
    assert built.facts["dbs"]["train"]["entries"] == 1


def test_pictures_outside_the_folders_that_may_be_used_are_refused(tmp_path: Path) -> None:
    pictures(tmp_path, "in/a.png", "in/b.png", "out/c.png")
    fields = lists(tmp_path, "in/a.png 0\nin/b.png 1\nin/../out/c.png 1\n")

    built = Built(
        tmp_path / "job", textfile_spec(**fields), settings=WorkerSettings(data_roots=(str(tmp_path / "in"),))
    )

    assert [(row.line, row.rule) for row in read_refused(built.path / "refused.csv")] == [(3, "PATH_OUTSIDE")]


def test_a_list_without_one_good_line_fails_and_says_what_a_line_is(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="A line is a path, a blank and the number of a class"):
        Built(tmp_path / "job", textfile_spec(**lists(tmp_path, "nothing\n")))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"local_train_images": ""}, {"source.local_train_images": ["Name a file on the server."]}),
        ({"local_train_images": "train.txt"}, {"source.local_train_images": ["train.txt is not absolute: begin it with / or ~."]}),
        ({"use_local_files": False}, {"source.train_images": ["Choose a file to send."], "source.labels_file": ["Choose a file to send."]}),
    ],
)  # fmt: skip
def test_the_form_says_which_list_is_missing(tmp_path: Path, fields: dict[str, Any], problem: dict[str, Any]) -> None:
    spec = textfile_spec(**lists(tmp_path, "a.png 0\n") | fields)

    assert check(spec, Settings()) == problem


def test_the_form_shows_the_first_bad_line_of_a_list_that_is_none(tmp_path: Path) -> None:
    found = check(textfile_spec(**lists(tmp_path, "one two\nthree four\n")), Settings())

    assert found == {
        "source.local_train_images": [
            "line 1: 'two' is no number of a class. A line is a path, a blank and the number of a class, from 0."
        ]
    }


def test_a_reader_gives_the_classes_of_the_list(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png")
    built = Built(tmp_path / "job", textfile_spec(**lists(tmp_path, "a.png 1\nb.png 0\n"), shuffle=0))

    assert open_reader(built.folder, "train").targets().tolist() == [1, 0]


def test_addresses_in_a_list_are_fetched_where_a_setting_allows_it_and_refused_with_the_status(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png")
    with site() as server:
        address = server.put("/some%20where/b.png?size=1", (tmp_path / "b.png").read_bytes())
        train = f"a.png 0\n{address} 1\n{server.address}/gone.png 1\nHTTP://127.0.0.1:{server.port}/x 0\n"
        fields = lists(tmp_path, train)
        allowed = Built(
            tmp_path / "job", textfile_spec(**fields), settings=WorkerSettings(allow_private_addresses=True)
        )
        asked = len(server.asked)
        refused = Built(tmp_path / "closed", textfile_spec(**fields))

    assert allowed.facts["dbs"]["train"]["class_counts"] == [1, 1]
    assert f"{address} 1" in allowed.lines("train.txt")
    rows = {row.line: (row.rule, row.reason) for row in read_refused(allowed.path / "refused.csv")}
    assert rows == dict.fromkeys((3, 4), ("URL_STATUS", "The address answered 404."))
    assert {row.line: row.rule for row in read_refused(refused.path / "refused.csv")} == dict.fromkeys(
        (2, 3, 4), "URL_REFUSED"
    )
    assert len(server.asked) == asked
