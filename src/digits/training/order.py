"""In which order a training sees the records: an endless stream of them, a function of the seed and the place in it alone.

So a training that goes on in the middle of an epoch needs to remember nothing but the number of its batch.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

_PASS, _ROUND, _CLASS = 0, 2, 3  # what a generator is for; 1 is of crops and mirrors (``sources``)
_BLOCK = 1024  # about so many places are dealt to classes at a time: a generator takes 50 µs to make

Indices = NDArray[np.int64]


class Order(Protocol):
    """A stream of records."""

    def records(self, places: Indices) -> Indices:
        """Return the records at ``places`` (consecutive, from 0 on) of the stream."""


class Passes:
    """One pass over all records after another.

    Args:
        count: records.
        seed: of the order.
        shuffle: a new order each pass; else as they lie.
    """

    def __init__(self, count: int, *, seed: int, shuffle: bool) -> None:
        self._count = count
        self._seed = seed
        self._shuffle = shuffle
        self._kept: tuple[int, Indices] = (-1, np.arange(count))

    def records(self, places: Indices) -> Indices:
        """Return the records at ``places``; each pass has every record once."""
        passes, within = np.divmod(places, self._count)
        if passes[0] == passes[-1]:
            return self._pass(int(passes[0]))[within]
        found = np.empty_like(places)
        for number in np.unique(passes):
            here = passes == number
            found[here] = self._pass(int(number))[within[here]]
        return found

    def _pass(self, number: int) -> Indices:
        """Return the order of the records in pass ``number``."""
        kept, order = self._kept
        if self._shuffle and kept != number:
            order = np.random.default_rng((self._seed, _PASS, number)).permutation(self._count)
            self._kept = (number, order)
        return order


class Balanced:
    """Every class equally often: round after round of one record of each class, and of each class one pass over its records after another.

    So the records of a small class come again sooner, and no record of a class comes twice before all of that class came once.

    Args:
        classes: class id of each record; ids that no record has take no part.
        seed: of the orders.
        shuffle: a new order of the classes in each round, and of a class's records in each pass over them; else as they lie.
    """

    def __init__(self, classes: NDArray[Any], *, seed: int, shuffle: bool) -> None:
        ids = np.asarray(classes, np.int64)
        self._members = [np.flatnonzero(ids == each) for each in np.unique(ids)]
        self._seed = seed
        self._shuffle = shuffle
        self._rounds = max(1, _BLOCK // len(self._members))
        self._dealt = lru_cache(maxsize=2)(self._deal)
        self._passes: dict[int, tuple[int, Indices]] = {}

    def records(self, places: Indices) -> Indices:
        """Return the records at ``places``."""
        num_classes = len(self._members)
        rounds, within = np.divmod(places, num_classes)
        blocks, rows = np.divmod(rounds, self._rounds)
        classes = np.empty_like(places)
        for block in np.unique(blocks):
            here = blocks == block
            classes[here] = self._dealt(int(block))[rows[here], within[here]]
        found = np.empty_like(places)
        for each in np.unique(classes):
            here = np.flatnonzero(classes == each)
            passes, turns = np.divmod(rounds[here], len(self._members[each]))
            for number in np.unique(passes):
                now = passes == number
                found[here[now]] = self._pass(int(each), int(number))[turns[now]]
        return found

    def _deal(self, block: int) -> Indices:
        """Return the class of each place in a block of rounds: [rounds, classes]."""
        rows = np.tile(np.arange(len(self._members)), (self._rounds, 1))
        return np.random.default_rng((self._seed, _ROUND, block)).permuted(rows, axis=1) if self._shuffle else rows

    def _pass(self, each: int, number: int) -> Indices:
        """Return the order of the records of class ``each`` in pass ``number`` over them."""
        members = self._members[each]
        if not self._shuffle:
            return members
        kept = self._passes.get(each)
        if kept is None or kept[0] != number:
            chance = np.random.default_rng((self._seed, _CLASS, each, number))
            kept = self._passes[each] = (number, chance.permutation(members))
        return kept[1]
