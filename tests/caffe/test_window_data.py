"""Windows out of pictures: which are drawn, and where each lies after it was squeezed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digits.caffe.sources.window_data import Place, fit
from digits.caffeproto import caffe_pb2
from digits.core.errors import DigitsError
from tests.caffe.test_sources import feed

LIST = """# 0
a.png
3
20
30
3
1 0.9 10 5 19 14
2 0.5 0 0 9 9
0 0.1 20 10 29 19

# 1
b.png
3
8
8
1
0 0.0 0 0 7 7
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A list with two pictures: a ramp of 20 x 30, and one of 8 x 8 in blue."""
    ramp = np.add.outer(np.arange(20) * 5, np.arange(30)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), np.stack([ramp, ramp + 40, ramp + 80], 2))
    cv2.imwrite(str(tmp_path / "b.png"), np.full((8, 8, 3), (250, 0, 0), np.uint8))
    (tmp_path / "windows.txt").write_text(LIST)
    return tmp_path


def layer(settings: str, transform: str = "crop_size: 10") -> str:
    return (
        f"type: 'WindowData' window_data_param {{ source: 'windows.txt' {settings} }} transform_param {{ {transform} }}"
    )


def batch(folder: Path, settings: str, transform: str = "crop_size: 10") -> tuple[NDArray[np.float32], list[float]]:
    source = feed(layer(settings, transform), folder, "TRAIN", 1)
    made = source.next()
    assert {name: tuple(blob.shape) for name, blob in made.items()} == source.shapes
    return made["data"].numpy(), made["label"].tolist()


def test_background_comes_first_and_then_the_asked_share_of_objects(folder: Path) -> None:
    _, labels = batch(folder, "batch_size: 40 fg_fraction: 0.25")
    assert labels[:30] == [0] * 30
    assert set(labels[30:]) == {1, 2}

    _, strict = batch(folder, "batch_size: 40 fg_fraction: 0.5 fg_threshold: 0.6")
    assert strict == [0] * 20 + [1] * 20


def test_a_window_of_the_asked_size_is_the_picture_s_own_pixels(folder: Path) -> None:
    data, _ = batch(folder, "batch_size: 1 fg_fraction: 1 fg_threshold: 0.8")

    picture = cv2.imread(str(folder / "a.png"))
    assert picture is not None
    assert np.array_equal(data[0], picture[5:15, 10:20].transpose(2, 0, 1))


def test_a_window_is_squeezed_as_opencv_does_less_the_mean_times_the_scale(folder: Path) -> None:
    transform = "crop_size: 7 mean_value: 10 mean_value: 20 mean_value: 30 scale: 0.5"
    data, _ = batch(folder, "batch_size: 1 fg_fraction: 1 fg_threshold: 0.8", transform)

    picture = cv2.imread(str(folder / "a.png"))
    assert picture is not None
    small = cv2.resize(picture[5:15, 10:20], (7, 7), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(data[0], ((small - np.array([10.0, 20, 30])) * 0.5).transpose(2, 0, 1), atol=1e-5)


def test_the_middle_of_a_mean_picture_is_taken_off(folder: Path) -> None:
    mean = np.zeros((3, 12, 12), np.float32)
    mean[:, 1:11, 1:11] = 250
    (folder / "mean").write_bytes(
        caffe_pb2.BlobProto(num=1, channels=3, height=12, width=12, data=mean.ravel().tolist()).SerializeToString()
    )

    data, _ = batch(folder, "batch_size: 60 fg_fraction: 0", "crop_size: 10 mean_file: 'mean'")

    blue = [each for each in data if not each[0].any()]
    assert 15 < len(blue) < 45
    assert all(np.all(each[1:] == -250) for each in blue)


def test_windows_are_mirrored_by_chance(folder: Path) -> None:
    data, _ = batch(folder, "batch_size: 100 fg_fraction: 1 fg_threshold: 0.8", "crop_size: 10 mirror: true")

    steps = np.diff(data, axis=3)
    assert 30 < sum(bool(np.all(each == -1)) for each in steps) < 70
    assert np.all(np.abs(steps) == 1)


@pytest.mark.parametrize(
    ("corners", "side", "pad", "is_square", "place"),
    [
        ((10, 5, 19, 14), 10, 0, False, Place((10, 5, 19, 14), (10, 10), (0, 0))),
        ((10, 5, 19, 9), 10, 0, True, Place((10, 3, 20, 13), (10, 10), (0, 0))),  # 10 wide: as high, and a pixel more as in Caffe
        ((10, 10, 15, 15), 10, 2, False, Place((8, 8, 18, 18), (10, 10), (0, 0))),  # grown by 10 / 6 about (13, 13)
        ((0, 0, 5, 5), 10, 2, False, Place((0, 0, 8, 8), (8, 8), (2, 2))),  # what lies beyond stays empty
        ((24, 14, 29, 19), 10, 2, False, Place((22, 12, 29, 19), (7, 7), (0, 0))),
    ],
)  # fmt: skip
def test_context_and_squares_are_what_the_corners_say(
    corners: tuple[int, int, int, int], side: int, pad: int, is_square: bool, place: Place
) -> None:
    assert fit(corners, (20, 30), side, pad, is_square) == place


def test_what_reaches_beyond_the_picture_is_0_wherever_the_mean_is(folder: Path) -> None:
    settings = "batch_size: 30 fg_fraction: 1 fg_threshold: 0.4 context_pad: 2"
    data, labels = batch(folder, settings, "crop_size: 10 mean_value: 100.5")

    corner = data[labels.index(2)]
    assert not corner[:, :2].any()
    assert not corner[:, :, :2].any()
    assert corner[:, 2:, 2:].all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no window"),
        ("a.png\n3\n", r"windows.txt:1: 'a.png' is no '# number'"),
        ("# 0\na.png\n3\n20\n", r"windows.txt:1: The list ends early"),
        (LIST.replace("1 0.9 10 5 19 14", "1 0.9 10 5 19"), r"windows.txt:7: '1 0.9 10 5 19' is not 6 numbers"),
        (LIST.replace("1 0.9 10 5 19 14", "1 0.9 10 5 9 14"), "ends before it begins"),
        (LIST.replace("a.png", "gone.png").replace("b.png", "gone.png"), r"gone.png cannot be read: No such file"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_with_its_line(folder: Path, text: str, words: str) -> None:
    (folder / "windows.txt").write_text(text)
    with pytest.raises(DigitsError, match=words):
        batch(folder, "batch_size: 4")


@pytest.mark.parametrize(
    ("settings", "transform", "words"),
    [
        ("batch_size: 4", "scale: 1", "crop_size must be given"),
        ("batch_size: 4 crop_mode: 'bend'", "crop_size: 10", "neither warp nor square"),
        ("batch_size: 4 context_pad: 5", "crop_size: 10", "leaves nothing"),
        ("batch_size: 4 fg_threshold: 0.95", "crop_size: 10", r"no window for fg_threshold 0\.95"),
    ],
)
def test_settings_that_make_no_sense_are_refused(folder: Path, settings: str, transform: str, words: str) -> None:
    with pytest.raises(DigitsError, match=words):
        batch(folder, settings, transform)
