from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import tifffile
from PIL import Image

from digits.core.errors import DataError
from digits.data.databases import Encoding
from digits.data.example import resize_example, thumbnail
from digits.data.resize import ResizeMode
from tests.data.corpus import saved, scene


def opened(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


@pytest.mark.parametrize("encoding", get_args(Encoding))
@pytest.mark.parametrize("channels", [1, 3])
def test_a_drawn_picture_is_shown_in_all_modes_with_its_bytes(encoding: Encoding, channels: int) -> None:
    told = resize_example(None, width=40, height=30, channels=channels, encoding=encoding)

    assert list(told["modes"]) == list(get_args(ResizeMode))
    for mode in told["modes"].values():
        picture = opened(mode["image"])
        assert picture.size == (40, 30)
        assert picture.mode == ("L" if channels == 1 else "RGB")
        assert mode["bytes"] > 0
    if encoding == "none":
        assert told["modes"]["fill"]["bytes"] == 40 * 30 * channels + 0
    assert opened(told["source"]["image"]).size == (told["source"]["width"], told["source"]["height"])


def test_hdf5_has_no_encoding_and_takes_four_bytes_a_value() -> None:
    told = resize_example(None, width=40, height=30, channels=3, encoding="jpg", backend="hdf5")

    for mode in told["modes"].values():
        assert mode["image"].startswith("data:image/png")
        assert mode["bytes"] == 40 * 30 * 3 * 4


def test_a_picture_of_the_user_is_shown_small_and_told_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "big.png").write_bytes(saved(Image.fromarray(scene(700, 2000)), "PNG"))

    source = resize_example(str(tmp_path / "big.png"), width=8, height=8, channels=3, encoding="png")["source"]

    assert (source["name"], source["width"], source["height"]) == ("big.png", 2000, 700)
    assert opened(source["image"]).size == (512, 179)
    assert source["bytes"] == (tmp_path / "big.png").stat().st_size


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")

    with pytest.raises(DataError):
        resize_example(str(tmp_path / "text.png"), width=8, height=8, channels=3, encoding="png")


@pytest.mark.parametrize("asked", [{"channels": 4}, {"encoding": "bmp"}])
def test_what_no_dataset_has_is_refused(asked: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"width": 8, "height": 8, "channels": 3, "encoding": "png"} | asked

    with pytest.raises(DataError):
        resize_example(None, **fields)


def test_a_picture_with_channels_of_its_own_is_shown_by_its_first_three_and_measured_raw() -> None:
    file = io.BytesIO()
    values = np.random.default_rng(2).integers(0, 256, (30, 40, 6), dtype=np.uint8)
    tifffile.imwrite(file, values, photometric="minisblack", planarconfig="contig")

    told = resize_example(None, data=file.getvalue(), width=40, height=30, channels=0, encoding="png")

    shown = Image.open(io.BytesIO(base64.b64decode(told["modes"]["squash"]["image"].split(",")[1])))
    assert (np.asarray(shown) == values[:, :, :3]).all()
    assert told["modes"]["squash"]["bytes"] == 30 * 40 * 6
    assert thumbnail(file.getvalue()).startswith("data:image/jpeg")
