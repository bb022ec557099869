"""Pictures that stand apart: broken, of one colour, far darker or brighter than the rest, tiny or very long ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digits.data.health.looks import Looks

OutlierKind = Literal["broken", "black", "white", "flat", "dark", "bright", "tiny", "elongated"]
BLACK, WHITE = 8.0, 247.0
"""Mean grey value of a picture that holds as good as nothing else."""
FLAT = 2.0
"""Standard deviation in grey levels of a picture of one colour."""
FENCES = 3.0
"""Tukey's far fences: so many interquartile ranges beyond the quartiles."""
MIN_RANGE = 8.0
"""Grey levels; a set of equal brightness has no outliers within these."""
ENLARGED = 2.0
"""A picture whose sides were enlarged by more than this, on the geometric mean, is tiny."""
ELONGATED = 3.0
"""Long side by short side, or against the stored shape."""


class Outlier(NamedTuple):
    """A picture and what is odd about it; ``value`` says how much."""

    place: int
    kind: OutlierKind
    value: float
    words: str


def find_outliers(looks: Looks, shape: tuple[int, int]) -> list[Outlier]:
    """Return what stands apart, by kind, the farthest first; ``shape`` is the (height, width) of the stored pictures."""
    found = [Outlier(place, "broken", 0.0, reason) for place, reason in sorted(looks.broken.items())]
    found += _of_brightness(looks)
    found += _of_size(shape, looks.sizes)
    return found


def _of_brightness(looks: Looks) -> list[Outlier]:
    mean, spread = looks.mean_N, looks.spread_N
    whole = np.ones(len(looks), np.bool_)
    whole[list(looks.broken)] = False
    flat = whole & (spread < FLAT)
    black, white = flat & (mean <= BLACK), flat & (mean >= WHITE)
    found = _listed(np.flatnonzero(black), mean, "black", "All black: mean {:.1f} of 255")
    found += _listed(np.flatnonzero(white), mean, "white", "All white: mean {:.1f} of 255")
    found += _listed(np.flatnonzero(flat & ~black & ~white), spread, "flat", "A single colour: deviation {:.1f} of 255")
    usual = np.flatnonzero(whole & ~flat)
    if len(usual) < 4:
        return found
    low, high = np.quantile(mean[usual], (0.25, 0.75))
    reach = FENCES * max(float(high - low), MIN_RANGE)
    dark, bright = usual[mean[usual] < low - reach], usual[mean[usual] > high + reach]
    tail = f"; half of all lie between {low:.0f} and {high:.0f}"
    found += _listed(dark[np.argsort(mean[dark])], mean, "dark", "Far darker than the rest: mean {:.0f}" + tail)
    found += _listed(
        bright[np.argsort(-mean[bright])], mean, "bright", "Far brighter than the rest: mean {:.0f}" + tail
    )
    return found


def _listed(places: NDArray[np.int64], values: NDArray[np.float32], kind: OutlierKind, words: str) -> list[Outlier]:
    return [Outlier(place, kind, float(values[place]), words.format(values[place])) for place in places.tolist()]


def _of_size(shape: tuple[int, int], sizes: Sequence[tuple[int, int] | None]) -> list[Outlier]:
    tiny, elongated = [], []
    for place, size in enumerate(sizes):
        if size is None:
            continue
        height, width = size
        factor = math.sqrt(shape[0] * shape[1] / (height * width))
        if factor > ENLARGED:
            words = f"Tiny: {width} × {height} px, enlarged {factor:.1f} times"
            tiny.append(Outlier(place, "tiny", factor, words))
        stretch = (width / height) / (shape[1] / shape[0])
        stretch = max(stretch, 1 / stretch)
        if stretch > ELONGATED:
            words = f"Of extreme shape: {width} × {height} px, {stretch:.1f} times longer than stored"
            elongated.append(Outlier(place, "elongated", stretch, words))
    return [*sorted(tiny, key=lambda each: -each.value), *sorted(elongated, key=lambda each: -each.value)]
