"""One picture in all four resize modes, with the bytes that each would take: what "See example" shows.

Legend: HWC = height, width, channels of uint8.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.databases import Backend, Encoding, encode
from digits.data.images import (
    Limits,
    ResizeMode,
    decode,
    encode_jpeg,
    encode_png,
    prepare_image,
    read_file,
    resize,
    visible,
)
from digits.data.resize import plan

_SHOWN_SIDE_PX = 512
_THUMB_PX = 64
_PACE_S = 1.0
_VALUE_BYTES: dict[Backend, int] = {"lmdb": 1, "hdf5": 4}
"""HDF5 holds float32, before compression."""


def resize_example(
    path: str | None, *, width: int, height: int, channels: int, encoding: Encoding, backend: Backend = "lmdb",
    limits: Limits | None = None, data: bytes | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the picture at ``path``, or that in ``data``, as it is and in each mode, as data URLs; a drawn one where neither is given.

    ``bytes`` of a mode is what the record would take in ``encoding``, or in HDF5, which has none; raw pictures are shown as PNG. 0 ``channels``
    are those of the picture.

    Raises:
        DataError: the picture cannot be used, or there is no such encoding or number of channels.
    """
    if channels not in (0, 1, 3) or encoding not in get_args(Encoding):
        raise DataError(f"No dataset has {channels} channels in encoding {encoding!r}.")
    name = Path(path).name if path else "example.png"
    if data is None:
        data = read_file(path) if path else encode_png(drawn_example())
    whole = decode(data, limits=limits)
    channels = channels or whole.image_HWC.shape[2]
    encoding = encoding if channels in (1, 3) and backend == "lmdb" else "none"
    modes = {}
    for mode in get_args(ResizeMode):
        image = prepare_image(data, height=height, width=width, channels=channels, mode=mode, limits=limits)
        record = encode(image, encoding)
        shown = record if encoding != "none" else encode_png(visible(image))
        modes[mode] = {"image": data_url(shown), "bytes": len(record) * _VALUE_BYTES[backend]}
    source = {"name": name, "width": whole.size[1], "height": whole.size[0], "bytes": len(data)}
    return {"source": {**source, "image": data_url(encode_png(_small(visible(whole.image_HWC))))}, "modes": modes}


def thumbnail(data: bytes, *, limits: Limits | None = None) -> str:
    """Return a picture's file as a small JPEG, as a data URL.

    Raises:
        DataError: the picture cannot be used.
    """
    size = (_THUMB_PX, _THUMB_PX)
    decoded = decode(data, limits=limits, enough=lambda whole: plan(whole, size, "crop").scaled)
    image = resize(visible(decoded.image_HWC), size, "crop")
    return data_url(encode_jpeg(image))


def pace(
    files: Sequence[bytes], *, width: int, height: int, channels: int, mode: ResizeMode, encoding: Encoding,
    backend: Backend = "lmdb", limits: Limits | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return how long a picture takes to be prepared, and how much it takes on disk, from some of them.

    Returns:
        ``picture_s`` (seconds of one thread), ``picture_bytes``, ``measured`` (pictures; preparing them ends after about a second);
        {} where no file can be used.
    """
    sizes: list[int] = []
    channels = channels or next((found for data in files if (found := _channels(data, limits))), 3)
    encoding = encoding if channels in (1, 3) and backend == "lmdb" else "none"
    started = time.perf_counter()
    for data in files:
        try:
            image = prepare_image(data, height=height, width=width, channels=channels, mode=mode, limits=limits)
        except DataError:
            continue
        sizes.append(len(encode(image, encoding)) * _VALUE_BYTES[backend])
        if time.perf_counter() - started > _PACE_S:
            break
    if not sizes:
        return {}
    seconds = (time.perf_counter() - started) / len(sizes)
    return {"picture_s": seconds, "picture_bytes": sum(sizes) / len(sizes), "measured": len(sizes)}


def _channels(data: bytes, limits: Limits | None) -> int:
    try:
        return int(decode(data, limits=limits).image_HWC.shape[2])
    except DataError:
        return 0


def _small(image_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image_HWC.shape[:2]
    ratio = max(height, width) / _SHOWN_SIDE_PX
    if ratio <= 1:
        return image_HWC
    return resize(image_HWC, (max(1, round(height / ratio)), max(1, round(width / ratio))), "squash")


def data_url(data: bytes) -> str:
    """Return a PNG or JPEG file as an address that holds it."""
    kind = "jpeg" if data[:2] == b"\xff\xd8" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def drawn_example() -> NDArray[np.uint8]:
    """Return a picture of 300x450 with a circle, a square and a grid, so that each mode's doing can be seen."""
    image = np.empty((300, 450, 3), np.uint8)
    image[:] = np.linspace((196, 220, 240), (250, 240, 214), 300)[:, None]
    for at in range(0, 450, 50):
        cv2.line(image, (at, 0), (at, 299), (255, 255, 255), 1)
        cv2.line(image, (0, at), (449, at), (255, 255, 255), 1)
    cv2.rectangle(image, (2, 2), (447, 297), (70, 90, 110), 3)
    cv2.circle(image, (225, 150), 95, (213, 94, 0), -1, cv2.LINE_AA)
    cv2.circle(image, (225, 150), 60, (240, 228, 66), -1, cv2.LINE_AA)
    cv2.rectangle(image, (25, 25), (95, 95), (0, 114, 178), -1)
    cv2.rectangle(image, (355, 205), (425, 275), (0, 158, 115), -1)
    return image
