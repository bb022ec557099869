"""Pictures of two slopes. Legend: HWC = height, width, channels of uint8."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.files import write_bytes
from digits.data.encode import encode_png
from digits.extensions.datasets.gradients.spec import GradientsInference

WHITE = 255.0
STEEPEST = 0.5


def draw(gradient_x: float, gradient_y: float, *, height: int, width: int) -> NDArray[np.uint8]:
    """Return the grey picture [H, W, 1] that is 127.5 in its middle and rises by ``gradient_x`` × 255 to the right, ``gradient_y`` downwards."""
    across = np.linspace(-0.5, 0.5, width) * gradient_x
    down = np.linspace(-0.5, 0.5, height) * gradient_y
    values = WHITE * (0.5 + across[None, :] + down[:, None])
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)[:, :, None]


def slopes(seed: int, part: int, index: int) -> NDArray[np.float32]:
    """Return the two slopes of picture ``index`` of a database, drawn evenly from -0.5 to 0.5."""
    drawn = np.random.default_rng([seed, part, index]).uniform(-STEEPEST, STEEPEST, 2)
    return np.asarray(drawn, np.float32)


def inputs(spec: GradientsInference, folder: Path, facts: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """Write the pictures that a model is to be tested on into ``folder``, and yield the slopes of each, in words, with its path."""
    if spec.test_image_count is None:
        assert spec.gradient_x is not None
        assert spec.gradient_y is not None
        wanted = [(spec.gradient_x, spec.gradient_y)]
    else:
        wanted = [(float(x), float(y)) for x, y in (slopes(0, 3, index) for index in range(spec.test_image_count))]
    size = facts["image"]
    for number, (x, y) in enumerate(wanted):
        path = folder / f"gradient-{number:04d}.png"
        write_bytes(path, encode_png(draw(x, y, height=size["height"], width=size["width"])))
        yield f"{x:.3f}, {y:.3f}", path
