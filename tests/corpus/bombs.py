"""Small files made to cost much: sizes that only the header has, and data that goes on and on. None may cost a gigabyte or ten seconds."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import cache, partial

from PIL import Image

from tests.corpus.cases import Case
from tests.data.corpus import chunk, picture, png_of_size, saved

_SIZES = ((13_312, 13_312), (30_001, 2), (2, 30_001), (65_535, 65_535))


def _jpeg(width: int, height: int) -> bytes:
    data = bytearray(picture("JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def _progressive(width: int, height: int) -> bytes:
    data = bytearray(picture("JPEG", progressive=True))
    at = data.index(b"\xff\xc2") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def _gif(width: int, height: int) -> bytes:
    data = bytearray(picture("GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def _bmp(width: int, height: int) -> bytes:
    data = bytearray(picture("BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def _ppm(width: int, height: int) -> bytes:
    return b"P6 %d %d 255\n" % (width, height) + bytes(100)


def _tiff(width: int, height: int) -> bytes:
    return _patched_tiff({256: width, 257: height, 278: height})


def _patched_tiff(values: dict[int, int], counts: dict[int, int] | None = None) -> bytes:
    """The scene's TIFF with other values, or counts of values, in some tags of its directory."""
    data = bytearray(picture("TIFF"))
    first = struct.unpack_from("<I", data, 4)[0]
    for at in range(first + 2, first + 2 + 12 * struct.unpack_from("<H", data, first)[0], 12):
        tag = struct.unpack_from("<H", data, at)[0]
        if tag in values:
            struct.pack_into("<HII", data, at + 2, 4, 1, values[tag])
        if counts and tag in counts:
            struct.pack_into("<I", data, at + 4, counts[tag])
    return bytes(data)


def _tiff_that_turns_in_circles() -> bytes:
    data = bytearray(picture("TIFF"))
    first = struct.unpack_from("<I", data, 4)[0]
    struct.pack_into("<I", data, first + 2 + 12 * struct.unpack_from("<H", data, first)[0], first)
    return bytes(data)


def _webp(width: int, height: int) -> bytes:
    """An animation of two little pictures on a large canvas: the one header of the format that can tell sizes beyond 16,383."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime")]
    data = bytearray(saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    at = data.index(b"VP8X") + 12
    data[at : at + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)


def _png_with(name: bytes, body: bytes) -> bytes:
    data = picture("PNG")
    return data[:33] + chunk(name, body) + data[33:]


@cache
def _packed() -> bytes:
    """A hundred megabytes of zeros, in a tenth of one."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(100)) + packer.flush()


def _png_that_goes_on() -> bytes:
    """8 x 8 pixels, and rows for a hundred million."""
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", _packed()) + chunk(b"IEND", b"")


def _jpeg_of_many_scans() -> bytes:
    """A progressive picture whose last scan comes two thousand times."""
    data = picture("JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * 2000 + data[-2:]


def _gif_of_many() -> bytes:
    frames = [Image.new("RGB", (2, 2), ("red", "lime")[number % 2]) for number in range(300)]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


_HEADERS: dict[str, Callable[[int, int], bytes]] = {
    "jpeg": _jpeg, "progressive jpeg": _progressive, "gif": _gif, "bmp": _bmp, "ppm": _ppm, "tiff": _tiff, "webp": _webp,
    "png": lambda width, height: png_of_size(width, height)[:4000],
}  # fmt: skip

BOMBS = (
    *(Case(f"{kind} of {width} x {height}", partial(make, width, height), "IMG_TOO_LARGE")
      for kind, make in _HEADERS.items() for width, height in _SIZES),
    Case("bmp of 2^31 - 1 squared", lambda: _bmp(2**31 - 1, 2**31 - 1), "IMG_TOO_LARGE"),
    Case("bmp of a negative width", lambda: _bmp(-5, 5), "IMG_TOO_LARGE"),
    Case("ppm of a size with 40 digits", lambda: b"P6 " + b"9" * 40 + b" 1 255\n", "IMG_BROKEN"),
    Case("tiff of 2^32 - 1 squared", lambda: _tiff(2**32 - 1, 2**32 - 1), "IMG_TOO_LARGE"),
    Case("tiff with two billion strips", lambda: _patched_tiff({}, {273: 2**31, 279: 2**31}), "IMG_BROKEN"),
    Case("tiff with two billion bits a sample", lambda: _patched_tiff({}, {258: 2**31}), "IMG_BROKEN"),
    Case("tiff that turns in circles", _tiff_that_turns_in_circles),
    Case("png with 100 megabytes of profile", lambda: _png_with(b"iCCP", b"a\0\0" + _packed()), "IMG_BROKEN"),
    Case("png with 100 megabytes of text", lambda: _png_with(b"zTXt", b"a\0\0" + _packed())),
    Case("png whose rows go on", _png_that_goes_on, colour=(0, 0, 0)),
    Case("jpeg of two thousand scans", _jpeg_of_many_scans),
    Case("gif of 300 pictures", _gif_of_many, note="the first of several pictures"),
)  # fmt: skip
