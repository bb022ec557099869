"""Outputs that are pictures, as pictures.

Legend: HWC = height, width, channels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.encode import encode_png
from digits.data.images import visible
from digits.data.views import Outputs, Rendered, ViewFacts
from digits.extensions.views.image.spec import ImageViewSpec

_CHANNELS = (1, 3)
_WHITE = 255


def render(
    outputs: Outputs, picture_HWC: NDArray[np.uint8], facts: ViewFacts, spec: ImageViewSpec
) -> Rendered:  # fmt: skip
    """Return the picture, every output that is one, and what it should be where that is known.

    Raises:
        DataError: no output is a picture.
    """
    found = {name: value[0] for name, value in outputs.items() if value.ndim == 4 and value.shape[1] in _CHANNELS}
    if not found:
        shapes = "; ".join(f"{name}: {' × '.join(map(str, value.shape))}" for name, value in outputs.items())
        raise DataError(
            f"No output is a picture ({shapes}).",
            hint="One is 1 × 1 or 3 channels × height × width. Choose another view.", rule="VIEW_SHAPE",
        )  # fmt: skip
    pngs = {"picture": encode_png(np.ascontiguousarray(visible(picture_HWC)))}
    truth_HWC = facts.true_labels("image")
    if truth_HWC is not None and truth_HWC.shape[2] in _CHANNELS:
        pngs["truth"] = encode_png(np.ascontiguousarray(truth_HWC))
    rows = []
    for number, (name, value_CHW) in enumerate(found.items()):
        pngs[f"output{number}"] = encode_png(_as_picture(value_CHW, spec))
        finite = value_CHW[np.isfinite(value_CHW)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
        rows.append({"name": name, "shape": list(value_CHW.shape), "low": low, "high": high})
    return Rendered({"outputs": rows}, pngs)


def _as_picture(value_CHW: NDArray[np.float32], spec: ImageViewSpec) -> NDArray[np.uint8]:
    """Return the numbers as a picture; those that are none are black."""
    values = value_CHW.astype(np.float64)
    if spec.pixel_conversion == "normalize":
        finite = values[np.isfinite(values)]
        low, span = (finite.min(), np.ptp(finite)) if finite.size else (0.0, 0.0)
        values = (values - low) * (_WHITE / span) if span else np.where(np.isfinite(values), 0.0, values)
    pixels = np.rint(np.nan_to_num(values, posinf=_WHITE, neginf=0).clip(0, _WHITE)).astype(np.uint8)
    image_HWC = pixels.transpose(1, 2, 0)
    return np.ascontiguousarray(image_HWC[:, :, ::-1] if spec.channel_order == "bgr" else image_HWC)
