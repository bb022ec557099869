"""TIFF files with more values a pixel than colour has, and 16 bits."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from digits.core.errors import DataError
from digits.data.decode import Limits, decode
from digits.data.images import prepare


def written(values: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **({"photometric": "minisblack", "planarconfig": "contig"} | options))
    return file.getvalue()


def values(shape: tuple[int, ...], dtype: type[np.unsignedinteger[Any]]) -> NDArray[Any]:
    return np.random.default_rng(5).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("channels", [2, 4, 5, 6, 16])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_channel_is_kept_in_the_file_s_order(channels: int, dtype: type[np.unsignedinteger[Any]]) -> None:
    stored = values((12, 9, channels), dtype)

    decoded = decode(written(stored))

    expected = stored if dtype is np.uint8 else np.rint(stored / 257)
    assert (decoded.image_HWC == expected).all()
    assert (decoded.format, decoded.size) == ("TIFF", (12, 9))


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zlib"},
        {"bigtiff": True},
        {"photometric": "rgb", "extrasamples": [0]},  # colour and infrared
        {"byteorder": ">"},
        {"rowsperstrip": 2},
    ],
)
def test_however_the_channels_are_laid_out(options: dict[str, Any]) -> None:
    stored = values((12, 9, 4), np.uint8)

    assert (decode(written(stored, **options)).image_HWC == stored).all()


def test_planes_one_after_another_are_channels_too() -> None:
    stored = values((5, 12, 9), np.uint8)

    assert (decode(written(stored, planarconfig="separate")).image_HWC == stored.transpose(1, 2, 0)).all()


def test_colour_with_transparency_is_still_pasted_on_white() -> None:
    stored = np.zeros((4, 4, 4), np.uint8)

    decoded = decode(written(stored, photometric="rgb", extrasamples=["unassalpha"]))

    assert decoded.image_HWC.tolist() == np.full((4, 4, 3), 255).tolist()


@pytest.mark.parametrize(
    ("data", "rule", "words"),
    [
        (written(values((6, 6, 17), np.uint8)), "IMG_CHANNELS", "17 channels; 16 are the most"),
        (written(np.ones((6, 6, 5), np.float32)), "IMG_MODE", "numbers of kind float32"),
        (written(np.ones((6, 6, 3), np.uint32)), "IMG_MODE", "numbers of kind uint32"),
    ],
)
def test_what_has_no_place_in_a_record_is_refused_in_words(data: bytes, rule: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        decode(data)

    assert caught.value.rule == rule


def test_a_compression_that_is_not_read_is_named() -> None:
    data = written(values((6, 6, 5), np.uint8))
    entry = struct.pack("<HHI", 259, 3, 1)  # the tag that says the compression, one short number
    assert data.count(entry) == 1
    at = data.index(entry) + len(entry)

    with pytest.raises(DataError, match=r"compression \(LZW\) is not read in a TIFF of 5 channels"):
        decode(data[:at] + struct.pack("<H", 5) + data[at + 2 :])


def test_the_limits_hold_for_channels_too() -> None:
    with pytest.raises(DataError, match="more than 100") as caught:
        decode(written(values((12, 9, 5), np.uint8)), limits=Limits(max_pixels=100))

    assert caught.value.rule == "IMG_TOO_LARGE"


@pytest.mark.parametrize("mode", ["squash", "crop", "fill", "half_crop"])
def test_many_channels_are_resized_each_by_itself(mode: Any) -> None:
    stored = values((40, 30, 6), np.uint8)
    size = {"height": 16, "width": 16, "mode": mode, "seed": 1}

    whole = prepare(written(stored), channels=6, **size).image_HWC

    if mode in ("squash", "crop"):  # the others pad with noise, drawn for all channels at once
        for channel in range(6):
            alone = prepare(written(stored[:, :, channel], planarconfig=None), channels=1, **size).image_HWC
            assert np.abs(whole[:, :, channel].astype(int) - alone[:, :, 0]).max() <= 1
    assert whole.shape == (16, 16, 6)


@pytest.mark.parametrize(("wanted", "channels"), [(1, 5), (3, 5), (5, 3)])
def test_a_picture_of_other_channels_than_the_dataset_is_refused_with_the_count(wanted: int, channels: int) -> None:
    data = written(values((8, 8, channels), np.uint8), photometric="rgb" if channels == 3 else "minisblack")

    with pytest.raises(DataError, match=f"has {channels} channels, not {wanted}") as caught:
        prepare(data, height=4, width=4, channels=wanted, mode="squash")

    assert caught.value.rule == "IMG_CHANNELS"


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_are_divided_by_257(kind: str) -> None:
    file = io.BytesIO()
    Image.fromarray((np.arange(256) * 257).astype(np.uint16).reshape(16, 16)).save(file, kind)

    assert decode(file.getvalue()).image_HWC.ravel().tolist() == list(range(256))


def test_a_picture_of_12_bits_in_16_is_told_of() -> None:
    file = io.BytesIO()
    Image.fromarray(np.linspace(0, 4095, 64).astype(np.uint16).reshape(8, 8)).save(file, "PNG")

    assert "less than a sixteenth" in decode(file.getvalue()).note
