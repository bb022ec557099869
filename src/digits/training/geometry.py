"""Where each pixel of a batch lies in the pictures as they are stored: what answers that have places (masks, boxes) move by.

Cutting out, turning, scaling, mirrors and quarter turns of a picture are one affine map together, whoever does them. An answer is moved by
the map at once; what chance decided is in ``Places`` and ``Chance``, so it is a function of the seed and the number of the batch.

Legend: N pictures, H height, W width. Points are (x, y) in pixels; pixel i covers i to i + 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.training.transform import Places

if TYPE_CHECKING:
    from digits.training.augment import Chance

_Maps = NDArray[np.float64]


@dataclass(frozen=True)
class Moves:
    """How the pictures of a batch lie in the stored ones."""

    back: _Maps
    """[N, 2, 3]: takes a point of a picture as the network sees it, (x, y, 1), to its point of the stored picture."""
    size: tuple[int, int]
    """Height and width as the network sees them."""


def moves(
    stored: tuple[int, int], crop_px: int, places: Places | None, chance: Chance | None = None, *, warps: bool = False
) -> Moves | None:
    """Return what becomes of the places in a batch of pictures; None where everything stays where it is.

    Args:
        stored: height and width of the stored pictures.
        crop_px: side of the square that is cut out, 0 for none; where ``places`` does not say so, from the middle.
        places: where it is cut out, and which pictures are mirrored at the end.
        chance: what augmentation does between the two.
        warps: augmentation turns and scales, before it cuts out.
    """
    if not crop_px and chance is None and (places is None or places.mirrored is None):
        return None
    height, width = stored
    out_h, out_w = (crop_px, crop_px) if crop_px else stored
    count = len(places.tops_px) if places is not None else 1 if chance is None else len(chance.angles_deg)
    tops, lefts = np.full(count, (height - out_h) // 2), np.full(count, (width - out_w) // 2)
    if places is not None and crop_px:
        tops, lefts = places.tops_px.numpy(), places.lefts_px.numpy()
    back = _identity(count)
    back[:, 0, 2], back[:, 1, 2] = lefts, tops
    if chance is not None:
        if warps:
            back = _turns(chance, height, width) @ back
        back = back @ _mirror(chance.mirrored, 0, out_w) @ _mirror(chance.upside_down, 1, out_h)
        back = back @ _quarters(chance.quarter_turns, out_h, out_w)
    if places is not None and places.mirrored is not None:
        back = back @ _mirror(places.mirrored.numpy(), 0, out_w)
    return Moves(back[:, :2], (out_h, out_w))


def moved(answers_NCHW: Tensor, by: Moves, outside: int | None) -> Tensor:
    """Return answers of the stored size as the network sees them: each pixel's nearest, [N, C, H, W].

    Args:
        answers_NCHW: of any type, on any device.
        by: how the pictures were moved; one map holds for all where it has one.
        outside: the value of what comes from beyond the edges; None to let the border go on, as the pictures do.
    """
    count, channels, height, width = answers_NCHW.shape
    device, (out_h, out_w) = answers_NCHW.device, by.size
    back = torch.from_numpy(by.back.astype(np.float32)).to(device)[:, :, :, None, None]
    xs = torch.arange(out_w, device=device) + 0.5
    ys = (torch.arange(out_h, device=device) + 0.5)[:, None]
    columns, rows = (torch.floor(back[:, axis, 0] * xs + back[:, axis, 1] * ys + back[:, axis, 2]) for axis in (0, 1))
    within_h, within_w = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    index = (within_h * width + within_w).long().expand(count, out_h, out_w)
    flat = answers_NCHW.reshape(count, channels, -1)
    found = flat.gather(2, index.reshape(count, 1, -1).expand(-1, channels, -1)).view(count, channels, out_h, out_w)
    if outside is None:
        return found
    is_beyond = (within_h != rows) | (within_w != columns)
    return found.masked_fill(is_beyond[:, None], outside)


def _identity(count: int) -> _Maps:
    return np.tile(np.eye(3), (count, 1, 1))


def _mirror(chosen: NDArray[np.bool_], axis: int, length: int) -> _Maps:
    """Return the maps that mirror the chosen pictures along an axis, 0 for x."""
    found = _identity(len(chosen))
    found[chosen, axis, axis], found[chosen, axis, 2] = -1, length
    return found


def _quarters(turns: NDArray[np.int64], height: int, width: int) -> _Maps:
    """Return the maps back from quarter turns counter-clockwise."""
    back = np.array([
        np.eye(3),
        [[0, -1, width], [1, 0, 0], [0, 0, 1]],
        [[-1, 0, width], [0, -1, height], [0, 0, 1]],
        [[0, 1, 0], [-1, 0, height], [0, 0, 1]],
    ])  # fmt: skip
    found: _Maps = back[turns]
    return found


def _turns(chance: Chance, height: int, width: int) -> _Maps:
    """Return the maps back from turns about the middle and enlargements, as ``augment.warp`` samples them."""
    angles = np.radians(chance.angles_deg)
    cos, sin = np.cos(angles) / chance.factors, np.sin(angles) / chance.factors
    x, y = width / 2, height / 2
    found = _identity(len(angles))
    found[:, 0] = np.stack([cos, -sin, x - cos * x + sin * y], 1)
    found[:, 1] = np.stack([sin, cos, y - sin * x - cos * y], 1)
    return found
