"""What a converter is given (``Layer``), what it returns (``Lowered`` or ``Source``), and how converters are found.

Legend: a shape counts from the batch on, (N, C, H, W); ``window`` numbers are (height, width).
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import import_module
from math import prod
from typing import Any, Literal

import torch
from torch import Tensor, nn

from digits.caffeproto import caffe_pb2, limits
from digits.caffeproto.place import place
from digits.caffeproto.text import layer_line
from digits.core.errors import NetworkError

Shape = tuple[int, ...]
Phase = Literal["TRAIN", "TEST"]
Count = int | tuple[int, int | None]
"""How many bottoms or tops: exactly, or (at least, at most); None is any number."""


@dataclass(frozen=True)
class Layer:
    """One layer of a definition, with the shapes that reach it."""

    message: caffe_pb2.LayerParameter
    in_shapes: tuple[Shape, ...]
    phase: Phase
    where: str
    overwrites: bool = False
    """Nobody else reads the bottom, and its maker does not need it for its gradient: it may be changed where it lies."""

    @property
    def in_shape(self) -> Shape:
        """The first bottom's shape."""
        return self.in_shapes[0]

    def error(self, message: str, *fields: str, hint: str = "") -> NetworkError:
        """Return an error that names this layer, at the line of the first of ``fields`` that its text has."""
        return NetworkError(
            f"Layer {self.message.name!r}: {message}",
            where=place(self.where, layer_line(self.message, *fields)),
            hint=hint,
        )

    def axis(self, index: int, *fields: str, num_axes: int | None = None) -> int:
        """Return an axis counted from the front; a negative one counts from the end.

        Raises:
            NetworkError: there is no such axis.
        """
        num_axes = len(self.in_shape) if num_axes is None else num_axes
        if not -num_axes <= index < num_axes:
            raise self.error(f"there is no axis {index} among {num_axes}.", *fields)
        return index % num_axes

    def blob_shape(self, *shape: int, field: str) -> Shape:
        """Return the shape of a parameter blob.

        Raises:
            NetworkError: it is larger than Caffe can count.
        """
        if prod(shape) > limits.MAX_BLOB_ELEMENTS:
            size = " x ".join(map(str, shape))
            raise self.error(f"its weights would be {size}, which is more than an array can hold.", field)
        return shape


@dataclass(frozen=True)
class Blob:
    """A parameter blob: the attribute of the module that holds it, and how it is filled before training."""

    attribute: str
    filler: caffe_pb2.FillerParameter
    learned: bool = True
    """Solvers move it; not so the statistics of a BatchNorm, whatever ``lr_mult`` says."""
    initial: Tensor | None = None
    """First values instead of the filler's: of a layer that makes its own."""


@dataclass(frozen=True)
class Window:
    """What one output value sees of the input, per spatial axis; ``transposed`` when the layer enlarges (Deconvolution)."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...] = ()
    transposed: bool = False


@dataclass(frozen=True)
class Lowered:
    """What torch does for a layer."""

    call: nn.Module | Callable[..., Any] | None
    """A module, or a function of the bottoms; None for a layer that makes nothing (Silence)."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the function."""
    packed: bool = False
    """The bottoms are given as one tuple."""
    blobs: tuple[Blob, ...] = ()
    window: Window | None = None
    macs_per: Literal["", "output", "input"] = ""
    """Each weight is used once for each place of the output (Convolution, InnerProduct) or input (Deconvolution)."""
    macs_channels: int = 1
    """Values at one such place."""


@dataclass(frozen=True)
class Source:
    """A layer that brings data into the net: each top becomes an input. A shape is None where only the caller knows it."""

    shapes: tuple[Shape | None, ...]
    fillers: tuple[caffe_pb2.FillerParameter, ...] = ()
    """What fills each input before a pass unless it is given."""


NOT_BUILT_YET: Mapping[str, str] = {
    "AnnotatedData": "SSD",
    "DenseImageData": "SegNet",
    "DetectionEvaluate": "SSD",
    "DetectionOutput": "SSD",
    "MultiBoxLoss": "SSD",
    "PriorBox": "SSD",
    "TRT": "NVCaffe",
}
"""Layer types that definitions may name and that no converter makes yet, and whose they are."""


@dataclass(frozen=True)
class Converter:
    """A converter with what it says about its layer."""

    type: str
    function: Callable[[Layer], Lowered | Source]
    bottoms: Count
    tops: Count
    each: bool
    """With n bottoms the layer is used n times, with the same weights, and makes n tops."""
    output_free: bool
    """Its gradient does not need its own output."""

    @property
    def summary(self) -> str:
        """The layer's row in the documentation."""
        return (import_module(self.function.__module__).__doc__ or "").partition("\n")[0]


_CONVERTERS: dict[str, Converter] = {}


def converter(
    *types: str, bottoms: Count = 1, tops: Count = 1, each: bool = False, output_free: bool = False
) -> Callable[[Callable[[Layer], Lowered | Source]], Callable[[Layer], Lowered | Source]]:
    """Register the converter of one or more layer types."""

    def register(function: Callable[[Layer], Lowered | Source]) -> Callable[[Layer], Lowered | Source]:
        for name in types:
            assert name not in _CONVERTERS, f"two converters for {name}"
            _CONVERTERS[name] = Converter(name, function, bottoms, tops, each, output_free)
        return function

    return register


@cache
def converters() -> Mapping[str, Converter]:
    """Return every converter by layer type, from all files of this folder, sorted."""
    package = import_module("digits.networks.layers")
    for module in pkgutil.iter_modules(package.__path__, "digits.networks.layers."):
        import_module(module.name)
    return dict(sorted(_CONVERTERS.items()))


def trial(lowered: Lowered, in_shapes: tuple[Shape, ...]) -> tuple[tuple[Shape, ...], bool]:
    """Return the shapes that a lowered layer makes, from one pass over tensors without memory, and whether it returns a tuple.

    Raises:
        RuntimeError: torch refuses these shapes.
    """
    if lowered.call is None:
        return (), True
    if isinstance(lowered.call, nn.Module):
        return _run_without_memory(lowered.call, (), lowered.packed, in_shapes)
    return _run_function(lowered.call, tuple(sorted(lowered.options.items())), lowered.packed, in_shapes)


def _run_without_memory(
    call: Callable[..., Any], options: tuple[tuple[str, Any], ...], packed: bool, in_shapes: tuple[Shape, ...]
) -> tuple[tuple[Shape, ...], bool]:
    bottoms = tuple(torch.empty(shape, device="meta") for shape in in_shapes)
    with torch.no_grad():
        made = call(bottoms, **dict(options)) if packed else call(*bottoms, **dict(options))
    is_tuple = isinstance(made, (tuple, list))
    return tuple(tuple(top.shape) for top in (made if is_tuple else (made,))), is_tuple


_run_function = lru_cache(4096)(_run_without_memory)
"""A pass costs up to a millisecond, and a large network has the same function on the same shapes again and again."""
