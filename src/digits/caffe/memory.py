"""What ``Net.set_input_arrays`` hands to a ``MemoryData`` layer: rows in their order, round and round."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from digits.caffeproto import caffe_pb2
from digits.core.errors import NetworkError
from digits.networks.layers.registry import Shape


class MemoryRows:
    """A source over two arrays. They are taken as they are: the layer transforms nothing, as in Caffe.

    Raises:
        NetworkError: the arrays do not fit the layer, or are no whole number of batches.
    """

    def __init__(self, layer: caffe_pb2.LayerParameter, data: ArrayLike, labels: ArrayLike) -> None:
        param = layer.memory_data_param
        self._size, picture = param.batch_size, (param.channels, param.height, param.width)
        self._data = np.ascontiguousarray(data, np.float32)
        self._labels = np.ascontiguousarray(labels, np.float32).reshape(-1)
        count = len(self._data) if self._data.ndim else 0
        if self._data.shape[1:] != picture:
            words = f"Layer {layer.name!r} takes pictures of {picture}, and {self._data.shape[1:]} were given."
            raise NetworkError(words)
        if count == 0 or count % self._size or len(self._labels) != count:
            words = f"Layer {layer.name!r}: {count} pictures and {len(self._labels)} labels are no whole batches of {self._size}."
            raise NetworkError(words, hint="Give as many labels as pictures, and a multiple of batch_size.")
        self._at = 0

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Of pictures and labels."""
        return (self._size, *self._data.shape[1:]), (self._size,)

    def next(self) -> tuple[Tensor, ...]:
        """Return the next batch."""
        rows = slice(self._at, self._at + self._size)
        self._at = (self._at + self._size) % len(self._data)
        return torch.from_numpy(self._data[rows].copy()), torch.from_numpy(self._labels[rows].copy())

    def close(self) -> None:
        """Do nothing."""
