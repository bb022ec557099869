from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from digits.core.errors import DataError
from digits.core.work import StoppedError
from digits.data.createdb import CreatedDb, Items, PictureForm, create_db
from digits.data.encode import encode_png
from digits.data.images import read_file
from digits.data.refused import RefusedWriter

FORM = PictureForm(height=6, width=6, channels=1, mode="squash", encoding="png", seed=0)


def items_of(folder: Path, count: int) -> tuple[Items, list[tuple[str, int]]]:
    """Pictures, and who asked for which: worker threads to read it, the main thread once it is written."""
    for index in range(count):
        (folder / f"{index}.png").write_bytes(encode_png(np.full((6, 6, 1), index % 256, np.uint8)))
    asked: list[tuple[str, int]] = []

    def name(index: int) -> bytes:
        asked.append(("write", index))
        time.sleep(0.001)
        return bytes(folder / f"{index}.png")

    def read(index: int) -> bytes:
        asked.append(("decode", index))
        return read_file(folder / f"{index}.png")

    return Items(name, read, lambda index: index % 3, lambda _: 0, np.arange(count), 3), asked


def create(folder: Path, items: Items, num_threads: int = 2, **given: object) -> CreatedDb:
    refused = RefusedWriter(folder / "refused.csv")
    try:
        return create_db(
            folder, "train", items, FORM, num_threads=num_threads, refused=refused,
            **{"progress": lambda **told: None, "stop": lambda: False} | given,  # type: ignore[arg-type]  # as given
        )  # fmt: skip
    finally:
        refused.close()


def test_no_more_than_a_few_chunks_are_decoded_ahead_of_a_slow_writer(tmp_path: Path) -> None:
    items, asked = items_of(tmp_path, 500)

    created = create(tmp_path, items)

    ahead = np.cumsum([1 if who == "decode" else -1 for who, _ in asked])
    assert created.entries == 500
    assert ahead[-1] == 0
    assert max(ahead) <= 7 * 16


def test_records_are_written_in_order_by_any_number_of_threads(tmp_path: Path) -> None:
    items, asked = items_of(tmp_path, 100)

    create(tmp_path, items, num_threads=5)

    assert [index for who, index in asked if who == "write"] == list(range(100))


def test_progress_is_told_to_the_end_with_a_rate(tmp_path: Path) -> None:
    items, _ = items_of(tmp_path, 40)
    told: list[dict[str, float]] = []

    created = create(tmp_path, items, progress=lambda **progress: told.append(progress))

    assert told[-1]["done"] == told[-1]["total"] == 40
    assert told[-1]["rate"] > 0
    assert created.class_counts == [14, 13, 13]
    assert created.bytes == (tmp_path / "train_db" / "data.mdb").stat().st_size


def test_a_stop_in_the_middle_removes_what_was_written_and_keeps_what_stood_there(tmp_path: Path) -> None:
    items, asked = items_of(tmp_path, 300)
    create(tmp_path, Items(items.name, items.read, items.label, items.line, np.arange(5), 3))
    before = (tmp_path / "train_db" / "data.mdb").read_bytes()
    asked.clear()

    with pytest.raises(StoppedError):
        create(tmp_path, items, stop=lambda: len(asked) > 100)

    assert len(asked) < 200
    assert (tmp_path / "train_db" / "data.mdb").read_bytes() == before
    assert not list(tmp_path.rglob("*.tmp"))


def test_an_error_of_ours_in_a_thread_ends_the_work_with_that_error(tmp_path: Path) -> None:
    items, _ = items_of(tmp_path, 50)

    def label(index: int) -> int:
        return 0 // (index - 30)

    with pytest.raises(ZeroDivisionError):
        create(tmp_path, Items(items.name, items.read, label, items.line, items.order, 3))

    assert not list(tmp_path.rglob("*.tmp"))


def test_files_that_went_away_are_refused(tmp_path: Path) -> None:
    items, _ = items_of(tmp_path, 10)
    (tmp_path / "4.png").unlink()

    created = create(tmp_path, items)

    assert (created.entries, created.refused) == (9, 1)
    assert "4.png,,IMG_UNREADABLE" in (tmp_path / "refused.csv").read_text()


def test_no_usable_file_at_all_is_an_error(tmp_path: Path) -> None:
    items, _ = items_of(tmp_path, 0)

    with pytest.raises(DataError) as caught:
        create(tmp_path, Items(items.name, items.read, items.label, items.line, np.arange(3), 3))

    assert caught.value.rule == "DB_EMPTY"
