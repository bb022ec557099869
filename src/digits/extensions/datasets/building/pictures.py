"""Pictures from files to what is stored: decoded, in the channels and of the size asked for.

Legend: HWC = height, width, channels of uint8 (RGB where there are 3).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digits.data.images import Limits, decode, read_file, to_channels
from digits.data.resize import Plan, place, plan, scale
from digits.extensions.datasets.building.spec import Size


class Read(NamedTuple):
    """A picture that was read."""

    image_HWC: NDArray[np.uint8]
    notes: tuple[str, ...]
    """What was found odd about its file."""
    check: int
    """The CRC-32 of the file: what is drawn by chance for a picture follows from what is in it, wherever it lies."""


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
        data = read_file(path)
        decoded = decode(data, limits=self.limits)
        return Read(self.convert(decoded.image_HWC), decoded.notes, zlib.crc32(data))

    def convert(self, image_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture in the channels asked for."""
        wanted = {"RGB": 3, "L": 1}.get(self.channel_conversion)
        return image_HWC if wanted is None else to_channels(image_HWC, wanted)

    def chance(self, check: int) -> np.random.Generator:
        """Return what draws for the picture of :attr:`Read.check`, by the seed."""
        return np.random.default_rng([self.seed, check])

    def steps(self, size: tuple[int, int]) -> Plan | None:
        """Return how a picture of (height, width) is brought to the size asked for; None where it stays as it is."""
        if not self.size.width or not self.size.height:
            return None
        return plan(size, (self.size.height, self.size.width), self.size.mode)

    def fit(self, image_HWC: NDArray[np.uint8], check: int) -> NDArray[np.uint8]:
        """Return a picture in the size asked for; what it is padded with depends on :attr:`Read.check` and the seed alone."""
        height, width = image_HWC.shape[:2]
        steps = self.steps((height, width))
        if steps is None:
            return image_HWC
        return place(scale(image_HWC, steps.scaled), steps, rng=self.chance(check))

    def load(self, path: bytes) -> Read:
        """Return the picture in a file as it is stored.

        Raises:
            DataError: it cannot be used.
        """
        read = self.read(path)
        return read._replace(image_HWC=self.fit(read.image_HWC, read.check))
