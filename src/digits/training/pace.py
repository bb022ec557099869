"""How long a picture takes in a training on this machine's CPU, guessed before one begins: from two rates, timed once on tiny layers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PASSES = 3
"""Forward, the gradient of the input and that of the weights: as many multiply-adds each."""
_BATCH, _CHANNELS, _SIDE = 16, 32, 28
_TRIES = 3


@dataclass(frozen=True)
class Pace:
    """What a training step was seen to do in a second, where nothing else disturbed it."""

    multiply_adds_per_s: float
    bytes_per_s: float
    """Of activations, through layers that only move them (ReLU, Pooling), forward and backward."""

    def picture_s(self, multiply_adds: float, activation_bytes: float) -> float:
        """Return about how many seconds one picture takes.

        Args:
            multiply_adds: of one picture, forward.
            activation_bytes: of all blobs of one picture.
        """
        return PASSES * multiply_adds / self.multiply_adds_per_s + activation_bytes / self.bytes_per_s

    def best(self, other: Pace) -> Pace:
        """Return the quicker of both rates: whatever disturbs a measurement makes it slower."""
        return Pace(max(self.multiply_adds_per_s, other.multiply_adds_per_s), max(self.bytes_per_s, other.bytes_per_s))


def measure() -> Pace:
    """Time a small convolution and a ReLU with pooling, forward and backward, with as many threads as torch has now; some 50 ms."""
    convolution = nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1)
    x = torch.randn(_BATCH, _CHANNELS, _SIDE, _SIDE, requires_grad=True)
    multiply_adds = _BATCH * _SIDE**2 * convolution.weight.numel()
    moved_bytes = x.element_size() * x.numel() * 5 / 4  # the ReLU's values, and a quarter of them pooled
    return Pace(
        PASSES * multiply_adds / _quickest(lambda: convolution(x)),
        moved_bytes / _quickest(lambda: F.max_pool2d(F.relu(x), 2)),
    )


def _quickest(forward: Callable[[], Tensor]) -> float:
    times = []
    for _ in range(_TRIES + 1):  # the first one warms up
        begin = time.perf_counter()
        forward().sum().backward()  # type: ignore[no-untyped-call]  # torch's backward has no types
        times.append(time.perf_counter() - begin)
    return min(times)


class PaceKeeper:
    """Keeps the best of what was measured, for as long as the process lives."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pace: Pace | None = None

    def measure(self) -> Pace:
        """Measure once more, and return the best so far."""
        with self._lock:  # two measurements at a time would slow each other down
            found = measure()
            self._pace = found if self._pace is None else self._pace.best(found)
            return self._pace

    def pace(self) -> Pace:
        """Return the best so far; the first who asks before anything was measured waits for it."""
        return self._pace or self.measure()
