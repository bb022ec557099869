from __future__ import annotations

import io
import struct
import threading
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from digits.core.errors import DataError
from digits.data.decode import Limits, decode, decoders
from digits.data.images import load_image, prepare
from tests.data.corpus import REFUSED, SIDE, Refused, chunk, exif, picture, png_of_size, saved, scene

# Pillow tells of a damaged TIFF twice: by a warning, and by the error that is looked at here.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_file_that_cannot_be_used_is_refused_by_its_rule_in_plain_words(case: Refused) -> None:
    with pytest.raises(DataError) as caught:
        decode(case.make())

    assert caught.value.rule == case.rule
    assert case.words in caught.value.message
    assert caught.value.message.endswith(".")
    assert decode(picture("PNG")).image_HWC.shape == (SIDE, SIDE, 3)  # and the next picture succeeds


def test_a_refused_format_is_answered_with_those_that_are_accepted() -> None:
    with pytest.raises(DataError, match="PNG") as caught:
        decode(b"%PDF-1.7\n" + bytes(60))

    assert "Accepted are JPEG, PNG, BMP, PPM, GIF, WebP and TIFF." in str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM", "TIFF", "GIF"])
def test_a_lossless_format_gives_its_pixels(kind: str) -> None:
    grey = scene()[:, :, 0]

    assert (decode(saved(Image.fromarray(grey), kind)).image_HWC.squeeze() == _grey_like(kind, grey)).all()


def _grey_like(kind: str, grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[:, :, None], 3, axis=2) if kind == "GIF" else grey  # a GIF has a palette of colours


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 100}])
def test_a_jpeg_is_what_pillow_decodes_within_a_level(options: dict[str, Any]) -> None:
    data = picture("JPEG", **options)

    ours, theirs = decode(data).image_HWC, np.asarray(Image.open(io.BytesIO(data)))

    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_a_lossy_webp_is_decoded() -> None:
    assert np.abs(decode(picture("WEBP", quality=95)).image_HWC.astype(int) - scene()).mean() < 6


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bits_are_scaled_by_their_range_and_never_clipped(kind: str) -> None:
    ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)

    decoded = decode(saved(Image.fromarray(ramp), kind))

    assert decoded.image_HWC.shape == (64, 64, 1)
    assert decoded.image_HWC.mean() == pytest.approx(127, abs=2)
    assert (decoded.image_HWC.min(), decoded.image_HWC.max()) == (0, 255)
    assert decoded.note == "16 bits scaled to 8"


def test_16_bits_in_three_channels_are_scaled_too() -> None:
    ramp = np.linspace(0, 65535, 32 * 32 * 3).astype(">u2").reshape(32, 32 * 3)
    rows = b"".join(b"\0" + row.tobytes() for row in ramp)
    header = struct.pack(">IIBBBBB", 32, 32, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")

    assert decode(data).image_HWC.mean() == pytest.approx(127, abs=2)


def test_red_in_cmyk_stays_red_within_3_levels() -> None:
    decoded = decode(saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100))

    assert np.abs(decoded.image_HWC.astype(int) - (255, 0, 0)).max() <= 3
    assert decoded.note == "CMYK converted to RGB"


def test_red_in_adobe_s_ycck_stays_red_within_3_levels() -> None:
    """Inverted inks (255, 0, 0) count as the RGB of (0, 255, 255), whose luma and chroma are stored; Pillow inverts what it saves."""
    stored = (179, 171, 0, 255)
    data = bytearray(saved(Image.new("CMYK", (16, 16), tuple(255 - value for value in stored)), "JPEG", quality=100))
    data[data.index(b"Adobe") + 11] = 2  # now the file says YCCK

    decoded = decode(bytes(data))

    assert np.abs(decoded.image_HWC.astype(int) - (255, 0, 0)).max() <= 3


def test_transparent_parts_are_white() -> None:
    rgba = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    rgba.paste((0, 0, 255, 255), (0, 0, 2, 4))
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([10, 20, 30, 200, 100, 50])
    la = Image.new("LA", (4, 4), (40, 0))

    for image, kind, options in ((rgba, "PNG", {}), (rgba, "WEBP", {"lossless": True}), (rgba, "TIFF", {})):
        pixels = decode(saved(image, kind, **options)).image_HWC
        assert pixels[0, 0].tolist() == [0, 0, 255]
        assert pixels[0, 3].tolist() == [255, 255, 255]
    assert (decode(saved(palette, "PNG", transparency=1)).image_HWC == 255).all()
    assert (decode(saved(palette, "GIF", transparency=1)).image_HWC == 255).all()
    assert (decode(saved(palette, "PNG")).image_HWC == (200, 100, 50)).all()
    assert (decode(saved(la, "PNG")).image_HWC == np.full((4, 4, 1), 255)).all()
    assert (decode(saved(Image.new("RGB", (4, 4), (1, 2, 3)), "PNG", transparency=(1, 2, 3))).image_HWC == 255).all()
    assert (decode(saved(Image.new("L", (4, 4), 7), "PNG", transparency=7)).image_HWC == 255).all()


def test_half_transparent_is_mixed_with_white() -> None:
    half = Image.new("RGBA", (4, 4), (0, 0, 0, 128))

    assert (decode(saved(half, "PNG")).image_HWC == 127).all()


def test_one_bit_is_black_and_white() -> None:
    image = Image.new("1", (9, 3), 1)
    image.putpixel((0, 0), 0)

    for kind in ("PNG", "BMP", "TIFF", "PPM"):
        pixels = decode(saved(image, kind)).image_HWC
        assert sorted(set(pixels.flatten().tolist())) == [0, 255]
        assert pixels[0, 0, 0] == 0


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_of_several_pictures_the_first_is_taken_and_noted(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}

    decoded = decode(saved(frames[0], kind, save_all=True, append_images=frames[1:], **options))

    assert (decoded.image_HWC == (255, 0, 0)).all()
    assert decoded.note == "the first of several pictures"


def test_the_first_picture_of_an_mpo_is_taken_and_noted() -> None:
    first, second = Image.fromarray(scene()), Image.new("RGB", (SIDE, SIDE))

    decoded = decode(saved(first, "MPO", save_all=True, append_images=[second]))

    assert np.abs(decoded.image_HWC.astype(int) - scene()).mean() < 8
    assert decoded.note == "the first of several pictures"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_is_turned_as_the_camera_was_held_once(kind: str, orientation: int) -> None:
    upright = Image.fromarray(scene(16, 32))
    transposes = Image.Transpose
    undo = {
        2: transposes.FLIP_LEFT_RIGHT, 3: transposes.ROTATE_180, 4: transposes.FLIP_TOP_BOTTOM, 5: transposes.TRANSPOSE,
        6: transposes.ROTATE_90, 7: transposes.TRANSVERSE, 8: transposes.ROTATE_270,
    }  # fmt: skip
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}

    decoded = decode(saved(stored, kind, exif=exif(orientation), **options))

    assert decoded.size == (16, 32)
    tolerance = 3 if kind == "JPEG" else 0
    assert np.abs(decoded.image_HWC.astype(int) - np.asarray(upright)).max() <= tolerance


def test_a_turned_jpeg_is_decoded_small_enough_in_both_ways() -> None:
    tall = saved(Image.fromarray(scene(800, 200)).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif(6))

    prepared = prepare(tall, height=400, width=50, channels=3, mode="squash")

    expected = np.asarray(Image.fromarray(scene(800, 200)).resize((50, 400), Image.Resampling.BILINEAR))
    assert prepared.size == (800, 200)
    assert np.abs(prepared.image_HWC.astype(int) - expected).mean() < 3


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 20_000), (20_000, 1)])
def test_a_picture_of_an_odd_shape_is_accepted(height: int, width: int) -> None:
    assert decode(png_of_size(width, height)).size == (height, width)


def test_a_size_beyond_the_limits_is_refused_by_the_header_alone() -> None:
    nothing_but_a_header = png_of_size(8_001, 8_000)[:64]

    with pytest.raises(DataError, match=r"8,001×8,000 = 64,008,000 pixels, more than 64,000,000") as caught:
        decode(nothing_but_a_header)

    assert caught.value.rule == "IMG_TOO_LARGE"
    assert decode(png_of_size(300, 300), limits=Limits(max_pixels=90_000)).size == (300, 300)
    with pytest.raises(DataError):
        decode(png_of_size(301, 300), limits=Limits(max_pixels=90_000))


def test_a_jpeg_of_twice_the_size_is_decoded_by_halves() -> None:
    data = saved(Image.fromarray(scene(640, 480)), "JPEG")

    half = decode(data, enough=lambda size: (size[0] // 2, size[1] // 2))
    whole = decode(data, enough=lambda size: (size[0] // 2 + 1, size[1] // 2))
    eighth = decode(data, enough=lambda size: (1, 1))

    assert half.image_HWC.shape == (320, 240, 3)
    assert whole.image_HWC.shape == (640, 480, 3)
    assert eighth.image_HWC.shape == (80, 60, 3)
    assert half.size == whole.size == eighth.size == (640, 480)


def test_a_png_that_lacks_its_end_alone_has_all_its_pixels() -> None:
    assert (decode(picture("PNG")[:-12]).image_HWC == scene()).all()


def test_a_jpeg_with_rubbish_at_its_end_is_accepted() -> None:
    assert decode(picture("JPEG") + b"\0\0\0rubbish").image_HWC.shape == (SIDE, SIDE, 3)


def test_decoding_in_many_threads_gives_the_same_pixels() -> None:
    files = [picture(kind) for kind in ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")] * 4
    expected = [decode(data).image_HWC for data in files]
    same: list[bool] = []

    def work() -> None:
        same.extend(bool((decode(data).image_HWC == image).all()) for data, image in zip(files, expected, strict=True))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(same) == 4 * len(files)
    assert all(same)


@settings(max_examples=150)
@given(
    kind=st.sampled_from(["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM"]),
    at=st.floats(0, 1),
    byte=st.integers(0, 255),
    cut=st.floats(0.02, 1),
)
def test_a_damaged_file_is_decoded_or_refused_and_nothing_else(kind: str, at: float, byte: int, cut: float) -> None:
    data = bytearray(picture(kind))
    data[int(at * (len(data) - 1))] = byte
    data = data[: int(cut * len(data))]

    try:
        decoded = decode(bytes(data), limits=Limits(max_pixels=1_000_000))
    except DataError as error:
        told = (error.rule, error.message)
        assert all(told)
    else:
        assert decoded.image_HWC.dtype == np.uint8
        assert decoded.image_HWC.shape[:2] == decoded.size


def test_an_unreadable_path_is_refused_with_the_system_s_words(tmp_path: object) -> None:
    with pytest.raises(DataError, match="No such file") as caught:
        load_image(f"{tmp_path}/absent.png")

    assert caught.value.rule == "IMG_UNREADABLE"


def test_the_decoders_are_told_with_their_versions() -> None:
    assert all(decoders().values())


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_a_large_picture_is_made_smaller_while_it_is_decoded_and_looks_the_same(kind: str) -> None:
    large = np.kron(scene(230, 180), np.ones((10, 11, 1), np.uint8))  # 4.5 million pixels

    whole = decode(saved(Image.fromarray(large), kind))
    less = decode(saved(Image.fromarray(large), kind), enough=lambda size: (size[0] // 10, size[1] // 11))

    assert whole.size == less.size == (2300, 1980)
    assert (whole.image_HWC == large).all()
    assert less.image_HWC.shape == (230, 198, 3)
    averaged = large.reshape(230, 10, 198, 10, 3).mean(axis=(1, 3))
    assert np.abs(less.image_HWC - averaged).max() <= 1


def test_a_large_cmyk_jpeg_is_decoded_by_halves_too() -> None:
    large = Image.fromarray(scene(2300, 1980)).convert("CMYK")

    less = decode(saved(large, "JPEG"), enough=lambda size: (size[0] // 8, size[1] // 8))

    assert less.image_HWC.shape[0] < 600
    assert less.size == (2300, 1980)
