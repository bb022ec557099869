"""Memory that several threads share: who needs much waits until there is room, who needs little never waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SMALL_BYTES = 16_000_000


class MemoryBudget:
    """Lets threads through while what they say they need fits in ``total_bytes``; one that needs more goes alone."""

    def __init__(self, total_bytes: int) -> None:
        self._total_bytes = total_bytes
        self._used_bytes = 0
        self._changed = threading.Condition()

    @contextmanager
    def take(self, num_bytes: int) -> Iterator[None]:
        """Hold ``num_bytes`` for the length of the block."""
        if num_bytes <= _SMALL_BYTES:
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._used_bytes or self._used_bytes + num_bytes <= self._total_bytes)
            self._used_bytes += num_bytes
        try:
            yield
        finally:
            with self._changed:
                self._used_bytes -= num_bytes
                self._changed.notify_all()
