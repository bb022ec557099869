"""What a file of the corpus is, and what must become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One file: refused by ``rule``, or taken where that is empty, with ``note`` where something was done to it."""

    title: str
    make: Callable[[], bytes]
    rule: str = ""
    note: str = ""
    colour: tuple[int, int, int] | None = None
    """The average of the picture as it is stored, within 4 levels, where that tells whether it was understood."""
