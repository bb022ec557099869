"""Pictures that are odd, broken or none, made here byte by byte, each with what must become of it."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 24


def scene(height: int = SIDE, width: int = SIDE) -> NDArray[np.uint8]:
    """A smooth picture without symmetry: red grows to the right, green downwards."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = 255 * x / max(width - 1, 1), 255 * y / max(height - 1, 1)
    return np.stack([red, green, np.full_like(red, 90.0)], axis=2).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The file that Pillow makes of ``image``."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    """The scene in a format and mode."""
    return saved(Image.fromarray(scene()).convert(mode), kind, **options)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_size(width: int, height: int) -> bytes:
    """A grey PNG of zeros that tells this size; its data is cut at some megabytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min(height * (width + 1), 5_000_000)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def exif(orientation: int) -> bytes:
    """An EXIF block that says how the camera was held."""
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


@dataclass(frozen=True)
class Refused:
    """A file that must be refused, by which rule, and words that the reason must have."""

    name: str
    make: Callable[[], bytes]
    rule: str
    words: str = ""


def _with_crc_error(data: bytes) -> bytes:
    at = data.index(b"IDAT") + 6
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def _short_data_in_whole_chunks() -> bytes:
    rows = zlib.compress(bytes(SIDE * (SIDE + 1)))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows[:8]) + chunk(b"IEND", b"")


def _ftyp(brand: bytes) -> bytes:
    return struct.pack(">I", 24) + b"ftyp" + brand + b"\0\0\0\0" + b"mif1heic" + bytes(64)


def _dng() -> bytes:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    tags = ImageFileDirectory_v2()
    tags[0xC612] = b"\1\4\0\0"
    tags.tagtype[0xC612] = 1
    return picture("TIFF", tiffinfo=tags)


REFUSED = (
    Refused("empty", lambda: b"", "IMG_EMPTY", "empty"),
    Refused("text named jpg", lambda: b"these are no pixels\n", "IMG_NOT_A_PICTURE", "text"),
    Refused("web page", lambda: b"<!DOCTYPE html><html><body>404</body></html>", "IMG_NOT_A_PICTURE", "web page"),
    Refused("macOS settings", lambda: b"\0\0\0\1Bud1" + bytes(60), "IMG_NOT_A_PICTURE", "macOS"),
    Refused("zip", lambda: b"PK\3\4" + bytes(60), "IMG_NOT_A_PICTURE", "ZIP"),
    Refused("noise", lambda: bytes(range(1, 200)), "IMG_NOT_A_PICTURE", "unknown"),
    Refused("text that begins as a BMP", lambda: b"BM is a magazine, and this is long enough", "IMG_NOT_A_PICTURE"),
    Refused("heic", lambda: _ftyp(b"heic"), "IMG_FORMAT", "HEIC"),
    Refused("avif", lambda: _ftyp(b"avif"), "IMG_FORMAT", "AVIF"),
    Refused("mp4", lambda: _ftyp(b"isom"), "IMG_FORMAT", "video"),
    Refused("svg", lambda: b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "IMG_FORMAT", "SVG"),
    Refused("pdf", lambda: b"%PDF-1.7\n" + bytes(60), "IMG_FORMAT", "PDF"),
    Refused("jpeg 2000", lambda: b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(60), "IMG_FORMAT", "JPEG 2000"),
    Refused("jpeg xl", lambda: b"\xff\x0a" + bytes(60), "IMG_FORMAT", "JPEG XL"),
    Refused("photoshop", lambda: b"8BPS\0\1" + bytes(60), "IMG_FORMAT", "Photoshop"),
    Refused("icon", lambda: b"\0\0\1\0\1\0" + bytes(60), "IMG_FORMAT", "icon"),
    Refused("dicom", lambda: bytes(128) + b"DICM" + bytes(60), "IMG_BROKEN", "DICOM"),
    Refused("dng", _dng, "IMG_FORMAT", "DNG"),
    Refused("canon raw", lambda: b"II*\0\x10\0\0\0CR\2\0" + bytes(60), "IMG_FORMAT", "raw"),
    Refused("jpeg, half", lambda: picture("JPEG")[:400], "IMG_TRUNCATED", "Ends early, after 400 bytes."),
    Refused("jpeg, 10 bytes", lambda: picture("JPEG")[:10], "IMG_TRUNCATED", "10 bytes"),
    Refused("jpeg, last byte gone", lambda: picture("JPEG")[:-1], "IMG_TRUNCATED"),
    Refused("progressive jpeg, half", lambda: picture("JPEG", progressive=True)[:500], "IMG_TRUNCATED"),
    Refused("cmyk jpeg, half", lambda: picture("JPEG", "CMYK")[:380], "IMG_TRUNCATED"),
    Refused("png, in the header", lambda: picture("PNG")[:20], "IMG_TRUNCATED", "Ends early: 20 of"),
    Refused("png, in the data", lambda: picture("PNG")[:80], "IMG_TRUNCATED", "Ends early: 80 of"),
    Refused("png, wrong checksum", lambda: _with_crc_error(picture("PNG")), "IMG_BROKEN", "damaged"),
    Refused("png, data too short", _short_data_in_whole_chunks, "IMG_TRUNCATED"),
    Refused("palette png, half", lambda: picture("PNG", "P")[:400], "IMG_TRUNCATED"),
    Refused("bmp, half", lambda: picture("BMP")[:300], "IMG_TRUNCATED", "Ends early: 300 of 1,782 bytes."),
    Refused("webp, half", lambda: picture("WEBP", lossless=True)[:40], "IMG_TRUNCATED", "Ends early: 40 of"),
    Refused("gif, half", lambda: picture("GIF")[:900], "IMG_TRUNCATED"),
    Refused("tiff, half", lambda: picture("TIFF")[:300], "IMG_TRUNCATED"),
    Refused("ppm, half", lambda: picture("PPM")[:100], "IMG_TRUNCATED"),
    Refused("ppm of size 0", lambda: b"P5 0 7 255\n", "IMG_BROKEN"),
    Refused("png of 177 megapixels", lambda: png_of_size(13_312, 13_312), "IMG_TOO_LARGE", "13,312×13,312"),
    Refused("png of 30,001 pixels", lambda: png_of_size(30_001, 2), "IMG_TOO_LARGE", "30,001×2"),
    Refused("png of 2^31 squared", lambda: png_of_size(2**31 - 1, 2**31 - 1)[:2000], "IMG_TOO_LARGE"),
    Refused(
        "float tiff", lambda: saved(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"), "IMG_MODE", "floating-point"
    ),
    Refused("32-bit tiff", lambda: saved(Image.fromarray(np.full((4, 4), 70_000, np.int32)), "TIFF"), "IMG_MODE"),
    Refused("lab tiff", lambda: saved(Image.new("LAB", (4, 4)), "TIFF"), "IMG_MODE", "LAB"),
)
