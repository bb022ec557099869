"""Blobs as layers written in Python, and programs that use the pycaffe face, see them: numpy arrays with Caffe's attributes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.caffeproto import limits
from digits.core.errors import NetworkError

Array = NDArray[np.float32]


class Dims(tuple[int, ...]):
    """A shape; as pycaffe's own it is equal to lists, too."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, (list, tuple)) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()


class ArrayBlob:
    """A blob: ``data`` and ``diff``, float32 arrays that are made, full of zeros, when they are first looked at."""

    def __init__(self, *shape: int) -> None:
        self._shape = Dims(shape)
        self._data: Array | None = None
        self._diff: Array | None = None

    @property
    def data(self) -> Array:
        """The values; writing into it changes the blob."""
        if self._data is None:
            self._data = np.zeros(self._shape, np.float32)
        return self._data

    @property
    def diff(self) -> Array:
        """The gradient, of the same shape."""
        if self._diff is None:
            self._diff = np.zeros(self._shape, np.float32)
        return self._diff

    @property
    def shape(self) -> Dims:
        """Sizes of all axes."""
        return self._shape

    def reshape(self, *shape: int) -> None:
        """Take another shape; values are kept where their number stays the same, else they are 0.

        Raises:
            NetworkError: a size is below 0, or there are more values than Caffe can count.
        """
        sizes = Dims(int(size) for size in shape)
        if any(size < 0 for size in sizes) or prod(sizes) > limits.MAX_BLOB_ELEMENTS:
            raise NetworkError(f"A blob cannot have the shape {' x '.join(map(str, sizes))}.")
        if sizes == self._shape:
            return
        fits = prod(sizes) == prod(self._shape)
        self._shape = sizes
        self._data = self._data.reshape(sizes) if fits and self._data is not None else None
        self._diff = self._diff.reshape(sizes) if fits and self._diff is not None else None

    def show(self, data: Array) -> None:
        """Take ``data`` for the values, without a copy."""
        if self._shape != data.shape:
            self._shape, self._diff = Dims(data.shape), None
        self._data = data

    @property
    def count(self) -> int:
        """Number of values."""
        return prod(self._shape)

    @property
    def num(self) -> int:
        """Size of axis 0 of an old blob of 4 axes."""
        return self._legacy(0)

    @property
    def channels(self) -> int:
        """Size of axis 1 of an old blob of 4 axes."""
        return self._legacy(1)

    @property
    def height(self) -> int:
        """Size of axis 2 of an old blob of 4 axes."""
        return self._legacy(2)

    @property
    def width(self) -> int:
        """Size of axis 3 of an old blob of 4 axes."""
        return self._legacy(3)

    def _legacy(self, axis: int) -> int:
        return self._shape[axis] if axis < len(self._shape) else 1


class BlobList(list[Any]):
    """The parameter blobs of a layer; a layer written in Python adds its own in ``setup``."""

    def add_blob(self, *shape: int) -> None:
        """Add a blob of zeros."""
        self.append(ArrayBlob(*shape))
