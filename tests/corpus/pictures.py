"""Odd pictures that must be taken, each with what is said of it; those that are refused stand in ``tests.data.corpus``."""

from __future__ import annotations

import struct
import zlib
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from tests.corpus.cases import Case
from tests.data.corpus import REFUSED, chunk, exif, picture, png_of_size, saved, scene

WHITE, RED, GREY = (255, 255, 255), (255, 0, 0), (127, 127, 127)
SCENE = (127, 127, 90)
TURNED, SEVERAL, ON_WHITE, SCALED = (
    "turned by its EXIF orientation", "the first of several pictures", "pasted on white", "16 bits scaled to 8",
)  # fmt: skip
CMYK, LONG = "CMYK converted to RGB", "more than 20 times as long as wide"


def _grey_16(kind: str) -> bytes:
    return saved(Image.fromarray(np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)), kind)


def _cut_jpeg(percent: int) -> bytes:
    data = picture("JPEG")
    return data[: len(data) * percent // 100]


def _plain(mode: str, colour: Any, kind: str = "PNG", **options: Any) -> bytes:
    return saved(Image.new(mode, (16, 16), colour), kind, **options)


def _ycck() -> bytes:
    """Red: inverted inks (255, 0, 0) as luma and chroma; Pillow inverts what it saves."""
    stored = (179, 171, 0, 255)
    data = bytearray(_plain("CMYK", tuple(255 - value for value in stored), "JPEG", quality=100))
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def _palette(**options: Any) -> bytes:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([10, 20, 30, 200, 100, 50])
    return saved(image, options.pop("kind", "PNG"), **options)


def _frames(kind: str, **options: Any) -> bytes:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)


def _png_16_rgb() -> bytes:
    ramp = np.linspace(0, 65535, 32 * 32 * 3).astype(">u2").reshape(32, 32 * 3)
    rows = b"".join(b"\0" + row.tobytes() for row in ramp)
    header = struct.pack(">IIBBBBB", 32, 32, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _with_chunk(name: bytes, body: bytes) -> bytes:
    data = picture("PNG")
    return data[:33] + chunk(name, body) + data[33:]


def _turned(kind: str, orientation: int) -> bytes:
    return saved(Image.fromarray(scene()), kind, exif=exif(orientation))


ACCEPTED = (
    *(Case(f"{kind.lower()} in colour", partial(picture, kind), colour=SCENE)
      for kind in ("JPEG", "PNG", "BMP", "PPM", "GIF", "WEBP", "TIFF")),
    *(Case(f"{kind.lower()} in grey", partial(_plain, "L", 99, kind), colour=(99, 99, 99))
      for kind in ("JPEG", "PNG", "BMP", "PPM", "GIF", "TIFF")),
    Case("progressive jpeg", lambda: picture("JPEG", progressive=True), colour=SCENE),
    Case("jpeg with rubbish at its end", lambda: picture("JPEG") + b"\0\0\0rubbish", colour=SCENE),
    Case("png without its last chunk", lambda: picture("PNG")[:-12], colour=SCENE),
    Case("png with an unknown chunk", lambda: _with_chunk(b"abCd", b"?"), colour=SCENE),
    Case("png with a comment", lambda: _with_chunk(b"tEXt", b"a\0" + b"b" * 500), colour=SCENE),
    Case("cmyk jpeg", lambda: _plain("CMYK", (0, 255, 255, 0), "JPEG", quality=100), note=CMYK, colour=RED),
    Case("ycck jpeg of adobe", _ycck, note=CMYK, colour=RED),
    Case("cmyk tiff", lambda: _plain("CMYK", (0, 255, 255, 0), "TIFF"), note=CMYK, colour=RED),
    *(Case(f"16-bit grey {kind.lower()}", partial(_grey_16, kind), note=SCALED, colour=GREY)
      for kind in ("PNG", "TIFF", "PPM")),
    Case("16-bit png in colour", _png_16_rgb, colour=GREY),
    *(Case(f"1-bit {kind.lower()}", partial(_plain, "1", 1, kind), colour=WHITE)
      for kind in ("PNG", "BMP", "TIFF", "PPM")),
    Case("palette", _palette, colour=(200, 100, 50)),
    Case("palette with transparency", lambda: _palette(transparency=1), note=ON_WHITE, colour=WHITE),
    Case("gif with transparency", lambda: _palette(kind="GIF", transparency=1), note=ON_WHITE, colour=WHITE),
    Case("grey with alpha", lambda: _plain("LA", (40, 0)), note=ON_WHITE, colour=WHITE),
    Case("colour with alpha, all clear", lambda: _plain("RGBA", (255, 0, 0, 0)), note=ON_WHITE, colour=WHITE),
    Case("colour with alpha, half", lambda: _plain("RGBA", (0, 0, 0, 128)), note=ON_WHITE, colour=GREY),
    Case("colour with alpha, webp", lambda: _plain("RGBA", (255, 0, 0, 0), "WEBP", lossless=True), note=ON_WHITE, colour=WHITE),
    Case("colour with alpha, tiff", lambda: _plain("RGBA", (255, 0, 0, 0), "TIFF"), note=ON_WHITE, colour=WHITE),
    Case("one colour that is clear", lambda: _plain("RGB", (1, 2, 3), transparency=(1, 2, 3)), note=ON_WHITE, colour=WHITE),
    *(Case(f"{kind.lower()} of several pictures", partial(_frames, kind), note=SEVERAL, colour=RED)
      for kind in ("GIF", "TIFF", "PNG")),
    Case("webp of several pictures", lambda: _frames("WEBP", lossless=True), note=SEVERAL, colour=RED),
    Case("mpo of a stereo camera", lambda: _frames("MPO", quality=100), note=SEVERAL, colour=(254, 0, 0)),
    *(Case(f"jpeg held as {number}", partial(_turned, "JPEG", number), note="" if number == 1 else TURNED)
      for number in range(1, 9)),
    Case("jpeg held as nobody can", lambda: _turned("JPEG", 9), colour=SCENE),
    Case("png held as 6", lambda: _turned("PNG", 6), note=TURNED),
    Case("one pixel", lambda: png_of_size(1, 1), colour=(0, 0, 0)),
    Case("one row of 20,000", lambda: png_of_size(20_000, 1), note=LONG),
    Case("one column of 20,000", lambda: png_of_size(1, 20_000), note=LONG),
    Case("lossless webp", lambda: picture("WEBP", lossless=True), colour=SCENE),
    Case("packed tiff", lambda: picture("TIFF", compression="tiff_lzw"), colour=SCENE),
    Case("deflated tiff", lambda: picture("TIFF", compression="tiff_deflate"), colour=SCENE),
    Case("plain text ppm", lambda: b"P2\n# a comment\n2 1\n255\n99 99\n", colour=(99, 99, 99)),
)  # fmt: skip

BROKEN = tuple(Case(case.name, case.make, case.rule) for case in REFUSED) + tuple(
    Case(f"jpeg, {percent} % of it", partial(_cut_jpeg, percent),
         "IMG_TRUNCATED")
    for percent in (10, 25, 50, 75, 90, 99)
)  # fmt: skip
