"""The processes that train one network together, as a training sees them: ``ALONE`` is a world of one. No torch here.

Each process runs the same loop over its own share of every batch. What chance, a clock or a file decides, the leader (rank 0) decides and
tells; only the leader speaks and writes. So the processes take the same way through the loop, and what they wait for each other with comes
in the same order in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


class World:
    """One of ``size`` processes. This class is a process alone; ``digits.training.ranks`` has those that are several.

    Args:
        rank: which one this is, from 0.
        size: how many they are.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    @property
    def leads(self) -> bool:
        """Whether this is the one that speaks, writes files and decides."""
        return self.rank == 0

    @property
    def is_alone(self) -> bool:
        """Whether there is no other."""
        return self.size == 1

    def own(self, count: int) -> slice:
        """Return which of ``count`` things are this process's: shares differ by 1 at most, the larger ones first."""
        least, more = divmod(count, self.size)
        first = self.rank * least + min(self.rank, more)
        return slice(first, first + least + (self.rank < more))

    def largest(self, count: int) -> int:
        """Return how many of ``count`` things the process with the most has."""
        return -(-count // self.size)

    def told(self, find: Callable[[], T]) -> T:
        """Return what ``find`` gives in the leader, which alone calls it; it must be JSON."""
        return find()

    def any(self, flag: bool) -> bool:
        """Return whether ``flag`` holds in any process."""
        return flag

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes, the same bits in each of them."""

    def lend(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by the leader's."""

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """Enter the block once the leader has left it, unless this is the leader."""
        if not self.leads:
            self.told(lambda: None)
        yield
        if self.leads:
            self.told(lambda: None)


ALONE = World()
