from __future__ import annotations

import io

import pytest

from digits.core.errors import DigitsError
from digits.web.imagelist import read_list


def rows(text: bytes, folder: str = "", most: int | None = None) -> list[tuple[str, int]]:
    """Return the lines of a list."""
    return list(read_list(io.BytesIO(text), folder, most))


def test_a_line_is_a_path_and_a_class_id_and_paths_may_hold_spaces() -> None:
    text = b"/a/b c.png 7\n/plain.png\n/tab.png\t3\r\n  /padded.png   0  \n\n/ends in 12 x.png\n"

    assert rows(text) == [
        ("/a/b c.png", 7), ("/plain.png", -1), ("/tab.png", 3), ("/padded.png", 0), ("/ends in 12 x.png", -1),
    ]  # fmt: skip


def test_a_folder_goes_before_paths_that_are_not_absolute() -> None:
    assert rows(b"7/00000.png 7\n/abs.png 1\n", "/mnist/test") == [("/mnist/test/7/00000.png", 7), ("/abs.png", 1)]


def test_bytes_that_are_no_utf8_and_a_byte_order_mark_come_through() -> None:
    assert rows(b"\xef\xbb\xbf/a.png 1\n/\xff.png 2\n") == [("/a.png", 1), ("/\udcff.png", 2)]


def test_only_so_many_lines_are_taken() -> None:
    assert rows(b"/a 1\n/b 2\n/c 3\n", most=2) == [("/a", 1), ("/b", 2)]


def test_a_line_longer_than_any_path_is_refused_and_a_nul_passed_over() -> None:
    assert rows(b"/a\0b 1\n/c 2") == [("/c", 2)]
    with pytest.raises(DigitsError, match="Line 2"):
        rows(b"/a 1\n/" + b"x" * 10_000 + b" 1\n")


def test_a_line_of_blanks_without_end_is_read_in_no_time() -> None:
    assert rows((b" " * 4000 + b"x\n") * 100)[0] == ("x", -1)
