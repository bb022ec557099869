"""TIFF files with channels that no format for photographs has: 2 to 16 values a pixel, as microscopes and satellites write them.

Legend: HWC = height, width, channels of uint8, in the file's own order.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from digits.core.errors import DataError
from digits.data.depth import to_8_bits

if TYPE_CHECKING:
    from digits.data.decode import Limits

MAX_CHANNELS = 16
_PHOTOMETRIC, _SAMPLES, _EXTRA = 262, 277, 338
_GREY, _RGB = (0, 1), 2
_BYTES_A_PIXEL = 8  # for the largest number of pixels; more channels may have fewer
_BIG = 43  # BigTIFF's number, in either order of its two bytes
_ALPHA = ((1,), (2,))


def has_channels(data: bytes) -> bool:
    """Whether a TIFF has values beyond grey or colour, with or without transparency."""
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if _BIG in data[2:4] else 8])
        with io.BytesIO(data) as file:
            file.seek(tags.next)
            tags.load(file)
        samples, photometric, extra = int(tags.get(_SAMPLES, 1)), int(tags.get(_PHOTOMETRIC, 0)), tags.get(_EXTRA, ())
    except Exception:  # a damaged file: Pillow says what is wrong with it
        return False
    extra = extra if isinstance(extra, tuple) else (extra,)
    if photometric in _GREY:
        return samples > 1 and not (samples == 2 and extra in _ALPHA)
    return photometric == _RGB and samples > 3 and not (samples == 4 and (not extra or extra in _ALPHA))


def read_size(data: bytes) -> tuple[int, int]:
    """Return (height, width) of the first picture of a TIFF with channels."""
    page = _page(data)
    return int(page.imagelength), int(page.imagewidth)


def decode_channels(data: bytes, limits: Limits) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return the pixels of the first picture as HWC, and what was done to them.

    Raises:
        DataError: it has more than 16 channels, no whole numbers of 8 or 16 bits, or a compression that is not read.
    """
    page = _page(data)
    samples = int(page.samplesperpixel)
    if samples > MAX_CHANNELS:
        raise DataError(
            f"The picture has {samples} channels; {MAX_CHANNELS} are the most.",
            hint="Leave some out.",
            rule="IMG_CHANNELS",
        )
    if page.dtype not in (np.uint8, np.uint16):
        raise DataError(
            f"Its pixels are numbers of kind {page.dtype}, whose values have no range that could be told.",
            hint="Save it with 8 or 16 bits a channel.",
            rule="IMG_MODE",
        )
    if page.nbytes > _BYTES_A_PIXEL * limits.max_pixels:
        raise DataError("Its pixels take more memory than the limits allow.", rule="IMG_TOO_LARGE")
    try:
        values = np.asarray(page.asarray())
    except ValueError as error:
        if "requires the 'imagecodecs' package" not in str(error):
            raise
        raise DataError(
            f"Its compression ({page.compression.name}) is not read in a TIFF of {samples} channels.",
            hint="Save it with Deflate or without compression.",
            rule="IMG_FORMAT",
        ) from error
    values_HWC = values.transpose(1, 2, 0) if page.axes.startswith("S") else values
    if values_HWC.dtype == np.uint16:
        return to_8_bits(values_HWC)
    return np.ascontiguousarray(values_HWC, np.uint8), ()


def _page(data: bytes) -> Any:
    """Return tifffile's page; tifffile is loaded at the first such file."""
    from tifffile import TiffFile

    return TiffFile(io.BytesIO(data)).pages[0]
