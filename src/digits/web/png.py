"""A PNG of raw pixels, in the few lines it takes: the web process loads no image library."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2


def png(rows: bytes, *, width: int, height: int, channels: int) -> bytes:
    """Return the PNG of ``rows``: height x width x channels values of 8 bits, grey or RGB."""
    assert channels in (1, 3), channels
    assert len(rows) == height * width * channels, (len(rows), height, width, channels)
    stride = width * channels
    filtered = b"".join(b"\0" + rows[start : start + stride] for start in range(0, len(rows), stride))
    header = struct.pack(">IIBBBBB", width, height, 8, GREY if channels == 1 else RGB, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered, 1)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def from_planes(planes: bytes, *, width: int, height: int, channels: int) -> bytes:
    """Return the PNG of a raw ``Datum``: CHW, and BGR when it has 3 channels; of more the first three are shown, of two the first."""
    size = width * height
    if channels < 3:
        return png(planes[:size], width=width, height=height, channels=1)
    pixels = bytearray(3 * size)
    for channel in range(3):
        pixels[2 - channel if channels == 3 else channel :: 3] = planes[channel * size : (channel + 1) * size]
    return png(bytes(pixels), width=width, height=height, channels=3)
