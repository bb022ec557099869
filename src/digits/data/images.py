"""A file to the picture that a network is given: the one way, for building a dataset and for testing a model alike.

Legend: HWC = height, width, channels (1 grey, 3 RGB) of uint8.
"""

from __future__ import annotations

import os
import stat
import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.decode import Decoded, Limits, decode
from digits.data.encode import encode_jpeg, encode_png
from digits.data.resize import Plan, ResizeMode, place, plan, resize, scale

__all__ = [
    "Decoded",
    "Limits",
    "ResizeMode",
    "decode",
    "encode_jpeg",
    "encode_png",
    "load_image",
    "prepare",
    "prepare_image",
    "read_file",
    "resize",
    "to_channels",
    "visible",
]

_LONG = 20
MAX_FILE_BYTES = 512 * 1024 * 1024
"""A larger file holds no picture within the limits, unless it is made to exhaust memory."""


def read_file(path: str | Path | bytes) -> bytes:
    """Return the file's bytes.

    Raises:
        DataError: it cannot be read (IMG_UNREADABLE), is no ordinary file (IMG_NOT_A_PICTURE), or is too long to be a picture
            (IMG_TOO_LARGE).
    """
    try:
        with open(path, "rb", buffering=0, opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):  # /dev/zero never ends
                raise DataError("This is no ordinary file.", rule="IMG_NOT_A_PICTURE")
            if status.st_size > MAX_FILE_BYTES:
                raise DataError(
                    f"The file has {status.st_size:,} bytes, more than {MAX_FILE_BYTES:,}.", rule="IMG_TOO_LARGE"
                )
            return file.readall()
    except OSError as error:
        raise DataError(f"It cannot be read: {error.strerror or error}.", rule="IMG_UNREADABLE") from error


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting, as a pipe would have it, for somebody who writes."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has no such pipes


def load_image(path: str | Path | bytes, *, limits: Limits | None = None) -> Decoded:
    """Return the whole picture in the file at ``path``.

    Raises:
        DataError: it cannot be used; ``rule`` says why.
    """
    return decode(read_file(path), limits=limits)


def to_channels(image_HWC: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Return the picture in 1 channel (0.299 R + 0.587 G + 0.114 B) or in 3 (grey, three times).

    Raises:
        DataError: it has, or is to have, another number of channels (IMG_CHANNELS).
    """
    has = image_HWC.shape[2]
    if has == channels:
        return image_HWC
    if {has, channels} != {1, 3}:
        raise _other_channels(has, channels)
    if channels == 1:
        return np.asarray(cv2.cvtColor(image_HWC, cv2.COLOR_RGB2GRAY), np.uint8)[:, :, None]
    return np.repeat(image_HWC, 3, axis=2)


def visible(image_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the part of a picture that can be shown: its first three channels as colour, or of two the first as grey."""
    return image_HWC if image_HWC.shape[2] == 1 else image_HWC[:, :, : 3 if image_HWC.shape[2] >= 3 else 1]


def _other_channels(has: int, wanted: int) -> DataError:
    return DataError(
        f"The picture has {has} channel{'s' * (has != 1)}, not {wanted}.",
        hint="Image Type 'As stored' takes any number from 1 to 16, the same for all.",
        rule="IMG_CHANNELS",
    )


def prepare_image(
    data: bytes,
    *,
    height: int,
    width: int,
    channels: int,
    mode: ResizeMode,
    seed: int = 0,
    limits: Limits | None = None,
) -> NDArray[np.uint8]:
    """Return the picture in the file ``data`` as HWC of the size asked for; the same file always gives the same pixels.

    ``seed`` decides, with the file's content, the noise that ``fill`` and ``half_crop`` pad with.

    Raises:
        DataError: the file cannot be used; ``rule`` says why.
    """
    return prepare(data, height=height, width=width, channels=channels, mode=mode, seed=seed, limits=limits).image_HWC


def prepare(
    data: bytes,
    *,
    height: int,
    width: int,
    channels: int,
    mode: ResizeMode,
    seed: int = 0,
    limits: Limits | None = None,
    converts: bool = True,
) -> Decoded:
    """Do what :func:`prepare_image` does, and say what was done to the picture on the way.

    Without ``converts`` colour is not made grey, nor grey colour: such a picture is refused.
    """
    size, is_grey = (height, width), converts and channels == 1
    decoded = decode(data, limits=limits, enough=lambda whole: plan(whole, size, mode).scaled, grey=is_grey)
    if not converts and decoded.image_HWC.shape[2] != channels:
        raise _other_channels(decoded.image_HWC.shape[2], channels)
    steps = plan(decoded.size, size, mode)
    image = _scaled_in_channels(decoded.image_HWC, steps, channels)
    rng = np.random.default_rng([seed, zlib.crc32(data)]) if image.shape[:2] != steps.size else None
    long, short = max(decoded.size), min(decoded.size)
    notes = (*decoded.notes, f"more than {_LONG} times as long as wide") if long > _LONG * short else decoded.notes
    return Decoded(place(image, steps, rng=rng), decoded.format, decoded.size, notes)


def _scaled_in_channels(image_HWC: NDArray[np.uint8], steps: Plan, channels: int) -> NDArray[np.uint8]:
    """Scale in as few channels as will do: grey first, colour last."""
    if channels < image_HWC.shape[2]:
        image_HWC = to_channels(image_HWC, channels)
    return to_channels(scale(image_HWC, steps.scaled), channels)
