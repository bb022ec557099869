"""An output of two numbers as an arrow over the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.data.encode import encode_png
from digits.data.images import visible
from digits.data.views import Outputs, Rendered, ViewFacts
from digits.extensions.views.gradients.spec import GradientsViewSpec

_HEAD = 0.2  # of the arrow's length
_HEAD_ANGLE = math.radians(28)


def render(
    outputs: Outputs, picture_HWC: NDArray[np.uint8], facts: ViewFacts, spec: GradientsViewSpec
) -> Rendered:  # fmt: skip
    """Return the picture and the arrow of the slopes to the right and downwards, from the picture's middle; the true one too.

    Raises:
        DataError: no output has two numbers.
    """
    found = next((value.reshape(-1) for value in reversed(list(outputs.values())) if value.size == 2), None)
    if found is None or not np.isfinite(found).all():
        shapes = "; ".join(f"{name}: {' × '.join(map(str, value.shape))}" for name, value in outputs.items())
        raise DataError(
            f"No output has two numbers ({shapes}).", hint="Choose another view.", rule="VIEW_SHAPE"
        )  # fmt: skip
    height, width = picture_HWC.shape[:2]
    true = facts.true_labels("vector")
    told: dict[str, Any] = {"x": float(found[0]), "y": float(found[1]), "colour": spec.arrow_color, "true": None}
    told["path"] = _arrow(told["x"], told["y"], height, width, spec)
    if true is not None and true.size == 2:
        x, y = (float(value) for value in true)
        error = math.hypot(x - told["x"], y - told["y"])
        told["true"] = {"x": x, "y": y, "path": _arrow(x, y, height, width, spec), "error": error}
    return Rendered(told, {"picture": encode_png(np.ascontiguousarray(visible(picture_HWC)))})


def _arrow(x: float, y: float, height: int, width: int, spec: GradientsViewSpec) -> str:
    """Return the arrow as an SVG path in the pixels of the picture."""
    scale = max(height, width) * spec.arrow_size / 100
    start, end = (width / 2, height / 2), (width / 2 + x * scale, height / 2 + y * scale)
    length, angle = math.hypot(x, y) * scale, math.atan2(y, x)
    sides = [
        (end[0] - _HEAD * length * math.cos(angle + turn), end[1] - _HEAD * length * math.sin(angle + turn))
        for turn in (_HEAD_ANGLE, -_HEAD_ANGLE)
    ]
    return f"M{_point(start)}L{_point(end)}M{_point(sides[0])}L{_point(end)}L{_point(sides[1])}"


def _point(at: Sequence[float]) -> str:
    return f"{at[0]:.2f} {at[1]:.2f}"
