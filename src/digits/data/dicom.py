"""DICOM files, as medical scanners write them: one picture of uncompressed pixels, of any range, to 8 bits a channel.

Brightness goes by the window that the file names (its centre and width, by the rule of its VOI LUT Function; DICOM PS3.3 C.11.2.1.2), and
from the least to the greatest value of the picture where it names none. Read in the child of ``guard`` alone, as parsing takes its time.

Legend: HWC = height, width, channels (1 grey, 3 RGB) of uint8.
"""

from __future__ import annotations

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError

if TYPE_CHECKING:
    from digits.data.decode import Limits

INSTALL = "pip install 'opendigits[medical]' beside the server."
_TAGS = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "NumberOfFrames", "RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "VOILUTFunction", "PixelData",
)  # fmt: skip
_GREY = ("MONOCHROME1", "MONOCHROME2")
_SAVE = "Save it as MONOCHROME2 or RGB."


def has_reader() -> bool:
    """Whether the library is installed that reads DICOM."""
    return find_spec("pydicom") is not None


def decode_dicom(data: bytes, limits: Limits) -> tuple[NDArray[np.uint8], tuple[int, int], tuple[str, ...]]:
    """Return the first picture of a DICOM file as HWC, its (height, width), and what was done to its values.

    Raises:
        DataError: it is too large, ends early, is compressed (IMG_FORMAT), of a kind that is not read (IMG_MODE, IMG_CHANNELS), or the
            library is missing (DICOM_MISSING).
    """
    if not has_reader():
        raise DataError("DICOM needs a library that is not installed.", hint=INSTALL, rule="DICOM_MISSING")
    from pydicom import dcmread
    from pydicom.config import IGNORE, settings
    from pydicom.pixels.utils import pixel_array

    settings.reading_validation_mode = IGNORE  # what does not matter for the pixels is not looked at
    file = dcmread(io.BytesIO(data), specific_tags=list(_TAGS))
    size = _check(file, limits)
    values: NDArray[Any] = pixel_array(file, index=0)
    notes = ("the first of several frames",) if _frames(file) > 1 else ()
    if values.ndim == 3:
        return np.ascontiguousarray(values, np.uint8), size, notes
    image_HW, how = _to_8_bits(values.astype(np.float64), file)
    if file.PhotometricInterpretation == "MONOCHROME1":
        image_HW, notes = 255 - image_HW, (*notes, "black and white exchanged, as its kind asks for")
    return np.ascontiguousarray(image_HW)[:, :, None], size, (*notes, how)


def _frames(file: Any) -> int:
    return int(file.get("NumberOfFrames") or 1)


def _check(file: Any, limits: Limits) -> tuple[int, int]:
    """Return (height, width) of a file whose picture can be read."""
    from digits.data.decode import check_size

    size = int(file.Rows), int(file.Columns)
    check_size(*size, limits)
    syntax = file.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        raise DataError(
            f"Its pixels are compressed ({syntax.name}), which is not read in DICOM.",
            hint="Decompress it before, say by gdcmconv --raw.", rule="IMG_FORMAT",
        )  # fmt: skip
    samples, kind, bits = int(file.SamplesPerPixel), str(file.PhotometricInterpretation), int(file.BitsAllocated)
    if (samples, kind in _GREY, kind == "RGB") not in ((1, True, False), (3, False, True)):
        raise DataError(
            f"Its pixels are {kind} of {samples} values each, which is not read.", hint=_SAVE, rule="IMG_MODE"
        )
    if bits not in ((8, 16, 32) if samples == 1 else (8,)):
        raise DataError(f"Its pixels are {kind} of {bits} bits, which is not read.", hint=_SAVE, rule="IMG_MODE")
    need = size[0] * size[1] * samples * bits // 8
    if len(file.PixelData) < need:
        raise DataError(f"Ends early: {len(file.PixelData):,} of {need:,} bytes of pixels.", rule="IMG_TRUNCATED")
    return size


def _to_8_bits(values: NDArray[np.float64], file: Any) -> tuple[NDArray[np.uint8], str]:
    """Return grey values 0 to 255, and in words how they were got."""
    values = values * float(file.get("RescaleSlope") or 1) + float(file.get("RescaleIntercept") or 0)
    centre, width = _first(file.get("WindowCenter")), _first(file.get("WindowWidth"))
    if centre is None or width is None or not width > 0:
        least, most = values.min(), values.max()
        shares, how = (values - least) / max(most - least, 1e-12), "brightness from its least to its greatest value"
    else:
        shares, how = (
            _windowed(values, centre, width, str(file.get("VOILUTFunction") or "LINEAR")),
            "brightness by the window that it names",
        )
    return np.rint(np.clip(shares, 0, 1) * 255).astype(np.uint8), how


def _windowed(values: NDArray[np.float64], centre: float, width: float, function: str) -> NDArray[np.float64]:
    if function == "SIGMOID":
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -500, 500))))
    if function == "LINEAR_EXACT" or width <= 1:
        return (values - centre) / width + 0.5
    return (values - (centre - 0.5)) / (width - 1) + 0.5


def _first(value: Any) -> float | None:
    """Return the first of the values of an element, which may have one, several or none."""
    if value is None or value == "":
        return None
    return float(value) if isinstance(value, (int, float, str)) else float(value[0])
