"""A whole definition run by the formulas of this folder.

A formula takes the layer's message, its bottoms, its parameter blobs and the phase, all arrays float64, and returns the tops. Gradients
need no second formula: they are differences of two runs that lie close together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from digits.caffeproto import caffe_pb2

Array = NDArray[Any]
Message = caffe_pb2.LayerParameter
Call = Callable[[Message, list[Array], list[Array], str], list[Array]]
LAYERS: dict[str, Call] = {}
NO_GRADIENT: dict[str, tuple[int, ...]] = {
    "SoftmaxWithLoss": (1,),
    "SigmoidCrossEntropyLoss": (1,),
    "HingeLoss": (1,),
    "InfogainLoss": (1, 2),
    "MultinomialLogisticLoss": (1,),
    "ContrastiveLoss": (2,),
    "SmoothL1Loss": (2,),
    "Accuracy": (0, 1),
    "ArgMax": (0,),
    "Threshold": (0,),
    "LSTM": (1,),
    "RNN": (1,),
    "LSTMUnit": (2,),
    "BatchReindex": (1,),
    "Filter": (-1,),
    "Embed": (0,),
    "Upsample": (1,),
    "Crop": (1,),
}
"""Bottoms, by number, that a gradient never reaches."""


def layer(*types: str) -> Callable[[Call], Call]:
    """Register the formula of one or more layer types."""

    def register(function: Call) -> Call:
        LAYERS.update(dict.fromkeys(types, function))
        return function

    return register


@dataclass
class Reference:
    """A definition, run by the formulas.

    Args:
        net: the layers of one state.
        params: arrays by "layer:i"; where a name is shared, those of the owner.
        phase: TRAIN or TEST.
    """

    net: caffe_pb2.NetParameter
    params: dict[str, Array]
    phase: str

    def run(
        self, inputs: Mapping[str, Array], frozen: Mapping[tuple[str, int], Array] | None = None
    ) -> tuple[dict[str, Array], dict[str, Array], dict[tuple[str, int], Array]]:
        """Return the blobs at the end, the losses with their weights, and every bottom as it was read.

        ``frozen`` holds bottoms of an earlier run: they are read where no gradient passes.
        """
        blobs, losses, read = dict(inputs), dict[str, Array](), dict[tuple[str, int], Array]()
        for message in self.net.layer:
            if message.type in ("Input", "DummyData", "Data"):
                continue
            bottoms = []
            for index, name in enumerate(message.bottom):
                value = blobs[name]
                read[message.name, index] = value
                stops = {index, index - len(message.bottom)} & set(NO_GRADIENT.get(message.type, ()))
                if message.propagate_down and not self.net.force_backward:
                    stops |= set() if message.propagate_down[index] else {index}
                bottoms.append(frozen[message.name, index] if frozen is not None and stops else value)
            params = self._params(message)
            tops = LAYERS[message.type](message, bottoms, params, self.phase)
            blobs.update(zip(message.top, tops, strict=True))
            weights = list(message.loss_weight) or ([1.0] if message.type.endswith("Loss") else [])
            for name, top, weight in zip(message.top, tops, weights, strict=False):
                if weight:
                    losses[name + message.name] = weight * top.sum()
        return blobs, losses, read

    def _params(self, message: Message) -> list[Array]:
        params, index = [], 0
        while (value := self.params.get(f"{message.name}:{index}")) is not None:
            params.append(self.params[self.owner(message, index)].reshape(value.shape))
            index += 1
        return params

    def owner(self, message: Message, index: int) -> str:
        """Return the "layer:i" that a parameter blob belongs to: the first layer that names it."""
        name = message.param[index].name if index < len(message.param) else ""
        for other in self.net.layer if name else ():
            for place, spec in enumerate(other.param):
                if spec.name == name:
                    return f"{other.name}:{place}"
        return f"{message.name}:{index}"


def axes_from(axis: int, x: Array) -> int:
    """Return an axis counted from the front."""
    return axis % x.ndim
