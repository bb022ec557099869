"""Pictures from files to what is stored: decoded, in the channels and of the size asked for.

Legend: HWC = height, width, channels of uint8 (RGB where there are 3).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digits.data.images import Limits, decode, read_file, to_channels
from digits.data.resize import place, plan, scale
from digits.extensions.datasets.building.spec import Size

Read = tuple[NDArray[np.uint8], tuple[str, ...]]
"""A picture, and what was found odd about its file."""


@dataclass(frozen=True)
class Pictures:
    """How pictures are read."""

    limits: Limits
    seed: int
    """Of the noise that padding is made of."""
    channel_conversion: str
    size: Size

    def read(self, path: bytes) -> Read:
        """Return the picture in a file, in the channels asked for, as large as it is.

        Raises:
            DataError: it cannot be used.
        """
        decoded = decode(read_file(path), limits=self.limits)
        wanted = {"RGB": 3, "L": 1}.get(self.channel_conversion)
        return decoded.image_HWC if wanted is None else to_channels(decoded.image_HWC, wanted), decoded.notes

    def fit(self, image_HWC: NDArray[np.uint8], path: bytes) -> NDArray[np.uint8]:
        """Return a picture in the size asked for; what it is padded with depends on its ``path`` and the seed alone."""
        if not self.size.width or not self.size.height:
            return image_HWC
        height, width = image_HWC.shape[:2]
        steps = plan((height, width), (self.size.height, self.size.width), self.size.mode)
        rng = np.random.default_rng([self.seed, zlib.crc32(path)])
        return place(scale(image_HWC, steps.scaled), steps, rng=rng)

    def load(self, path: bytes) -> Read:
        """Return the picture in a file as it is stored.

        Raises:
            DataError: it cannot be used.
        """
        image_HWC, notes = self.read(path)
        return self.fit(image_HWC, path), notes
