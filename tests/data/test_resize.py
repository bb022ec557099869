from __future__ import annotations

import tarfile
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from digits.core.errors import DataError
from digits.data.images import decode, prepare, prepare_image
from digits.data.resize import Plan, ResizeMode, plan, resize, scale
from tests.data.corpus import picture, saved, scene
from tests.shared import needs_shared, shared

MODES: tuple[ResizeMode, ...] = get_args(ResizeMode)
SIDES = st.integers(1, 400)


# Worked by hand. 100 high and 200 wide to 50 x 50: ratios 2 and 4.
# 30 high and 45 wide to 20 x 20: ratios 1.5 and 2.25, mean 1.875.
@pytest.mark.parametrize(
    ("source", "size", "mode", "expected"),
    [
        ((100, 200), (50, 50), "squash", Plan((50, 50), (0, 0), (50, 50))),
        ((100, 200), (50, 50), "crop", Plan((50, 100), (0, 25), (50, 50))),
        ((100, 200), (50, 50), "fill", Plan((26, 50), (-12, 0), (50, 50))),  # 25 leave 25 to pad: odd, so 26
        ((100, 200), (50, 50), "half_crop", Plan((34, 67), (-8, 9), (50, 50))),  # 33.3 -> 33, odd, 34; 8.5 -> 9
        ((30, 45), (20, 20), "crop", Plan((20, 30), (0, 5), (20, 20))),
        ((30, 45), (20, 20), "fill", Plan((14, 20), (-3, 0), (20, 20))),  # 13.3 -> 13, odd, 14
        ((30, 45), (20, 20), "half_crop", Plan((16, 24), (-2, 2), (20, 20))),
        ((45, 30), (20, 20), "fill", Plan((20, 14), (0, -3), (20, 20))),
        ((31, 20), (20, 20), "crop", Plan((31, 20), (6, 0), (20, 20))),  # 5.5 -> 6: away from zero
        ((60, 40), (30, 20), "half_crop", Plan((30, 20), (0, 0), (30, 20))),  # the same shape
        ((1, 20_000), (8, 8), "fill", Plan((2, 8), (-3, 0), (8, 8))),  # never less than a pixel
    ],
)
def test_each_mode_has_digits_arithmetic(
    source: tuple[int, int], size: tuple[int, int], mode: ResizeMode, expected: Plan
) -> None:
    assert plan(source, size, mode) == expected


@given(source=st.tuples(SIDES, SIDES), size=st.tuples(SIDES, SIDES), mode=st.sampled_from(MODES))
def test_a_plan_never_asks_for_what_is_not_there(
    source: tuple[int, int], size: tuple[int, int], mode: ResizeMode
) -> None:
    steps = plan(source, size, mode)

    for scaled, start, side in zip(steps.scaled, steps.start, steps.size, strict=True):
        assert scaled >= 1
        if start < 0:
            assert scaled - 2 * start == side  # the padding is the same on both sides
        else:
            assert start + side <= scaled or scaled == side
    covered = [scaled >= side for scaled, side in zip(steps.scaled, size, strict=True)]
    assert mode != "crop" or all(covered)
    assert mode != "fill" or any(scaled == side for scaled, side in zip(steps.scaled, size, strict=True))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(13, 29), (64, 16), (24, 24), (5, 5)])
def test_every_mode_gives_the_size_and_channels_asked_for(
    mode: ResizeMode, channels: int, size: tuple[int, int]
) -> None:
    image = scene()[:, :, :channels]

    assert resize(image, size, mode).shape == (*size, channels)


def test_a_picture_of_the_size_asked_for_is_returned_as_it_is() -> None:
    for mode in MODES:
        assert (resize(scene(), (24, 24), mode) == scene()).all()


def test_crop_keeps_the_centre() -> None:
    image = np.zeros((10, 30, 1), np.uint8)
    image[:, 10:20] = 200

    assert (resize(image, (10, 10), "crop") == 200).all()


def test_fill_pads_with_noise_from_0_to_254_of_the_generator_given() -> None:
    image = np.full((10, 200, 3), 255, np.uint8)

    filled = [resize(image, (200, 200), "fill", rng=np.random.default_rng(seed)) for seed in (1, 1, 2)]

    noise = filled[0][:95]
    assert (filled[0][95:105] == 255).all()
    assert noise.min() == 0
    assert noise.max() == 254
    assert noise.mean() == pytest.approx(127, abs=1)
    assert (noise[:, :, 0] != noise[:, :, 1]).mean() > 0.9  # each channel has its own
    assert (filled[0] == filled[1]).all()
    assert (filled[0] != filled[2]).any()


def test_whole_areas_are_averaged_when_shrinking() -> None:
    image = np.zeros((64, 64, 1), np.uint8)
    image[::4] = 100  # one row of four

    assert (resize(image, (16, 16), "squash") == 25).all()


def test_a_side_that_shrinks_is_averaged_though_the_other_grows() -> None:
    stripes = np.zeros((8, 256, 3), np.uint8)
    stripes[:, ::2] = 200

    assert np.abs(resize(stripes, (64, 32), "squash").astype(int) - 100).max() <= 1


@pytest.mark.parametrize(("height", "width"), [(48, 48), (24, 60), (60, 24)])
def test_enlarging_is_bilinear_as_pillow_s(height: int, width: int) -> None:
    expected = np.asarray(Image.fromarray(scene()).resize((width, height), Image.Resampling.BILINEAR))

    assert np.abs(scale(scene(), (height, width)).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("image", [np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_what_is_no_picture_is_refused(image: np.ndarray) -> None:
    with pytest.raises(DataError):
        resize(image, (4, 4), "squash")


@pytest.mark.parametrize(("height", "width", "note"), [(1, 21, True), (21, 1, True), (1, 20, False)])
def test_a_picture_of_extreme_shape_is_taken_and_noted(height: int, width: int, note: bool) -> None:
    prepared = prepare(saved(Image.new("L", (width, height)), "PNG"), height=8, width=8, channels=1, mode="squash")

    assert prepared.image_HWC.shape == (8, 8, 1)
    assert ("20 times" in prepared.note) == note


@pytest.mark.parametrize("mode", MODES)
def test_the_same_file_gives_the_same_pixels_in_building_and_testing(mode: ResizeMode) -> None:
    data = picture("JPEG")

    def prepare(seed: int) -> np.ndarray:
        return prepare_image(data, height=20, width=50, channels=3, mode=mode, seed=seed)

    assert (prepare(7) == prepare(7)).all()
    assert (prepare(7) == prepare(8)).all() == (mode in ("squash", "crop"))


def test_colour_becomes_grey_by_luma_and_grey_becomes_colour_by_repeating() -> None:
    colour = saved(Image.fromarray(scene()), "PNG")
    grey = saved(Image.fromarray(scene()[:, :, 0]), "PNG")
    luma = np.around(scene() @ (0.299, 0.587, 0.114))

    as_grey = prepare_image(colour, height=24, width=24, channels=1, mode="squash")
    as_colour = prepare_image(grey, height=24, width=24, channels=3, mode="squash")

    assert np.abs(as_grey[:, :, 0] - luma).max() <= 1
    assert (as_colour == scene()[:, :, :1]).all()


def test_a_grey_padding_differs_in_each_channel_of_a_colour_set() -> None:
    grey = saved(Image.new("L", (40, 10), 255), "PNG")

    filled = prepare_image(grey, height=40, width=40, channels=3, mode="fill")

    assert (filled[:10, :, 0] != filled[:10, :, 1]).mean() > 0.9


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    with tarfile.open(shared("data", "clothing.tar")) as archive:
        members = [member for member in archive.getmembers() if member.name.endswith(".jpg")][::40]
        archive.extractall(folder, members, filter="data")
    return sorted(folder.rglob("*.jpg"))


@needs_shared
@pytest.mark.parametrize("side", [224, 256, 64])
def test_photos_differ_from_pillow_s_bilinear_by_3_levels_in_the_mean_at_most(photos: list[Path], side: int) -> None:
    differences = []
    for path in photos:
        theirs = Image.open(path).convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
        ours = prepare_image(path.read_bytes(), height=side, width=side, channels=3, mode="squash")
        differences.append(np.abs(ours.astype(int) - np.asarray(theirs)).mean())

    assert len(differences) >= 20
    assert np.mean(differences) <= 3
    assert max(differences) <= (3 if side >= 224 else 5)


@needs_shared
def test_grey_photos_are_pillow_s_grey_within_a_level(photos: list[Path]) -> None:
    for path in photos[:5]:
        ours = decode(path.read_bytes(), grey=True).image_HWC[:, :, 0]
        theirs = np.asarray(Image.open(path).convert("L"))
        assert np.abs(ours.astype(int) - theirs).mean() < 0.7
