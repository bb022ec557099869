"""Groups of equal and nearly equal pictures, leaks between databases and conflicts of labels among them.

Equal are pictures whose stored pixels are, and those made of files with the same bytes (padding with noise may part these).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from digits.data.health.looks import Looks
from digits.data.health.near import Tell, find_near

Group = list[int]
"""Places of pictures, ascending."""
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Duplicates:
    """Groups of each kind, the largest first; a leak or conflict is one of the groups of the first two kinds, whole."""

    exact: list[Group]
    near: list[Group]
    leaks: list[Group]
    conflicts: list[Group]


def find_duplicates(looks: Looks, tell: Tell | None = None) -> Duplicates:
    """Return what is there more than once."""
    whole = [place for place in range(len(looks)) if place not in looks.broken]
    exact = _merged([*_alike(whole, looks.digests_N.__getitem__), *same_files(looks.paths)])
    # Of equal pictures one is compared with the others; equal files may have been stored as different pixels.
    alone = np.asarray(sorted({looks.digests_N[place]: place for place in reversed(whole)}.values()), np.int64)
    pairs = find_near(looks.thumbs_NHW[alone], tell)
    near_pairs = [[int(alone[one]), int(alone[two])] for one, two in zip(pairs.first, pairs.second, strict=True)]
    touched = {place for pair in near_pairs for place in pair}
    near = _merged([*near_pairs, *(group for group in exact if touched & set(group))])
    exact_sets = {tuple(group) for group in exact}
    near = [group for group in near if tuple(group) not in exact_sets]
    covered = {place for group in near for place in group}
    every = [*near, *(group for group in exact if not covered & set(group))]
    leaks = [group for group in every if len({looks.db_of(place) for place in group}) > 1]
    conflicts = [group for group in every if len({int(looks.targets_N[place]) for place in group}) > 1]
    return Duplicates(
        *(sorted(groups, key=lambda group: (-len(group), group)) for groups in (exact, near, leaks, conflicts))
    )


def same_files(paths: Sequence[str]) -> Iterator[Group]:
    """Yield groups of files of the same bytes, by SHA-256; only files of the same size are read. Those that are gone have no say."""
    sizes = {place: size for place, path in enumerate(paths) if (size := _size(path)) is not None}
    for some in _alike(sizes, sizes.__getitem__):
        yield from _alike(some, lambda place: _file_digest(paths[place]))


def _size(path: str) -> int | None:
    """Return the bytes of an ordinary file with some in it."""
    try:
        found = os.stat(path) if os.path.isabs(path) else None
    except (OSError, ValueError):
        return None
    return found.st_size if found and stat.S_ISREG(found.st_mode) and found.st_size else None


def _file_digest(path: str) -> bytes | None:
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError:
        return None
    return digest.digest()


def _alike(places: Iterable[int], of: Callable[[int], Hashable]) -> Iterator[Group]:
    """Yield groups of two or more places that have the same key; a key of None is like no other."""
    groups: defaultdict[Hashable, Group] = defaultdict(list)
    for place in places:
        found = of(place)
        if found is not None:
            groups[found].append(place)
    yield from (group for group in groups.values() if len(group) > 1)


def _merged(groups: Iterable[Group]) -> list[Group]:
    """Return groups that share no place: those that did are one."""
    root: dict[int, int] = {}

    def find(place: int) -> int:
        root.setdefault(place, place)
        while root[place] != place:
            root[place] = root[root[place]]
            place = root[place]
        return place

    for group in groups:
        for place in group[1:]:
            root[find(place)] = find(group[0])
    merged: defaultdict[int, Group] = defaultdict(list)
    for place in sorted(root):
        merged[find(place)].append(place)
    return list(merged.values())
