from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digits.data.columns import ColumnWriter, PathList, PathListWriter, read_column


@pytest.mark.parametrize("count", [0, 1, 8191, 8192, 20_001])
def test_a_column_is_a_numpy_file(tmp_path: Path, count: int) -> None:
    writer = ColumnWriter(tmp_path / "labels.npy", "<i4")
    for value in range(count):
        writer.append(value)
    writer.close()

    assert np.load(tmp_path / "labels.npy").tolist() == list(range(count))
    assert read_column(tmp_path / "labels.npy").dtype == np.int32


@given(paths=st.lists(st.binary(min_size=1, max_size=40).filter(lambda path: b"\0" not in path), max_size=30))
def test_paths_come_back_byte_by_byte_whatever_they_hold(
    paths: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("paths")
    writer = PathListWriter(folder)
    for path in paths:
        writer.append(path)
    writer.close()

    stored = PathList(folder)

    assert len(stored) == len(paths)
    assert list(stored) == paths


def test_search_finds_each_path_once_upper_or_lower_case_alike(tmp_path: Path) -> None:
    writer = PathListWriter(tmp_path)
    for path in (b"/a/Cat/cat1.png", b"/a/dog/1.png", b"/a/dog/CAT.png", b"/a/d\xc3\xb6g.png"):
        writer.append(path)
    writer.close()

    paths = PathList(tmp_path)

    assert paths.search(b"cat").tolist() == [0, 2]
    assert paths.search(b"d\xc3\xb6").tolist() == [3]
    assert paths.search(b"a.c").tolist() == []  # no pattern, the very text
