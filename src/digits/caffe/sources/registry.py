"""What a source is given and what it gives, and how its class is found by the layer's type."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Protocol

import numpy as np
from torch import Tensor

from digits.caffe.paths import Folders
from digits.caffeproto import caffe_pb2
from digits.networks.layers.registry import Layer, Phase, Shape


class Source(Protocol):
    """Gives batches to one layer, in Caffe's order, without end."""

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Of the next batch, top by top."""

    def next(self) -> tuple[Tensor, ...]:
        """Return the next batch, top by top, float32 on the CPU."""

    def close(self) -> None:
        """Let go of files and threads."""


@dataclass(frozen=True)
class Asked:
    """A data layer, and the surroundings that its source is made in."""

    message: caffe_pb2.LayerParameter
    phase: Phase
    where: str
    folders: Folders
    chance: np.random.Generator
    """Draws crops, mirrors, skips and orders."""

    @property
    def layer(self) -> Layer:
        """The layer, for its errors' words and places."""
        return Layer(self.message, (), self.phase, self.where)


_SOURCES: dict[str, Callable[[Asked], Source]] = {}


def source(type_: str) -> Callable[[Callable[[Asked], Source]], Callable[[Asked], Source]]:
    """Register the source of a layer type."""

    def register(function: Callable[[Asked], Source]) -> Callable[[Asked], Source]:
        assert type_ not in _SOURCES, f"two sources for {type_}"
        _SOURCES[type_] = function
        return function

    return register


@cache
def sources() -> Mapping[str, Callable[[Asked], Source]]:
    """Return every source by layer type, from all files of this folder."""
    package = import_module("digits.caffe.sources")
    for module in pkgutil.iter_modules(package.__path__, "digits.caffe.sources."):
        import_module(module.name)
    return dict(sorted(_SOURCES.items()))
