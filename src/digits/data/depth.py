"""From 16 bits a channel to 8, by their range: never clipped."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError

_SIXTEENTH = 0x1000
_ROWS = 64  # at a time, as the arithmetic takes four times the memory


def to_8_bits(values: NDArray[Any]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return values of 0..65535 divided by 257 and rounded, and notes on it.

    Raises:
        DataError: a value lies outside of 16 bits.
    """
    least, most = int(values.min(initial=0xFFFF)), int(values.max(initial=0))
    if least < 0 or most > 0xFFFF:
        raise DataError(
            "Its pixels have 32 bits, and values beyond 16.",
            hint="Save it with 8 or 16 bits a channel.",
            rule="IMG_MODE",
        )
    notes: tuple[str, ...] = ("16 bits scaled to 8",)
    if most - least < _SIXTEENTH:
        notes += ("uses less than a sixteenth of its 16 bits, so that few grey levels are left: stretch it before",)
    pixels = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _ROWS):
        pixels[top : top + _ROWS] = (values[top : top + _ROWS].astype(np.uint32) + 128) // 257
    return pixels, notes
