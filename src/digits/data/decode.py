"""Bytes of a file to pixels: what is accepted, what becomes of odd pictures, and what is refused with which words.

Every picture from outside goes through here, in building a dataset and in testing a model alike. The rules:

========================  =====================================================================================
16 bits a channel         scaled by their range, 0..65535 to 0..255
2 to 16 channels          kept, of a TIFF alone
CMYK, YCCK                to RGB, by Adobe's rule of inverted inks
palette, transparency     pasted on white
animated, several pages   the first
EXIF orientation          turned as the camera was held, once
over the limits           refused by the header alone
DICOM                     grey by the window that it names, else from the least to the greatest value
large, TIFF, DICOM,       decoded in a process of its own, with little time and memory
many scans
========================  =====================================================================================

Legend: HWC = height, width, channels (1 grey, 3 RGB, else a TIFF's own) of uint8.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np
import PIL
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, WebPImagePlugin, features

from digits.core.errors import DataError
from digits.data.budget import MemoryBudget
from digits.data.depth import to_8_bits
from digits.data.dicom import decode_dicom
from digits.data.jpeg import JpegHeader, read_jpeg_header
from digits.data.png import decode_plain_png, read_plain_png
from digits.data.sniff import ACCEPTED_HINT, HEAD_BYTES, sniff
from digits.data.tiff import decode_channels, has_channels, read_size

if TYPE_CHECKING:
    from digits.data.guard import GuardedDecoder

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "PPM", "GIF", "TIFF")
TURNS = {5, 6, 7, 8}  # orientations that exchange width and height
_DNG_VERSION = 0xC612
_PILLOW_BYTES = 8  # a pixel: Pillow's four of an RGB picture, and a copy in another mode
_LARGE_PIXELS = 4_000_000
_SIMPLE = ("JPEG", "PNG", "WEBP", "BMP", "PPM", "GIF")
_SCAN, _MANY_SCANS = b"\xff\xda", 64
_REDUCIBLE = ("L", "RGB", "RGBA", "CMYK", "YCbCr")
_memory = MemoryBudget(512_000_000)
_guard_lock = threading.Lock()
_guard: GuardedDecoder | None = None


@dataclass(frozen=True)
class Limits:
    """A picture beyond these is refused by its header, before any pixel is decoded."""

    max_pixels: int = 64_000_000
    max_side_px: int = 30_000


@dataclass(frozen=True)
class Decoded:
    """``size`` is the whole picture's (height, width) as it is meant to be seen; ``image_HWC`` may be a smaller decoding of it."""

    image_HWC: NDArray[np.uint8]
    format: str
    size: tuple[int, int]
    notes: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What was done to the picture beyond decoding, for people; empty for an ordinary one."""
        return "; ".join(self.notes)


EnoughCall = Callable[[tuple[int, int]], tuple[int, int]]


def decode(
    data: bytes, *, limits: Limits | None = None, enough: EnoughCall | None = None, grey: bool = False
) -> Decoded:
    """Return the picture that ``data``, a whole file, holds.

    Args:
        data: the file; its name does not count.
        limits: what is too large.
        enough: told the picture's (height, width), returns the size that will do: a JPEG of twice that or more is decoded
            at 1/2, 1/4 or 1/8 of its size. All of it is decoded without.
        grey: one channel will do (a JPEG's luma is taken as it is stored).

    Raises:
        DataError: it cannot be used; ``rule`` says why.
    """
    limits = limits or Limits()
    kind = sniff(data[:HEAD_BYTES])
    if kind == "JPEG":
        header = read_jpeg_header(data)
        if header is not None:
            check_size(header.height, header.width, limits)
            if header.progressive and data.count(_SCAN) > _MANY_SCANS:
                return _decode_guarded(data, kind, limits, enough)
            if header.components in (1, 3) and header.precision == 8:
                decoded = _decode_jpeg(data, header, enough, grey)
                if decoded is not None:
                    return decoded
    if kind == "PNG":
        png = read_plain_png(data)
        if png is not None:
            check_size(png.height, png.width, limits)
            image = decode_plain_png(png, data)
            if image is not None:
                return Decoded(image, kind, (png.height, png.width))
    if kind == "WEBP" and data[12:16] == b"VP8X" and len(data) >= 30:  # an animation's canvas is made when it is opened
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        check_size(height, width, limits)
    return _decode_guarded(data, kind, limits, enough)


def check_size(height: int, width: int, limits: Limits) -> None:
    """Do nothing if a picture of that size may be decoded.

    Raises:
        DataError: it may not (IMG_TOO_LARGE), or has no pixel (IMG_BROKEN).
    """
    if height < 1 or width < 1:
        raise DataError(f"The picture is {width}×{height} pixels.", rule="IMG_BROKEN")
    if max(height, width) > limits.max_side_px:
        raise DataError(
            f"The picture is {width:,}×{height:,} pixels, more than {limits.max_side_px:,} on one side.",
            hint="Make it smaller.",
            rule="IMG_TOO_LARGE",
        )
    if height * width > limits.max_pixels:
        raise DataError(
            f"The picture is {width:,}×{height:,} = {height * width:,} pixels, more than {limits.max_pixels:,}.",
            hint="Make it smaller, or raise the setting max_image_pixels.",
            rule="IMG_TOO_LARGE",
        )


def _decode_jpeg(data: bytes, header: JpegHeader, enough: EnoughCall | None, grey: bool) -> Decoded | None:
    """Decode by libjpeg-turbo, or return None where it finds anything odd: then Pillow judges and has the words."""
    height, width = header.height, header.width
    factor, shrinks = 1, False
    if enough is not None:
        turned = header.orientation in TURNS
        need_w, need_h = enough((width, height)) if turned else reversed(enough((height, width)))
        while factor < 8 and height >= 2 * factor * need_h and width >= 2 * factor * need_w:
            factor *= 2
        shrinks = 6 * need_h <= 5 * height and 6 * need_w <= 5 * width
    # A progressive file's coefficients are all held at once, whatever the scale.
    coefficients = 2 * header.components * height * width if header.progressive else 0
    try:
        with _memory.take(coefficients + 3 * (height // factor) * (width // factor)):
            image = simplejpeg.decode_jpeg(
                data,
                colorspace="GRAY" if grey or header.components == 1 else "RGB",
                min_height=-(-height // factor) if factor > 1 else 0,
                min_width=-(-width // factor) if factor > 1 else 0,
                # Shrinking averages the chroma anyway: a smooth enlargement of it before is lost work.
                fastupsample=shrinks,
                strict=True,
            )
    except ValueError:
        return None
    notes = ("the first of several pictures",) if header.many else ()
    return _turned(image, header.orientation, "JPEG", (height, width), notes)


def _turned(
    image_HWC: NDArray[np.uint8], orientation: int, kind: str, size: tuple[int, int], notes: tuple[str, ...]
) -> Decoded:
    """Undo EXIF's ``orientation``."""
    if orientation != 1:
        if orientation in TURNS:
            image_HWC, size = image_HWC.transpose(1, 0, 2), (size[1], size[0])
        if orientation in (2, 3, 6, 7):
            image_HWC = image_HWC[:, ::-1]
        if orientation in (3, 4, 7, 8):
            image_HWC = image_HWC[::-1]
        image_HWC = np.ascontiguousarray(image_HWC)
        notes = (*notes, "turned by its EXIF orientation")
    return Decoded(image_HWC, kind, size, notes)


def _decode_guarded(data: bytes, kind: str, limits: Limits, enough: EnoughCall | None) -> Decoded:
    """Decode here what is small and takes time by its pixels alone, the rest in a process of its own; by its header first."""
    try:
        height, width, need = _size_and_need(data, kind, limits, enough)
    except DataError:
        raise
    except Exception as error:  # a decoder may raise anything on a file made to break it
        raise _broken(data, kind, error) from error
    if kind in _SIMPLE and height * width <= _LARGE_PIXELS:
        return decode_here(data, kind, limits, enough)
    from digits.data.guard import GuardedDecoder  # which needs this module

    global _guard
    with _guard_lock:
        _guard = _guard or GuardedDecoder()
    with _memory.take(_PILLOW_BYTES * height * width):
        return _guard.decode(data, kind, limits, need)


def _size_and_need(
    data: bytes, kind: str, limits: Limits, enough: EnoughCall | None
) -> tuple[int, int, tuple[int, int] | None]:
    if kind == "DICOM":  # its header is read there, too; it is not compressed, so it has no more pixels than bytes
        return 1, len(data), None
    if kind == "TIFF" and has_channels(data):
        height, width = read_size(data)
        check_size(height, width, limits)
        return height, width, None
    with open_image(io.BytesIO(data)) as image:
        width, height = image.size
        check_size(height, width, limits)
        turned = orientation(image) in TURNS
    return height, width, enough((width, height) if turned else (height, width)) if enough else None


def decode_here(data: bytes, kind: str, limits: Limits, enough: EnoughCall | None) -> Decoded:
    """Decode anything that is accepted, by Pillow, or tifffile for many channels; the header is checked before a pixel is.

    Raises:
        DataError: it cannot be used; ``rule`` says why.
    """
    try:
        if kind == "TIFF" and has_channels(data):
            size = read_size(data)
            check_size(*size, limits)
            return Decoded(*_of_channels(data, limits, size))
        if kind == "DICOM":
            pixels, size, notes = decode_dicom(data, limits)
            return Decoded(pixels, kind, size, notes)
        with open_image(io.BytesIO(data)) as image:
            width, height = image.size
            check_size(height, width, limits)
            if kind == "TIFF" and _DNG_VERSION in getattr(image, "tag_v2", ()):
                raise DataError("This is a DNG picture, which is not read.", hint=ACCEPTED_HINT, rule="IMG_FORMAT")
            notes = ("the first of several pictures",) if getattr(image, "is_animated", False) else ()
            with _memory.take(_PILLOW_BYTES * height * width):
                turn = orientation(image)
                pixels, more = _to_pixels(_loaded(image, turn, enough))
            return _turned(pixels, turn, kind, (height, width), (*notes, *more))
    except DataError:
        raise
    except MemoryError as error:
        raise DataError("There is no memory to decode it.", rule="IMG_TOO_LARGE") from error
    except Exception as error:  # a decoder may raise anything on a file made to break it
        raise _broken(data, kind, error) from error


def _of_channels(
    data: bytes, limits: Limits, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], str, tuple[int, int], tuple[str, ...]]:
    image_HWC, notes = decode_channels(data, limits)
    return image_HWC, "TIFF", size, notes


def open_image(file: IO[bytes]) -> Image.Image:
    """Open a picture of an accepted format by its header; :func:`check_size` must follow."""
    Image.MAX_IMAGE_PIXELS = (
        None  # Pillow's own limit, a global of its own, would warn, or refuse what the setting allows
    )
    return Image.open(file, formats=_FORMATS)


def _loaded(image: Image.Image, turn: int, enough: EnoughCall | None) -> Image.Image:
    """Decode the pixels; a large picture of which less will do is made smaller by whole factors, averaging areas."""
    width, height = image.size
    if enough is None or height * width <= _LARGE_PIXELS:
        image.load()
        return image
    need_w, need_h = enough((width, height)) if turn in TURNS else reversed(enough((height, width)))
    if image.format == "JPEG":
        image.draft(image.mode, (need_w, need_h))
    image.load()
    factor = min(image.width // need_w, image.height // need_h)
    return image.reduce(factor) if factor > 1 and image.mode in _REDUCIBLE else image


def orientation(image: Image.Image) -> int:
    """Return how the camera was held, EXIF's 1..8; 1 where nothing is said, and for TIFF, which Pillow turns by itself."""
    value = 1 if image.format == "TIFF" else image.getexif().get(0x0112, 1)
    return value if value in range(1, 9) else 1


def _to_pixels(image: Image.Image) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return HWC pixels of a loaded picture of any mode, and what was done to get them."""
    mode = image.mode
    if mode in ("I;16", "I;16L", "I;16B", "I;16N", "I"):
        pixels, notes = to_8_bits(np.asarray(image))
        return pixels[:, :, None], notes
    if mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        grey = mode in ("L", "LA", "La", "1")
        return _array(_on_white(image, grey)), ("pasted on white",)
    if mode in ("L", "RGB"):
        return _array(image), ()
    if mode == "1":
        return _array(image.convert("L")), ()
    if mode == "P":
        return _array(image.convert("RGB")), ()
    if mode in ("CMYK", "YCbCr", "RGBX"):
        return _array(image.convert("RGB")), (f"{mode} converted to RGB",)
    what = "floating-point numbers" if mode.startswith("F") else f"of kind {mode!r}"
    raise DataError(
        f"Its pixels are {what}, whose values have no range that could be told.",
        hint="Save it with 8 or 16 bits a channel.",
        rule="IMG_MODE",
    )


def _array(image: Image.Image) -> NDArray[np.uint8]:
    pixels = np.asarray(image)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _on_white(image: Image.Image, grey: bool) -> Image.Image:
    solid = image.convert("LA" if grey else "RGBA")
    canvas = Image.new("L" if grey else "RGB", image.size, "white")
    canvas.paste(solid.convert(canvas.mode), mask=solid.getchannel("A"))
    return canvas


def _broken(data: bytes, kind: str, error: Exception) -> DataError:
    """Say what is wrong with a file whose decoding failed: most are cut short, and that can often be told exactly."""
    expected = _expected_bytes(data, kind)
    if expected > len(data):
        return DataError(f"Ends early: {len(data):,} of {expected:,} bytes.", rule="IMG_TRUNCATED")
    text = str(error).lower()
    if (
        "truncated" in text
        or isinstance(error, EOFError)
        or (kind == "JPEG" and not data.rstrip(b"\0").endswith(b"\xff\xd9"))
    ):
        return DataError(f"Ends early, after {len(data):,} bytes.", rule="IMG_TRUNCATED")
    return DataError(f"The {kind} data is damaged.", rule="IMG_BROKEN")


def _expected_bytes(data: bytes, kind: str) -> int:
    """Return how long the file says that it is at least; 0 where its format does not say."""
    if kind == "PNG":
        position = 8
        while position + 8 <= len(data):
            if data[position + 4 : position + 8] == b"IEND":
                return position + 12
            position += 12 + int.from_bytes(data[position : position + 4], "big")
        return position + 12
    if kind == "WEBP":
        return int.from_bytes(data[4:8], "little") + 8
    if kind == "BMP":
        return int.from_bytes(data[2:6], "little")
    return 0


def decoders() -> dict[str, str]:
    """Return the libraries that decode, with their versions, for the doctor."""
    return {
        "Pillow": PIL.__version__,
        "simplejpeg": str(simplejpeg.__version__),
        "libjpeg-turbo": str(features.version_feature("libjpeg_turbo") or "none"),
        "WebP": str(WebPImagePlugin.SUPPORTED and features.version_module("webp")),
        "TIFF": str(TiffImagePlugin.TiffImageFile.format and features.version_codec("libtiff")),
    }
