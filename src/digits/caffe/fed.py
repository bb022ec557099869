"""A network of one state with all that feeds it, on its device; built anew, with the same weights, when the data change their shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.caffe.definitions import Definition
from digits.caffe.outputfile import OutputFiles
from digits.caffe.sources.feed import Feed
from digits.caffeproto import caffe_pb2
from digits.core.errors import NetworkError
from digits.networks.caffe.build import build
from digits.networks.caffe.net import CaffeNet
from digits.networks.caffe.python_layer import python_layers_from
from digits.networks.layers.registry import Phase, Shape
from digits.training.caffe_deploy import placed
from digits.training.solvers import Learnable

_KEPT = 8  # shapes of data for which a built network is kept


class Batches(Protocol):
    """What gives a network its inputs."""

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """Of the next batch, by blob."""

    def next(self) -> dict[str, Tensor]:
        """Return the next batch by blob."""

    def close(self) -> None:
        """Let go of files and threads."""


class ArrayFeed:
    """Rows of arrays in their order, round and round: what ``--data`` brings in, instead of the data layers' own sources.

    Args:
        definition: the layers of one state, which say how many rows a batch has.
        arrays: by blob; those that the network does not take are passed over.

    Raises:
        NetworkError: no array is for this network, or a layer does not say its batch size.
    """

    def __init__(self, definition: Definition, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        self._arrays: dict[str, tuple[NDArray[np.float32], int]] = {}
        for message in definition.message.layer:
            for index, top in enumerate(message.top):
                if message.bottom or top not in arrays:
                    continue
                size = _batch_size(message, index)
                if not size or not len(arrays[top]):
                    words = f"Layer {message.name!r} does not say how many rows of {top!r} make a batch."
                    raise NetworkError(words, where=definition.where)
                self._arrays[top] = (np.asarray(arrays[top], np.float32), size)
        if not self._arrays:
            known = ", ".join(arrays) or "none"
            raise NetworkError("None of the arrays is a blob of the network's data layers.", hint=f"Given: {known}.")
        self._batch = 0

    @property
    def shapes(self) -> dict[str, Shape]:
        """Of each batch."""
        return {name: (size, *array.shape[1:]) for name, (array, size) in self._arrays.items()}

    def next(self) -> dict[str, Tensor]:
        """Return the next rows of all arrays."""
        number, self._batch = self._batch, self._batch + 1
        return {
            name: torch.from_numpy(array[np.arange(number * size, (number + 1) * size) % len(array)])
            for name, (array, size) in self._arrays.items()
        }

    def close(self) -> None:
        """Do nothing."""


class FedNet:
    """A network that takes its next batch by itself.

    Args:
        definition: the layers of one state.
        phase: of the network.
        seed: of fillers and sources; by chance if None.
        share: lends its weights (to a test net, its train net).
        device: where it runs.
        arrays: rows that are used instead of the data layers' sources.
        sizes: shapes of further inputs.

    Raises:
        DigitsError: the definition cannot be built, or its data cannot be opened.
    """

    def __init__(
        self,
        definition: Definition,
        phase: Phase,
        *,
        seed: int | None = None,
        share: FedNet | None = None,
        device: torch.device | None = None,
        arrays: Mapping[str, NDArray[np.float32]] | None = None,
        sizes: Mapping[str, Shape] | None = None,
    ) -> None:
        self.definition, self.phase, self.device = definition, phase, device or torch.device("cpu")
        self._sizes = dict(sizes or {})
        generator = torch.Generator()
        generator.manual_seed(seed) if seed is not None else generator.seed()
        with python_layers_from(*definition.folders.all):
            self.feed: Batches = (
                Feed(definition, phase, seed=seed, given=self._sizes)
                if arrays is None
                else ArrayFeed(definition, arrays)
            )
            shapes = self._sizes | dict(self.feed.shapes)
            self.net: CaffeNet = placed(
                build(
                    definition.message, shapes, phase=phase, where=definition.where, generator=generator,
                    share=share.net if share else None,
                ),
                self.device,
            )  # fmt: skip
        self._files = OutputFiles()
        self._files.attach(self.net)
        self._built = {_key(self.net.input_shapes): self.net}

    def batch(self) -> dict[str, Tensor]:
        """Return the next batch on the device."""
        return {name: blob.to(self.device, non_blocking=True) for name, blob in self.feed.next().items()}

    def fitting(self, blobs: Mapping[str, Tensor]) -> CaffeNet:
        """Return the network for inputs of these shapes; all such networks have the same weights."""
        shapes = {
            name: tuple(blobs[name].shape) if name in blobs else shape for name, shape in self.net.input_shapes.items()
        }
        key = _key(shapes)
        if key not in self._built:
            with python_layers_from(*self.definition.folders.all):
                net = build(
                    self.definition.message, shapes, phase=self.phase, where=self.definition.where, share=self.net
                )
            while len(self._built) >= _KEPT:
                del self._built[next(iter(self._built))]
            self._built[key] = self._files.attach(placed(net, self.device))
        return self._built[key]

    def forward(self) -> tuple[CaffeNet, dict[str, Tensor]]:
        """Run the next batch through, and return the network that did it and its outputs."""
        blobs = self.batch()
        net = self.fitting(blobs)
        return net, net(**blobs)

    @property
    def parameters(self) -> Sequence[Learnable]:
        """All weights, as a solver takes them."""
        return self.net.parameters

    @property
    def losses(self) -> Mapping[str, float]:
        """Loss weights by blob."""
        return self.net.losses

    def learn(self) -> Passed:
        """Run the next batch forward and backward; gradients are added to those that are there."""
        net, outputs = self.forward()
        loss = net.total_loss(outputs)
        if loss.requires_grad:
            torch.autograd.backward(loss)
        return Passed(_outputs(net, outputs), loss.detach())

    def measure(self) -> Passed:
        """Run the next batch forward."""
        with torch.no_grad():
            net, outputs = self.forward()
            loss = net.total_loss(outputs) if net.losses else torch.zeros(())
        return Passed(_outputs(net, outputs), loss)

    def close(self) -> None:
        """Let go of files and threads."""
        self.feed.close()


@dataclass(frozen=True)
class Passed:
    """What one pass of a network gave; nothing waits for the device before the numbers are asked for."""

    outputs: Sequence[tuple[str, Tensor]]
    loss: Tensor

    @property
    def values(self) -> list[tuple[str, float]]:
        """Every number of every output, in Caffe's order."""
        return [(name, value) for name, blob in self.outputs for value in blob.flatten().tolist()]


def _outputs(net: CaffeNet, outputs: Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
    return [(name, outputs[name].detach()) for name in net.outputs]


def _key(shapes: Mapping[str, Shape]) -> tuple[tuple[str, Shape], ...]:
    return tuple(sorted(shapes.items()))


def _batch_size(message: caffe_pb2.LayerParameter, top: int) -> int:
    """Return how many rows a data layer brings in at a time; 0 where it does not say."""
    for field, value in message.ListFields():
        if field.name.endswith("_param") and hasattr(value, "batch_size"):
            return int(value.batch_size)
    shapes = message.input_param.shape or message.dummy_data_param.shape
    if shapes:
        return int(next(iter(shapes[min(top, len(shapes) - 1)].dim), 0))
    return int(next(iter(message.dummy_data_param.num), 0))
