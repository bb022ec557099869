"""Pictures of the sources that were looked at last, kept in memory: an example and an estimate need no second look."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from digits.core.errors import NotFoundError

MAX_BYTES = 256_000_000
"""Of all pictures together; the looks that were used least recently go first."""


class Sample(Protocol):
    """A picture of a source."""

    @property
    def name(self) -> str:
        """What the source calls it."""

    @property
    def data(self) -> bytes:
        """Its file."""


class Samples:
    """The pictures of each look, by a name that nobody can guess: who has it was shown them."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, Sequence[Sample]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, samples: Sequence[Sample]) -> str:
        """Keep the pictures of a look, and return its name."""
        look = secrets.token_hex(16)
        with self._lock:
            self._kept[look] = samples
            while len(self._kept) > 1 and self._num_bytes() > self._max_bytes:
                self._kept.popitem(last=False)
        return look

    def of(self, look: str) -> Sequence[Sample]:
        """Return the pictures of a look.

        Raises:
            NotFoundError: they are kept no more.
        """
        with self._lock:
            if look not in self._kept:
                raise NotFoundError("These pictures are kept no more.", hint="Look at the source again.")
            self._kept.move_to_end(look)
            return self._kept[look]

    def _num_bytes(self) -> int:
        return sum(len(sample.data) for samples in self._kept.values() for sample in samples)
