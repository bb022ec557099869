"""How the folders of an archive are to be read: which level names the classes, and whether one above it names databases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from digits.data.rules import DBS, UNDECIDED
from digits.extensions.datasets.classification.sources.shares import SPLITS

_JUNK = (b"__macosx",)

Parts = tuple[bytes, ...]


def is_junk(parts: Parts) -> bool:
    """Whether a member is hidden or some system's own, as macOS puts into its archives."""
    return any(part.startswith(b".") or part.lower() in _JUNK for part in parts)


@dataclass(frozen=True)
class Layout:
    """Where the classes are named: ``depth`` folders stand above them, the last of which names one of ``dbs``, if there are any."""

    depth: int
    dbs: frozenset[int] = frozenset()

    def place(self, parts: Parts) -> tuple[bytes, int] | None:
        """Return class and database (index into ``DBS``, or ``UNDECIDED``) of a member; None for one that lies in no class folder."""
        if len(parts) < self.depth + 2:
            return None
        db = DBS.index(SPLITS[parts[self.depth - 1].lower()]) if self.dbs else UNDECIDED
        return parts[self.depth], db


def layout_of(paths: Iterable[Parts]) -> Layout:
    """Return the layout of an archive whose files lie at ``paths``.

    Folders around everything are passed over, a train folder alone as well. Below them train, val and test are databases, if there is nothing
    else beside them; anything else is a class.
    """
    folders = {parts[:-1] for parts in paths if len(parts) > 1 and not is_junk(parts)}
    depth = 0
    while True:
        tops = {parts[depth] for parts in folders if len(parts) > depth}
        if tops and all(top.lower() in SPLITS for top in tops) and any(SPLITS[top.lower()] == "train" for top in tops):
            return Layout(depth + 1, frozenset(DBS.index(SPLITS[top.lower()]) for top in tops if len(tops) > 1))
        holds_folders = all(len(parts) > depth + 1 for parts in folders)
        if len(tops) != 1 or not holds_folders:
            return Layout(depth)
        depth += 1
