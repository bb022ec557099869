"""Source of ``Python`` layers without a bottom: data layers that people write themselves."""

from __future__ import annotations

import torch
from torch import Tensor

from digits.caffe.sources.registry import Asked, Source, source
from digits.networks.caffe.python_layer import PythonLayer
from digits.networks.layers.registry import Shape


@source("Python")
def python(asked: Asked) -> Source:
    """Return the source of a layer written in Python.

    Raises:
        NetworkError: its module cannot be found, or it fails.
    """
    return PythonSource(asked)


class PythonSource:
    """Runs the layer's forward for each batch; tops may have another shape each time."""

    def __init__(self, asked: Asked) -> None:
        self._layer = PythonLayer(asked.layer)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Of the next batch, as the layer's ``reshape`` says."""
        return self._layer.reshape()

    def next(self) -> tuple[Tensor, ...]:
        """Return the next batch."""
        return tuple(torch.from_numpy(top) for top in self._layer.forward())

    def close(self) -> None:
        """Do nothing."""
