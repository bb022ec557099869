"""A network that cannot fit is refused in words, with the figure, before anything of it has memory."""

from __future__ import annotations

import psutil

from digits.core.errors import NetworkError

MOST_OF_FREE = 0.8
_BYTES = 4  # of a float32


def check_memory(values: int, *, where: str, what: str, hint: str = "") -> None:
    """Do nothing if this many float32 values fit into the memory that is free.

    Args:
        values: how many are held at the same time.
        where: the definition.
        what: what takes them, in the words of the error: "Its weights take".
        hint: what to do.

    Raises:
        NetworkError: they do not fit.
    """
    free = psutil.virtual_memory().available
    if values * _BYTES > free * MOST_OF_FREE:
        words = f"{what} about {values * _BYTES / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free here."
        raise NetworkError(words, where=where, hint=hint)
