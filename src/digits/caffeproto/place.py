"""Words for errors in a definition: where it is, and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST_SHOWN = 60


def place(where: str, line: int, column: int = 0) -> str:
    """Return ``file:line:column``, or ``line N, column M`` where the text has no file; parts that are 0 are left out."""
    if not line:
        return where
    if not where:
        return f"line {line}, column {column}" if column else f"line {line}"
    return f"{where}:{line}:{column}" if column else f"{where}:{line}"


def shown(name: str) -> str:
    """Return ``name`` in quotes, cut where it is too long to read."""
    return repr(name if len(name) <= _LONGEST_SHOWN else name[:_LONGEST_SHOWN] + "…")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the one of ``known`` that ``name`` was probably meant to be, case and outer blanks aside."""
    wanted = name.strip().lower()
    if not wanted or len(wanted) > _LONGEST_SHOWN:
        return None
    by_lower: dict[str, str] = {}
    for candidate in known:
        by_lower.setdefault(candidate.strip().lower(), candidate)
    if wanted in by_lower:
        return by_lower[wanted]
    close = difflib.get_close_matches(wanted, by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "Did you mean 'x'?", or nothing where no known name is near."""
    near = nearest(name, known)
    return f"Did you mean {near!r}?" if near is not None else ""
