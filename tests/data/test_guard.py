"""Pictures that would take for ever, or end a decoder: each costs itself alone."""

from __future__ import annotations

import io
import struct
import threading

import numpy as np
import pytest
from PIL import Image

from digits.core.errors import DataError
from digits.data.decode import Limits, decode
from digits.data.guard import GuardedDecoder
from tests.data.corpus import SIDE, picture, saved, scene


def many_scans(count: int, side: int = 2048) -> bytes:
    """A progressive JPEG of white that says "no change" again and again: a few bytes each, and all its blocks are walked each time."""
    data = saved(Image.new("L", (side, side), 255), "JPEG", progressive=True)
    start = data.index(b"\xff\xda")
    table = data.rindex(b"\xff\xc4", 0, data.rindex(b"\xff\xda"))
    last, end = data[table:-2], data[-2:]
    assert last.count(b"\xff\xda") == 1
    assert start < table
    return data[:table] + last * count + end


@pytest.mark.slow
def test_a_jpeg_of_endless_scans_is_refused_and_the_next_picture_succeeds() -> None:
    decoder = GuardedDecoder(seconds=1)

    with pytest.raises(DataError, match="more than 1 s of processor time") as caught:
        decoder.decode(many_scans(9000), "JPEG", Limits(), None)

    assert caught.value.rule == "IMG_SLOW"
    assert (decoder.decode(saved(Image.fromarray(scene()), "TIFF"), "TIFF", Limits(), None).image_HWC == scene()).all()


def test_a_child_that_dies_costs_its_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = GuardedDecoder()
    decoder.decode(picture("TIFF"), "TIFF", Limits(), None)
    child = decoder._idle[0]
    child.kill()
    child.wait()
    monkeypatch.setattr(child, "poll", lambda: None)  # it dies after it was chosen

    with pytest.raises(DataError, match="its decoder broke") as caught:
        decoder.decode(picture("TIFF"), "TIFF", Limits(), None)

    assert caught.value.rule == "IMG_BROKEN"
    assert decoder.decode(picture("TIFF"), "TIFF", Limits(), None).size == (SIDE, SIDE)


def test_what_a_child_says_of_a_picture_is_what_is_heard() -> None:
    with pytest.raises(DataError) as caught:
        decode(saved(Image.fromarray(scene()), "TIFF")[:-300])

    assert caught.value.rule == "IMG_TRUNCATED"
    assert caught.value.message.startswith("Ends early")


def test_threads_do_not_wait_for_each_other_and_get_their_own_pictures() -> None:
    shades = [0, 60, 120, 180]
    found: dict[int, int] = {}

    def ask(shade: int) -> None:
        file = io.BytesIO()
        Image.fromarray(np.full((50, 50), shade, np.uint8)).save(file, "TIFF")
        found[shade] = int(decode(file.getvalue()).image_HWC.mean())

    threads = [threading.Thread(target=ask, args=(shade,)) for shade in shades]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {shade: shade for shade in shades}


def test_more_memory_than_a_picture_may_take_is_refused() -> None:
    data = bytearray(saved(Image.new("L", (64, 64)), "TIFF"))
    decoder = GuardedDecoder()
    limits = Limits(max_pixels=2**40, max_side_px=2**30)
    for tag in (256, 257, 278):  # width, height, rows a strip: two thousand million pixels
        at = data.index(struct.pack("<H", tag), 8)
        data[at + 2 : at + 12] = struct.pack("<HII", 4, 1, 45_000)
    with pytest.raises(DataError):
        decoder.decode(bytes(data), "TIFF", limits, None)
    assert decoder.decode(picture("TIFF"), "TIFF", Limits(), None).size == (SIDE, SIDE)
