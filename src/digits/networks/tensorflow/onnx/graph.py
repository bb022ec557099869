"""An ONNX graph in the making. Keras has channels last, ONNX's windows have them first: a value is turned only where somebody asks for it so.

Legend: N pictures, C channels, ... sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from digits.core.errors import NetworkError


@dataclass
class Value:
    """A tensor of the network."""

    shape: tuple[int, ...]
    """As Keras has it, without N."""
    last: str = ""
    """Its name in the file with channels last, "" where nobody asked for it yet."""
    first: str = ""
    """Its name with channels first."""


class Graph:
    """Nodes and constants so far."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._taken: set[str] = set()
        self._scope = ""

    def named(self, name: str) -> str:
        """Return ``name``, with a number where something has it already."""
        found = (
            name if name not in self._taken else next(n for i in count(1) if (n := f"{name}_{i}") not in self._taken)
        )
        self._taken.add(found)
        return found

    def enter(self, layer: str) -> None:
        """Call what comes after ``layer``."""
        self._scope = layer

    def node(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add a node of one output, and return the output's name."""
        output = self.named(self._scope)
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, value: Any, dtype: Any = np.float32, *, name: str = "") -> str:
        """Add a constant, and return its name."""
        array: NDArray[Any] = np.array(value, dtype, order="C")
        found = self.named(name or f"{self._scope}/constant")
        self.constants.append(numpy_helper.from_array(array, found))
        return found

    def first(self, value: Value) -> str:
        """Return the name of ``value`` with channels first: [N, C, ...]."""
        if not value.first:
            rank = len(value.shape) + 1
            value.first = self.node("Transpose", [value.last], perm=[0, rank - 1, *range(1, rank - 1)])
        return value.first

    def last(self, value: Value) -> str:
        """Return the name of ``value`` with channels last: [N, ..., C]."""
        if not value.last:
            rank = len(value.shape) + 1
            value.last = self.node("Transpose", [value.first], perm=[0, *range(2, rank), 1])
        return value.last

    def each(self, kind: str, value: Value, *more: str, **attributes: Any) -> Value:
        """Add a node that looks at one number at a time, so that the order of the axes does not matter."""
        is_last = bool(value.last)
        made = self.node(kind, [value.last or value.first, *more], **attributes)
        return Value(value.shape, last=made) if is_last else Value(value.shape, first=made)


def refuse(what: str) -> NetworkError:
    """Return the error of something that does not go out so."""
    return NetworkError(f"{what} cannot be written as ONNX.", where="network.py", hint="Export as safetensors.")
