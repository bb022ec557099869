"""The classes of a drawn street: their ids are their places in the list."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLASSES = (
    "Sky", "Building", "Road", "Sidewalk", "Fence", "Vegetation", "Pole", "Car", "Sign", "Pedestrian", "Cyclist",
)  # fmt: skip
SKY, BUILDING, ROAD, SIDEWALK, FENCE, VEGETATION, POLE, CAR, SIGN, PEDESTRIAN, CYCLIST = range(len(CLASSES))

COLOURS: NDArray[np.uint8] = np.array(
    [
        (128, 128, 128), (128, 0, 0), (128, 64, 128), (0, 0, 192), (64, 64, 128), (128, 128, 0),
        (192, 192, 128), (64, 0, 128), (192, 128, 128), (64, 64, 0), (0, 128, 192),
    ],
    np.uint8,
)  # fmt: skip
"""[classes, 3] of RGB."""
