"""Near duplicates: the same picture cut at its edges by about a twentieth, compressed again, or of another size.

Two pictures are compared in three steps:

1. The look: 16 × 16 grey values, mean removed, of length 1. The product of two is their correlation; one of the two is also
   seen through cuts of 5 % at its edges. All N² products are made, in tiles, by BLAS, and of length 65 instead of 256: on the leading
   principal axes, with the length of the rest as one more value, a product is never below the whole one (Cauchy and Schwarz).
2. The detail: 28 × 28 grey values less all that is broader than a third of the picture. Two shirts before one wall, or two skies,
   have a look in common, not their detail.
3. How much the detail must agree depends on how alike pictures of this set are anyway: two ones of MNIST are more alike than
   a photo and its JPEG. Each picture is held against a sample of the set for that.

Legend: N pictures with thumbnails of H × W, Q of them asked about, P pairs, D values of a look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Thumbs = NDArray[np.uint8]
Cut = tuple[int, int, int, int]

CUT_SHARE = 0.05
WHOLE: Cut = (0, 0, 0, 0)
CUTS: tuple[Cut, ...] = (
    WHOLE, (1, 1, 1, 1), (1, 0, 1, 0), (1, 0, 0, 1), (0, 1, 1, 0), (0, 1, 0, 1), (1, 1, 0, 0), (0, 0, 1, 1),
)  # fmt: skip
"""Which edges are cut: top, bottom, left, right."""
LOOK_SIDE = 16
MIN_LOOK = 0.96
MIN_CONTRAST = 3.0
"""Standard deviation in grey levels; a flatter picture has no look."""
DETAIL_SIDE = 28
DETAIL_WINDOW = 9
MIN_DETAIL_CONTRAST = 1.0
"""The same of the detail: below this it is what 8 bits and JPEG leave behind."""
MAX_DIFFERENCE = 0.12
"""How far the correlation of two details may be from 1 in a set whose pictures differ as photos do ..."""
USUAL_LIKENESS = 0.2
LIKENESS_POWER = 1.5
"""... and less by this power of how much more alike they are: see :func:`_allowed`."""
SAMPLE = 1000
AXES = 64
NEIGHBOURS = 16
"""At most so many are kept for each picture, the nearest."""
_CROWD = 2 * NEIGHBOURS
"""At most so many of one tile for a query: where all look alike, the number of pairs stays that of the pictures."""
_QUERIES, _TILE = 1024, 2048

Tell = Callable[[int], None]
"""Told how many pictures are done; may raise to stop."""


@dataclass(frozen=True)
class Pairs:
    """P pairs of near duplicates, ``first`` < ``second``; ``detail`` says how their details correlate."""

    first: Indices
    second: Indices
    detail: Floats


def find_near(thumbs_NHW: Thumbs, tell: Tell | None = None) -> Pairs:
    """Return the pairs of near duplicates among N grey thumbnails, no two of which are equal.

    Memory is about 3 kB a picture and 1 kB a candidate, of which there are at most ``NEIGHBOURS`` a picture. Flat pictures are in no pair.
    """
    looks, contrast = unit(_view(thumbs_NHW, WHOLE, LOOK_SIDE))
    seen = np.flatnonzero(contrast >= MIN_CONTRAST)
    if len(seen) < 2:
        return _pairs(*(np.empty(0, np.int64),) * 2, np.empty(0, np.float32))
    search = _Search(looks[seen])
    found = []
    for start in range(0, len(seen), _QUERIES):
        rows = seen[start : start + _QUERIES]
        own = np.arange(start, start + len(rows))
        candidates = []
        for number, cut in enumerate(CUTS):
            query, other, look = search.alike(unit(_view(thumbs_NHW[rows], cut, LOOK_SIDE))[0], own)
            candidates.append((own[query], other, look, np.full(len(query), number, np.int64)))
        found.append(_nearest(*(np.concatenate(each) for each in zip(*candidates, strict=True))))
        if tell:
            tell(start + len(rows))
    first, second, cuts = (np.concatenate(each) for each in zip(*found, strict=True))
    first, second = seen[first], seen[second]
    detail = _details(thumbs_NHW, first, second, cuts)
    kept = 1 - detail <= MAX_DIFFERENCE
    first, second, detail = first[kept], second[kept], detail[kept]
    kept = 1 - detail <= _allowed(thumbs_NHW, first, second)
    return _pairs(first[kept], second[kept], detail[kept])


def unit(values_ND: Floats) -> tuple[Floats, Floats]:
    """Return rows without their mean and of length 1, and the standard deviation that each had."""
    centred = values_ND - values_ND.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1)
    return centred / np.maximum(length, 1e-6)[:, None], length / np.float32(np.sqrt(values_ND.shape[1]))


def _view(thumbs_NHW: Thumbs, cut: Cut, side: int) -> Floats:
    """Return pictures as seen through a cut, averaged to ``side`` × ``side`` values each: [N, side²]."""
    height, width = thumbs_NHW.shape[1:]
    rows, columns = _window(height, side, cut[0], cut[1]), _window(width, side, cut[2], cut[3])
    return (rows @ thumbs_NHW.astype(np.float32) @ columns.T).reshape(len(thumbs_NHW), side * side)


def _window(size: int, side: int, before: int, after: int) -> Floats:
    """Return the matrix [side, size] that averages a line of pixels, less its cut ends, into parts of equal width."""
    start, end = size * CUT_SHARE * before, size * (1 - CUT_SHARE * after)
    edges = start + (end - start) * np.arange(side + 1) / side
    pixels = np.arange(size)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.clip(covered, 0, None) * side / (end - start), np.float32)


class _Search:
    """Finds those of N looks that correlate by ``MIN_LOOK`` or more with a query."""

    def __init__(self, looks_ND: Floats) -> None:
        self._looks = looks_ND
        _, axes = np.linalg.eigh(looks_ND.T @ looks_ND)
        self._axes = np.ascontiguousarray(axes[:, : -AXES - 1 : -1])
        self._short = self._shorten(looks_ND)

    def _shorten(self, looks_ND: Floats) -> Floats:
        led = looks_ND @ self._axes
        rest = np.sqrt(np.maximum((looks_ND**2).sum(axis=1) - (led**2).sum(axis=1), 0))
        return np.concatenate([led, rest[:, None]], axis=1)

    def alike(self, looks_QD: Floats, own: Indices) -> tuple[Indices, Indices, Floats]:
        """Return (row of the query, index, correlation) of all that is like a query, its ``own`` index apart."""
        short = self._shorten(looks_QD)
        found = [self._in_tile(looks_QD, short, own, start) for start in range(0, len(self._short), _TILE)]
        query, other, look = (np.concatenate(each) for each in zip(*found, strict=True))
        return query, other, look

    def _in_tile(self, looks_QD: Floats, short: Floats, own: Indices, start: int) -> tuple[Indices, Indices, Floats]:
        bounds = short @ self._short[start : start + _TILE].T
        rows = np.flatnonzero(bounds.max(axis=1) >= MIN_LOOK)
        bounds = bounds[rows]
        hits = bounds >= MIN_LOOK
        for row in np.flatnonzero(hits.sum(axis=1) > _CROWD):
            hits[row, np.argpartition(bounds[row], -_CROWD)[:-_CROWD]] = False
        query, other = np.nonzero(hits)
        query, other = rows[query], other + start
        apart = other != own[query]
        query, other = query[apart], other[apart]
        look = np.einsum("pd,pd->p", looks_QD[query], self._looks[other])
        kept = look >= MIN_LOOK
        return query[kept], other[kept], look[kept]


def _nearest(query: Indices, other: Indices, look: Floats, cut: Indices) -> tuple[Indices, Indices, Indices]:
    """Return (query, other, cut) of the nearest of each query, each pair by the cut in which it is most alike."""
    order = np.lexsort((-look, other, query))
    order = order[_firsts(query[order], other[order])]
    order = order[np.lexsort((-look[order], query[order]))]
    rank = np.arange(len(order)) - np.searchsorted(query[order], query[order])
    order = order[rank < NEIGHBOURS]
    return query[order], other[order], cut[order]


def _firsts(one: Indices, two: Indices) -> NDArray[np.bool_]:
    """Return which of sorted pairs are not the same as the pair before."""
    first = np.ones(len(one), np.bool_)
    first[1:] = (one[1:] != one[:-1]) | (two[1:] != two[:-1])
    return first


def _details(thumbs_NHW: Thumbs, first: Indices, second: Indices, cuts: Indices) -> Floats:
    """Return how the detail of each pair correlates, the first seen through its cut; 0 where one has none."""
    out = np.zeros(len(first), np.float32)
    for number, cut in enumerate(CUTS):
        of_cut = np.flatnonzero(cuts == number)
        for start in range(0, len(of_cut), _TILE):
            some = of_cut[start : start + _TILE]
            one, one_contrast = _detail(thumbs_NHW[first[some]], cut)
            other, other_contrast = _detail(thumbs_NHW[second[some]], WHOLE)
            has_any = np.minimum(one_contrast, other_contrast) >= MIN_DETAIL_CONTRAST
            out[some] = np.einsum("pd,pd->p", one, other) * has_any
    return out


def _detail(thumbs_NHW: Thumbs, cut: Cut) -> tuple[Floats, Floats]:
    grids = _view(thumbs_NHW, cut, DETAIL_SIDE).reshape(-1, DETAIL_SIDE, DETAIL_SIDE)
    place = np.arange(DETAIL_SIDE)
    near = np.abs(place[:, None] - place) <= DETAIL_WINDOW // 2
    blur = (near / near.sum(axis=1, keepdims=True)).astype(np.float32)
    return unit((grids - blur @ grids @ blur.T).reshape(len(grids), -1))


def _allowed(thumbs_NHW: Thumbs, first: Indices, second: Indices) -> Floats:
    """Return how far from 1 the correlation of each pair's details may be.

    The hundredth part of a sample of the set that is most like a picture (five at least) says how alike pictures are here: 0.2 to 0.4
    among photos and CIFAR, 0.5 among the digits of MNIST, 0.8 among its ones.
    """
    ends, place = np.unique(np.concatenate([first, second]), return_inverse=True)
    count = len(thumbs_NHW)
    sample = np.sort(np.random.default_rng(0).choice(count, min(SAMPLE, count), replace=False))
    details = _detail(thumbs_NHW[sample], WHOLE)[0]
    rank = min(len(sample), max(5, len(sample) // 100))
    likeness = np.empty(len(ends), np.float32)
    for start in range(0, len(ends), _TILE):
        some = ends[start : start + _TILE]
        products = _detail(thumbs_NHW[some], WHOLE)[0] @ details.T
        products[sample == some[:, None]] = -1
        likeness[start : start + _TILE] = np.partition(products, -rank, axis=1)[:, -rank]
    of_pair = np.maximum(*np.split(likeness[place], 2))
    excess = np.minimum(1, (1 - of_pair) / (1 - USUAL_LIKENESS))
    return np.asarray(MAX_DIFFERENCE * excess**LIKENESS_POWER, np.float32)


def _pairs(first: Indices, second: Indices, detail: Floats) -> Pairs:
    """Return each pair once, whichever of the two was cut."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    order = np.lexsort((-detail, high, low))
    order = order[_firsts(low[order], high[order])]
    return Pairs(low[order], high[order], detail[order])
