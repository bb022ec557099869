"""How many windows fit one axis. No torch here: forms ask it too."""

from __future__ import annotations


def conv_size(size: int, kernel: int, stride: int, pad: int, dilation: int = 1) -> int:
    """Return how many windows of a convolution fit; sizes round down."""
    return (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1


def pool_size(size: int, kernel: int, stride: int, pad: int, *, up: bool, clip: bool) -> int:
    """Return how many windows of a pooling fit; with ``clip`` (any pad is set) a last one that begins past the picture goes."""
    room = size + 2 * pad - kernel
    count = (-(-room // stride) if up else room // stride) + 1
    return count - 1 if clip and (count - 1) * stride >= size + pad else count
