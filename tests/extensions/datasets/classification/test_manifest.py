from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.core.work import WorkerSettings
from digits.data.inventory import InventoryWriter
from digits.data.refused import Refused, RefusedWriter, read_refused
from digits.extensions.datasets.classification import sources
from digits.extensions.datasets.classification.check import check
from digits.extensions.datasets.classification.inspect import inspect_source
from digits.extensions.datasets.classification.sources.manifest.spec import ManifestSource
from digits.extensions.datasets.classification.spec import ClassificationSpec
from tests.data.webserver import Site, site
from tests.extensions.datasets.classification.folders import Built, draw, spec_of

OPEN = WorkerSettings(num_threads=2, allow_private_addresses=True)


def manifest_spec(path: Path, **fields: Any) -> ClassificationSpec:
    """A spec for a manifest on the server."""
    return spec_of({"method": "manifest", "path": str(path), "pct_val": 0} | fields)


def pictures(folder: Path, count: int) -> list[str]:
    """Draw pictures below ``folder``; return their names."""
    names = [f"a,b {number}.png" if number == 1 else f"{number}.png" for number in range(count)]
    for number, name in enumerate(names):
        draw(folder / name, number)
    return names


def refused(built: Built) -> dict[int | None, Refused]:
    """The refused rows by line."""
    return {row.line: row for row in read_refused(built.path / "refused.csv")}


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    with site() as made:
        yield made


@pytest.mark.parametrize(
    "text",
    [
        'image,label\n0.png,cat\n"a,b 1.png",dog\n2.png,dog\n3.png,cat\n',
        "\ufeffLabel;extra;File_Name\r\ncat;x;0.png\r\n\r\ndog;;a,b 1.png\r\ndog;;2.png\r\ncat;y;3.png",
        "path\tclass\n0.png\tcat\na,b 1.png\tdog\n2.png\tdog\n3.png\tcat\n",
        '{"image": "0.png", "label": "cat"}\n{"label": "dog", "image": "a,b 1.png"}\n\n'
        '{"image": "2.png", "label": "dog"}\n{"image": "3.png", "label": "cat", "more": [1]}\n',
    ],
)
def test_rows_of_any_dialect_become_pictures_of_named_classes(tmp_path: Path, text: str) -> None:
    pictures(tmp_path, 4)
    (tmp_path / "list").write_text(text, encoding="utf-8", newline="")

    built = Built(tmp_path / "job", manifest_spec(tmp_path / "list"))

    assert built.facts["labels"] == ["cat", "dog"]
    assert built.facts["dbs"]["train"]["class_counts"] == [2, 2]
    assert [line.rpartition(" ")[2] for line in built.lines("train.txt")] == ["0", "0", "1", "1"]
    assert not refused(built)


def test_a_spreadsheets_utf_16_is_read(tmp_path: Path) -> None:
    pictures(tmp_path, 4)
    (tmp_path / "list.csv").write_text("image\tlabel\n0.png\tä\n2.png\tä\n3.png\tö\n0.png\tö\n", encoding="utf-16")

    assert Built(tmp_path / "job", manifest_spec(tmp_path / "list.csv")).facts["labels"] == ["ä", "ö"]


def test_numbers_are_classes_in_the_order_of_numbers_or_those_of_the_labels_file(tmp_path: Path) -> None:
    pictures(tmp_path, 6)
    rows = "".join(f"{number}.png,{label}\n" for number, label in ((0, 10), (2, 9), (3, 9), (4, 10)))
    (tmp_path / "list.csv").write_text("image,label\n" + rows)
    (tmp_path / "names.txt").write_text("\n".join("abcdefghijkl"))

    plain = Built(tmp_path / "plain", manifest_spec(tmp_path / "list.csv"))
    named = Built(tmp_path / "named", manifest_spec(tmp_path / "list.csv", labels_path=str(tmp_path / "names.txt")))

    assert (plain.facts["labels"], plain.facts["dbs"]["train"]["class_counts"]) == (["9", "10"], [2, 2])
    assert len(named.facts["labels"]) == 12
    assert named.facts["dbs"]["train"]["class_counts"][9:11] == [2, 2]


def test_the_split_column_decides_and_blanks_are_dealt_by_the_shares(tmp_path: Path) -> None:
    names = pictures(tmp_path, 16)
    splits = ["train", "Validation", "test", "dev"]
    rows = [
        {"image": name, "label": "ab"[number // 4 % 2], "split": splits[number % 4]}
        for number, name in enumerate(names)
    ]
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for row in rows[8:]:
        row["split"] = ""
    (tmp_path / "some.jsonl").write_text("\n".join(map(json.dumps, rows)))

    decided = Built(tmp_path / "all", manifest_spec(tmp_path / "all.jsonl", pct_val=25, train_min_per_class=1))
    some = Built(tmp_path / "some", manifest_spec(tmp_path / "some.jsonl", pct_val=50))

    counts = {db: facts["entries"] for db, facts in decided.facts["dbs"].items()}
    assert counts == {"train": 4, "val": 8, "test": 4}
    assert {db: facts["entries"] for db, facts in some.facts["dbs"].items()} == {
        "train": 2 + 4,
        "val": 4 + 4,
        "test": 2,
    }


def test_each_row_that_cannot_be_used_is_refused_with_its_line_and_the_reason(tmp_path: Path) -> None:
    pictures(tmp_path, 4)
    text = (
        "image,label,split\n0.png,a,\n2.png,a,\n3.png,b,\n0.png,b,\n,a,\n0.png,,\n0.png,a,later\nshort\ngone.png,a,\n"
    )
    (tmp_path / "list.csv").write_text(text)

    built = Built(tmp_path / "job", manifest_spec(tmp_path / "list.csv"))

    assert {line: row.rule for line, row in refused(built).items()} == {
        6: "IMAGE_MISSING", 7: "LABEL_MISSING", 8: "SPLIT_UNKNOWN", 9: "TABLE_ROW", 10: "IMG_UNREADABLE",
    }  # fmt: skip
    assert refused(built)[6].path == "list.csv#6"
    assert "The row has 1 columns, the header 3" in refused(built)[9].reason
    assert built.facts["dbs"]["train"]["class_counts"] == [2, 2]


def test_bad_lines_of_json_cost_themselves_alone(tmp_path: Path) -> None:
    pictures(tmp_path, 4)
    good = [json.dumps({"image": f"{number}.png", "label": number % 2}) for number in (0, 2, 3, 3)]
    bad = [
        "{",
        "[1]",
        '{"image": 5, "label": 1}',
        '{"image": "0.png", "label": [1]}',
        '{"image": "\\ud800.png", "label": 0}',
    ]
    bad += ["{" + '"a":{' * 5000, '{"image": "0\\u0000.png", "label": 0}']
    (tmp_path / "list.jsonl").write_text("\n".join([*good, *bad, json.dumps({"image": "3.png", "label": 1})]))

    built = Built(tmp_path / "job", manifest_spec(tmp_path / "list.jsonl", train_min_per_class=1))

    assert [row.rule for _, row in sorted(refused(built).items(), key=lambda each: each[0] or 0)] == [
        "TABLE_ROW", "TABLE_ROW", "IMAGE_MISSING", "LABEL_UNKNOWN", "IMG_UNREADABLE", "TABLE_ROW", "IMG_UNREADABLE",
    ]  # fmt: skip
    assert built.facts["dbs"]["train"]["class_counts"] == [2, 3]


def test_relative_paths_have_no_place_beside_a_manifest_that_was_sent(tmp_path: Path) -> None:
    pictures(tmp_path, 4)
    rows = [f"{tmp_path}/0.png,a", f"{tmp_path}/2.png,a", f"{tmp_path}/3.png,b", f"{tmp_path}/3.png,b", "0.png,a"]
    (tmp_path / "list.csv").write_text("\n".join(["image,label", *rows]))
    spec = spec_of({"method": "manifest", "file": str(tmp_path / "list.csv"), "pct_val": 0})

    assert {line: row.rule for line, row in refused(Built(tmp_path / "job", spec)).items()} == {6: "PATH_RELATIVE"}


def test_pictures_outside_the_folders_that_may_be_used_are_refused(tmp_path: Path) -> None:
    pictures(tmp_path / "in", 4)
    draw(tmp_path / "out.png")
    rows = ["0.png,a", "2.png,a", "3.png,b", "3.png,b", "../out.png,b", "/etc/passwd,a"]
    (tmp_path / "in" / "list.csv").write_text("\n".join(["image,label", *rows]))
    settings = WorkerSettings(data_roots=(str(tmp_path / "in"),))

    built = Built(tmp_path / "job", manifest_spec(tmp_path / "in" / "list.csv"), settings=settings)

    assert {line: row.rule for line, row in refused(built).items()} == {6: "PATH_OUTSIDE", 7: "PATH_OUTSIDE"}


def test_addresses_are_fetched_and_keep_the_order_of_the_rows(tmp_path: Path, server: Site) -> None:
    names = pictures(tmp_path, 40)
    addresses = [server.put(f"/{number}.png", (tmp_path / name).read_bytes()) for number, name in enumerate(names)]
    gone, page = server.address + "/gone.png", server.put("/page.png", b"<!doctype html><p>Not here")
    places = [address if number % 3 else str(tmp_path / names[number]) for number, address in enumerate(addresses)]
    rows = [{"image": place, "label": number % 2} for number, place in enumerate([*places, gone, page])]
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, rows)))

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    log = RefusedWriter(tmp_path / "refused.csv")
    inventory = sources.collect(
        ManifestSource(path=str(tmp_path / "list.jsonl")), InventoryWriter(tmp_path, scratch, log, OPEN)
    )
    log.close()

    assert [name.decode() for name in inventory.names] == places
    assert [inventory.read(item) for item in range(40)] == [(tmp_path / name).read_bytes() for name in names]
    assert {row.line: row.reason for row in read_refused(tmp_path / "refused.csv")} == {
        41: "The address answered 404.", 42: "This is a web page, not a picture.",
    }  # fmt: skip


def test_addresses_of_this_machine_are_refused_unless_a_setting_allows_them(tmp_path: Path, server: Site) -> None:
    pictures(tmp_path, 4)
    address, asked = server.put("/inside.png", b""), len(server.asked)
    rows = ["0.png,a", "2.png,a", "3.png,b", "3.png,b", f"{address},a", "http://169.254.169.254/latest,a"]
    (tmp_path / "list.csv").write_text("\n".join(["image,label", *rows]))

    built = Built(tmp_path / "job", manifest_spec(tmp_path / "list.csv"))

    assert {line: row.rule for line, row in refused(built).items()} == {6: "URL_REFUSED", 7: "URL_REFUSED"}
    assert len(server.asked) == asked


def test_parquet_holds_paths_or_the_pictures_themselves(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    pq = pytest.importorskip("pyarrow.parquet")
    names = pictures(tmp_path, 8)
    data = [(tmp_path / name).read_bytes() for name in names]
    structs = [{"bytes": each, "path": name} for each, name in zip(data, names, strict=True)]
    structs[7] = {"bytes": b"no picture", "path": "bad.png"}
    tables = {
        "paths": pa.table({"image": names, "label": ["a", "b"] * 4}),
        "structs": pa.table({"image": structs, "label": [0, 1] * 4, "split": ["train"] * 4 + ["test"] * 4}),
        "bytes": pa.table({"image": data, "label": pa.array(["a", "b"] * 4).dictionary_encode()}),
    }
    for name, table in tables.items():
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=3)
    built = {name: Built(tmp_path / name, manifest_spec(tmp_path / f"{name}.parquet")) for name in tables}

    assert built["paths"].facts["dbs"]["train"]["class_counts"] == [4, 4]
    assert built["bytes"].facts["dbs"]["train"]["class_counts"] == [4, 4]
    assert {db: facts["entries"] for db, facts in built["structs"].facts["dbs"].items()} == {"train": 4, "test": 3}
    assert (refused(built["structs"])[8].path, refused(built["structs"])[8].rule) == ("bad.png", "IMG_NOT_A_PICTURE")
    assert built["bytes"].lines("train.txt")[0] == "bytes.parquet#1 0"


def test_without_pyarrow_the_form_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "list.parquet").write_bytes(b"PAR1 and more")
    monkeypatch.setattr("digits.data.tables.find_spec", lambda _name: None)

    problems = check(manifest_spec(tmp_path / "list.parquet"), Settings())

    assert "pip install 'opendigits[parquet]'" in problems["source.path"][0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "This is no table."),
        (b"\x89PNG\r\n\x1a\n\0\0", "This is no table."),
        (b"name,kind\nx,y\n", "No column names the picture: there are name, kind."),
        (b"image,kind\nx,y\n", "No column names the class: there are image, kind."),
        (b"{broken\n", "The line is no JSON"),
    ],
)
def test_the_form_says_why_a_file_is_no_manifest(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "list").write_bytes(content)

    problems = check(manifest_spec(tmp_path / "list"), Settings())

    assert said in problems["source.path"][0]
    assert check(spec_of({"method": "manifest"}), Settings())["source.file"] == [
        "Choose a manifest to send, or name one on the server."
    ]


def test_a_damaged_parquet_file_ends_the_build_with_words(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    (tmp_path / "list.parquet").write_bytes(b"PAR1" + b"x" * 100 + b"PAR1")

    with pytest.raises(DataError, match=r"list.parquet: The table is damaged"):
        Built(tmp_path / "job", manifest_spec(tmp_path / "list.parquet"))


def test_a_column_of_too_many_names_is_no_column_of_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digits.extensions.datasets.classification.sources.classids.MAX_CLASSES", 50)
    rows = "".join(f"/x/{number}.png,id{number}\n" for number in range(51))
    (tmp_path / "list.csv").write_text("image,label\n" + rows)

    with pytest.raises(DataError, match="Is this the column that names the class"):
        Built(tmp_path / "job", manifest_spec(tmp_path / "list.csv"))


def test_a_manifest_is_recognised(tmp_path: Path) -> None:
    pictures(tmp_path, 4)
    (tmp_path / "list.csv").write_text("image,label\n0.png,a\n2.png,a\n3.png,b\ngone.png,b\n")

    told, _ = inspect_source(path=str(tmp_path / "list.csv"))

    assert (told["format"], told["source"]) == ("manifest", {"method": "manifest", "path": str(tmp_path / "list.csv")})
    assert [(each["label"], each["count"]) for each in told["classes"]] == [("a", 2), ("b", 1)]
    assert told["refused"][0]["rule"] == "IMG_UNREADABLE"
