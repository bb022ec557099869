"""Arrays as pictures: planes side by side in viridis, enlarged by whole pixels while they are small; maps to lay over a picture.

Legend: N tiles, H height, W width of each, float32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.data.encode import encode_indexed_png, encode_png

MAX_WIDTH_PX = 1200
MIN_SIDE_PX = 100
_GAP = 255
"""The colour between tiles: none."""
_COLOURS = 255
_RAMP = np.round(np.linspace(0, 255, _COLOURS)).astype(np.uint8)
_VIRIDIS: NDArray[np.uint8] = np.asarray(cv2.applyColorMap(_RAMP[:, None], cv2.COLORMAP_VIRIDIS), np.uint8)[:, 0, ::-1]
_WHITE = 255


@dataclass(frozen=True)
class Tiled:
    """A PNG of tiles."""

    png: bytes
    width_px: int
    height_px: int
    num_tiles: int
    num_shown: int
    """The first so many have room in the width."""


def draw_tiles(tiles_NHW: NDArray[np.float32], *, low: float, high: float) -> Tiled:
    """Return planes in a square grid, from dark (``low``) to bright (``high``); what is between tiles is transparent."""
    grid = _Grid.of(tiles_NHW.shape)
    shown = _narrowed(tiles_NHW[: grid.num_shown], grid)
    levels = (shown - np.float32(low)) * np.float32((_COLOURS - 1) / ((high - low) or 1.0))
    indices = np.nan_to_num(np.clip(np.rint(levels), 0, _COLOURS - 1)).astype(np.uint8)
    pixels = grid.lay(indices[..., None], _GAP)[..., 0]
    height, width = pixels.shape
    return Tiled(encode_indexed_png(pixels, _VIRIDIS, clear=_GAP), width, height, len(tiles_NHW), grid.num_shown)


def draw_colour_tiles(tiles_N3HW: NDArray[np.float32], *, low: float, high: float) -> Tiled:
    """Return tiles in colour (RGB) in a square grid, 0 to 255 standing for ``low`` to ``high``."""
    grid = _Grid.of((len(tiles_N3HW), *tiles_N3HW.shape[2:]))
    planes = tiles_N3HW[: grid.num_shown]
    narrowed = np.stack([_narrowed(planes[:, channel], grid) for channel in range(3)], axis=-1)
    levels = (narrowed - np.float32(low)) * np.float32(255 / ((high - low) or 1.0))
    pixels = grid.lay(np.nan_to_num(np.clip(np.rint(levels), 0, 255)).astype(np.uint8), _WHITE)
    return Tiled(encode_png(pixels), pixels.shape[1], pixels.shape[0], len(tiles_N3HW), grid.num_shown)


def draw_map(map_HW: NDArray[np.float32], size_px: tuple[int, int]) -> bytes:
    """Return a map of values 0 to 1 as a PNG of ``size_px`` = (height, width) in viridis, smooth between its places."""
    height, width = size_px
    smooth = cv2.resize(map_HW, (width, height), interpolation=cv2.INTER_LINEAR)
    return encode_indexed_png(np.rint(np.clip(smooth, 0, 1) * (_COLOURS - 1)).astype(np.uint8), _VIRIDIS)


@dataclass(frozen=True)
class _Grid:
    columns: int
    rows: int
    num_shown: int
    tile_px: tuple[int, int]
    """Height and width of a tile before it is enlarged."""
    factor: int

    @classmethod
    def of(cls, shape_NHW: tuple[int, ...]) -> _Grid:
        """Return the squarest grid of tiles of this shape that the widest picture has room for."""
        count, height, width = shape_NHW
        shrink = max(1.0, width / MAX_WIDTH_PX)
        height, width = max(1, round(height / shrink)), max(1, round(width / shrink))
        columns = min(math.ceil(math.sqrt(count)), max(1, (MAX_WIDTH_PX + 1) // (width + 1)))
        shown = min(count, columns * columns)
        rows = math.ceil(shown / columns)
        wanted = max(1, math.ceil(MIN_SIDE_PX / min(rows * height, columns * width)))
        room = max(1, (MAX_WIDTH_PX + 1 - columns) // (columns * width))
        return cls(columns, rows, shown, (height, width), min(wanted, room))

    def lay(self, tiles_NHWC: NDArray[np.uint8], gap: int) -> NDArray[np.uint8]:
        """Return the tiles in their places, enlarged, a pixel of ``gap`` between them."""
        height, width = (side * self.factor for side in self.tile_px)
        channels = tiles_NHWC.shape[3]
        large = tiles_NHWC.repeat(self.factor, axis=1).repeat(self.factor, axis=2)
        places = np.full((self.rows * self.columns, height + 1, width + 1, channels), gap, np.uint8)
        places[: len(large), :height, :width] = large
        grid = places.reshape(self.rows, self.columns, height + 1, width + 1, channels).transpose(0, 2, 1, 3, 4)
        return grid.reshape(self.rows * (height + 1), self.columns * (width + 1), channels)[:-1, :-1]


def _narrowed(tiles_NHW: NDArray[np.float32], grid: _Grid) -> NDArray[np.float32]:
    if tiles_NHW.shape[1:] == grid.tile_px:
        return tiles_NHW
    size = grid.tile_px[::-1]
    return np.stack([cv2.resize(tile, size, interpolation=cv2.INTER_AREA) for tile in tiles_NHW]).astype(np.float32)
