from __future__ import annotations

import threading
import time

import pytest

from digits.data.budget import MemoryBudget

MB = 1_000_000


def most_at_once(budget: MemoryBudget, needs_mb: list[int]) -> tuple[int, int]:
    """How many blocks, and how many MB of them, were open at one moment when threads asked for ``needs_mb``."""
    lock, now, most = threading.Lock(), [0, 0], [0, 0]

    def work(need_mb: int) -> None:
        with budget.take(need_mb * MB):
            with lock:
                now[0], now[1] = now[0] + 1, now[1] + need_mb
                most[:] = max(most[0], now[0]), max(most[1], now[1])
            time.sleep(0.01)
            with lock:
                now[0], now[1] = now[0] - 1, now[1] - need_mb

    threads = [threading.Thread(target=work, args=(need,)) for need in needs_mb]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return most[0], most[1]


def test_what_is_held_at_once_fits_the_budget() -> None:
    assert most_at_once(MemoryBudget(100 * MB), [40] * 12)[1] <= 100


def test_one_that_needs_more_than_all_goes_alone() -> None:
    assert most_at_once(MemoryBudget(100 * MB), [500] * 4) == (1, 500)


def test_what_is_small_never_waits() -> None:
    budget = MemoryBudget(100 * MB)

    with budget.take(100 * MB), budget.take(10 * MB), budget.take(16 * MB):
        pass


def test_what_was_held_is_given_back_after_an_error() -> None:
    budget = MemoryBudget(100 * MB)
    with pytest.raises(KeyError), budget.take(90 * MB):
        raise KeyError

    assert most_at_once(budget, [90, 90]) == (1, 90)
