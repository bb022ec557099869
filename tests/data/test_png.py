from __future__ import annotations

import io
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from digits.data.decode import decode
from digits.data.encode import encode_jpeg, encode_png
from digits.data.png import decode_plain_png, read_plain_png
from tests.data.corpus import chunk, saved, scene

IMAGES = st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])).flatmap(
    lambda shape: arrays(np.uint8, shape)
)


@given(image=IMAGES)
def test_any_picture_comes_back_from_its_png_by_every_decoder(image: np.ndarray) -> None:
    data = encode_png(image)

    plain = read_plain_png(data)
    ours = decode_plain_png(plain, data) if plain else None
    pillow = np.asarray(Image.open(io.BytesIO(data)))

    assert ours is not None
    assert (ours == image).all()
    assert (pillow.reshape(image.shape) == image).all()
    assert (decode(data).image_HWC == image).all()


@pytest.mark.parametrize("level", [0, 1, 6, 9])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_png_of_another_writer_has_the_pixels_that_pillow_reads(level: int, mode: str) -> None:
    image = Image.fromarray(scene(40, 30)).convert(mode)
    for data in (
        saved(image, "PNG", compress_level=level),
        cv2.imencode(".png", np.asarray(image), [cv2.IMWRITE_PNG_COMPRESSION, level])[1].tobytes(),
    ):
        expected = np.asarray(Image.open(io.BytesIO(data)))
        assert (decode(data).image_HWC.reshape(expected.shape) == expected).all()


def test_chunks_that_change_pixels_are_left_to_the_general_decoder() -> None:
    data = encode_png(scene())
    with_transparency = data[:33] + chunk(b"tRNS", bytes(6)) + data[33:]
    with_a_comment = data[:33] + chunk(b"tEXt", b"Comment\0hello") + data[33:]

    assert read_plain_png(with_transparency) is None
    assert read_plain_png(with_a_comment) is not None


def test_a_bomb_is_not_inflated_beyond_what_its_size_needs() -> None:
    bomb = encode_png(np.zeros((8, 8, 1), np.uint8))
    bomb = bomb[:33] + chunk(b"IDAT", zlib.compress(bytes(50_000_000))) + chunk(b"IEND", b"")

    plain = read_plain_png(bomb)

    assert plain is not None
    assert decode_plain_png(plain, bomb) is None


def test_a_photo_s_png_is_at_most_1_3_times_that_of_zlib_s_level_6() -> None:
    rng = np.random.default_rng(3)
    noise = cv2.resize(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8), (256, 256), interpolation=cv2.INTER_CUBIC)
    photo = np.clip(noise + rng.normal(0, 3, noise.shape), 0, 255).astype(np.uint8)

    assert len(encode_png(photo)) <= 1.3 * len(saved(Image.fromarray(photo), "PNG", compress_level=6))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_jpeg_of_quality_90_is_near_and_says_what_pillow_would_say(channels: int) -> None:
    image = np.ascontiguousarray(scene(64, 64)[:, :, :channels])

    data = encode_jpeg(image)

    opened = Image.open(io.BytesIO(data))
    theirs = Image.open(io.BytesIO(saved(Image.fromarray(image.squeeze()), "JPEG", quality=90)))
    assert opened.mode == ("L" if channels == 1 else "RGB")
    assert opened.quantization == theirs.quantization  # type: ignore[attr-defined]  # of JPEG files alone
    assert np.abs(np.asarray(opened).reshape(image.shape).astype(int) - image).mean() < 3
