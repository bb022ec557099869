from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from digits.cli.dataset import dataset
from digits.core.errors import DataError
from digits.data.tables import Row, text
from digits.data.tables.text import CsvTable
from digits.extensions.datasets.classification.plan import RECORD_BYTES, Form, Plan, make_plan
from tests.extensions.datasets.classification.folders import draw


def planned(path: Path, form: Form | None = None) -> Plan:
    return make_plan(path, form or Form(), num_threads=2, shard_above=100, shard_images=40)


def test_a_manifest_is_counted_by_class_and_database_and_cut_into_shards(tmp_path: Path) -> None:
    lines = (
        f"folder/{number}.jpg,class {number % 50},{'train' if number % 10 else 'val'}\n" for number in range(20_000)
    )
    (tmp_path / "m.csv").write_text("image,label,split\n" + "".join(lines))

    plan = planned(tmp_path / "m.csv")

    with (tmp_path / "m.csv").open(newline="") as file:
        expected = Counter(row["split"] for row in csv.DictReader(file))
    assert plan.dbs == expected
    assert (plan.images, plan.classes, plan.refused) == (20_000, 50, {})
    assert plan.shards == 18_000 // 40 + 2_000 // 40
    assert plan.bytes == round(20_000 * (plan.picture_bytes + RECORD_BYTES))
    assert plan.hours == pytest.approx(20_000 * plan.picture_s / 2 / 3600)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoted_at", [None, 0, 2_999])
def test_counting_by_the_block_gives_what_reading_row_by_row_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, quoted_at: int | None
) -> None:
    """Of many blocks some have an odd line; a quoted field that holds a line break ends the counting by blocks."""
    monkeypatch.setattr(text, "_BLOCK", 1 << 13)
    monkeypatch.setattr(text, "_FIRST_BLOCK", 1 << 12)
    lines = [
        f"folder/{number:060d}.jpg,class {number % 7},{('train', 'val', '')[number % 3]}" for number in range(3_000)
    ]
    for at, odd in (
        (500, ""),
        (700, "short"),
        (900, ",class 1,train"),
        (1_100, "a.jpg,,train"),
        (1_300, "a.jpg,x,nowhere"),
    ):
        lines[at] = odd
    if quoted_at is not None:
        lines[quoted_at] = f'"two{end}lines, one name.jpg","class 3",train'
    path = tmp_path / "m.csv"
    path.write_text("\ufeffimage,label,split" + end + end.join(lines) + end, newline="", encoding="utf-8")
    table, columns = CsvTable(path), ("image", "label", "split")

    rows = list(table.rows(columns))
    counted: Counter[tuple[str, ...]] = Counter()
    bad = []
    num_blocks = 0
    for each in table.tallies(columns):
        if isinstance(each, Counter):
            counted += each
            num_blocks += 1
        elif isinstance(each, Row):
            counted[each.values[1:]] += 1
        else:
            bad.append(each.line)

    assert counted == Counter(row.values[1:] for row in rows if isinstance(row, Row))
    assert bad == [row.line for row in rows if not isinstance(row, Row)]
    assert (num_blocks > 10) == (quoted_at != 0)
    assert planned(path).refused == {"TABLE_ROW": 1, "IMAGE_MISSING": 1, "LABEL_MISSING": 1, "SPLIT_UNKNOWN": 1}


def test_pictures_that_lie_here_are_measured(tmp_path: Path) -> None:
    for number in range(4):
        draw(tmp_path / f"{number}.png", number, size=(40, 40))
    (tmp_path / "list.txt").write_text("0.png 0\n1.png 0\n2.png 1\n3.png 1\nabsent.png 1\nno class\n")

    plan = planned(tmp_path / "list.txt", Form(width=16, height=16, encoding="none"))

    assert (plan.images, plan.classes, plan.measured, plan.shards) == (5, 2, 4, 1)
    assert plan.picture_bytes == 16 * 16 * 3
    assert plan.refused == {"LIST_LINE": 1}
    assert plan.first_refused[0]["where"] == "line 6"


def test_a_file_without_one_good_line_has_no_plan(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("one two\nthree four\n")

    with pytest.raises(DataError, match="Not one line"):
        planned(tmp_path / "list.txt")


def test_the_command_prints_a_table_or_json(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text(
        '{"image": "a.jpg", "label": "cat"}\n{"image": "b.jpg", "label": "dog"}\nno JSON\n'
    )
    path = str(tmp_path / "m.jsonl")

    shown = CliRunner().invoke(dataset, ["plan", path])
    told = json.loads(CliRunner().invoke(dataset, ["plan", path, "--json"]).stdout)

    assert (shown.exit_code, told["images"], told["classes"], told["refused"]) == (0, 2, 2, {"TABLE_ROW": 1})
    for word in ("Images", "Classes", "Disk", "Time", "Shards", "line 3", "TABLE_ROW"):
        assert word in shown.stdout
