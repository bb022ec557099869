"""Every output as its shape, its range and its first values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digits.data.views import Outputs, Rendered, ViewFacts
from digits.extensions.views.raw.spec import RawSpec

SHOWN = 100
"""So many values of an output; the JSON answer has all."""


def render(outputs: Outputs, _picture_HWC: NDArray[np.uint8], _facts: ViewFacts, _spec: RawSpec) -> Rendered:
    """Return a row for each output."""
    return Rendered({"outputs": [_row(name, value) for name, value in outputs.items()]})


def _row(name: str, value: NDArray[np.float32]) -> dict[str, object]:
    flat = value.reshape(-1)
    finite = flat[np.isfinite(flat)]
    words = ", ".join("NaN" if np.isnan(each) else f"{each:.6g}" for each in flat[:SHOWN])
    return {
        "name": name,
        "shape": list(value.shape),
        "low": float(finite.min()) if finite.size else None,
        "high": float(finite.max()) if finite.size else None,
        "values": words + (", …" if flat.size > SHOWN else ""),
    }
