"""``caffe.Net``: a network as pycaffe's users know it, blobs and parameters as numpy arrays by name.

It computes on the processor, layer by layer. For speed there are ``digits caffe`` and ``digits.networks``, which run the whole graph.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from digits.caffe.blobs import NetLayer, ParameterBlob, layer_messages
from digits.caffe.definitions import Definition, State, read_net
from digits.caffe.memory import MemoryRows
from digits.caffe.mode import seed
from digits.caffe.outputfile import OutputFile
from digits.caffe.sources.feed import Feed
from digits.caffe.sources.registry import Source
from digits.caffe.steps import Flow, Step
from digits.caffeproto import hdf5
from digits.caffeproto.caffemodel import write_caffemodel
from digits.caffeproto.files import read_weights_file
from digits.core.errors import NetworkError
from digits.core.files import write_bytes
from digits.networks.caffe.arrays import Array, ArrayBlob
from digits.networks.caffe.build import build
from digits.networks.caffe.copying import copy_by_name
from digits.networks.caffe.fillers import fill
from digits.networks.caffe.net import CaffeNet
from digits.networks.caffe.python_layer import python_layers_from
from digits.networks.layers.registry import Phase

TRAIN, TEST = 0, 1
PHASES: tuple[Phase, Phase] = ("TRAIN", "TEST")
Arrays = OrderedDict[str, Array]


class Net:
    """A network from a prototxt.

    ``Net(prototxt, phase, weights=file)``, or in the older order ``Net(prototxt, weights, phase)``; ``stages`` and ``level`` choose layers.

    Raises:
        DigitsError: the definition cannot be built, or the weights do not fit.
    """

    def __init__(self, network_file: str | Path, *args: Any, **kwargs: Any) -> None:
        options = _options(args, kwargs)
        phase = PHASES[options["phase"]]
        whole = read_net(Path(network_file))
        self._open(whole.only(State(phase, tuple(options["stages"]), options["level"])), phase)
        if options["weights"]:
            self.copy_from(options["weights"])

    @classmethod
    def of(cls, definition: Definition, phase: int) -> Net:
        """Return the network of a definition that is filtered already."""
        made = cls.__new__(cls)
        made._open(definition, PHASES[phase])
        return made

    @property
    def graph(self) -> CaffeNet:
        """The network as the rest of this package knows it; it has the weights."""
        return self._net

    def _open(self, definition: Definition, phase: Phase) -> None:
        self._definition = definition
        generator = torch.Generator()
        begin = seed()
        generator.manual_seed(begin) if begin is not None else generator.seed()
        with python_layers_from(*definition.folders.all):
            self._feed = Feed(definition, phase, seed=begin)
            shapes = self._feed.shapes
            self._net = build(definition.message, shapes, phase=phase, where=definition.where, generator=generator)
        messages = layer_messages(definition.message, self._net)
        self._steps = [Step(message, phase, definition.where, self._net) for message in messages]
        self._sources: dict[str, Source] = {top: each for tops, each in self._feed.open for top in tops}
        self._files = {
            index: OutputFile(Path(message.hdf5_output_param.file_name))
            for index, message in enumerate(messages)
            if message.type == "HDF5Output" and message.hdf5_output_param.file_name
        }
        self._name_things()

    def _name_things(self) -> None:
        layers = [step.message for step in self._steps]
        self.name = self._net.name
        self.blobs: OrderedDict[str, ArrayBlob] = OrderedDict()
        for info in self._net.layers:
            for top, shape in zip(info.tops, info.output_shapes, strict=True):
                self.blobs[top] = ArrayBlob(*shape)
        self._parameters: dict[int, ParameterBlob] = {}
        self.params: OrderedDict[str, list[ParameterBlob]] = OrderedDict()
        for name in self._net.blobs:
            blob = ParameterBlob(self._net, name)
            shared = self._parameters.setdefault(id(blob.owner), blob)
            self.params.setdefault(name.rpartition(":")[0], []).append(shared if shared.shape == blob.shape else blob)
        self.layers = [NetLayer(layer.name, layer.type, self.params.get(layer.name, [])) for layer in layers]
        self.layer_dict = OrderedDict((layer.name, layer) for layer in self.layers)
        self.bottom_names = OrderedDict((layer.name, list(layer.bottom)) for layer in layers)
        self.top_names = OrderedDict((layer.name, list(layer.top)) for layer in layers)
        self._layer_names, self._blob_names = [layer.name for layer in layers], list(self.blobs)
        self.inputs = [top for layer in layers if layer.type == "Input" for top in layer.top]
        self.outputs = list(self._net.outputs)
        self._losses = {name: weight for name, weight in self._net.losses.items() if name in self.blobs}
        self.blob_loss_weights = OrderedDict((name, self._losses.get(name, 0.0)) for name in self.blobs)
        learned = {name: any(blob.owner.requires_grad for blob in blobs) for name, blobs in self.params.items()}
        self._flow = Flow(layers, learned, force_backward=self._definition.message.force_backward)
        for name in self._losses:
            self.blobs[name].diff[...] = self._losses[name]

    def forward(
        self, blobs: Iterable[str] | None = None, start: str | None = None, end: str | None = None, **kwargs: Any
    ) -> Arrays:
        """Run from layer ``start`` to layer ``end``, and return the outputs, and ``blobs``, by name.

        Args:
            blobs: names of further blobs to return.
            start: first layer; the first one.
            end: last layer, whose tops are returned; the last one.
            kwargs: the inputs by name; they stay as they are if none is given.

        Raises:
            NetworkError: the inputs are not those of the network, or have another batch size.
        """
        first = 0 if start is None else self._index(start)
        last = len(self._steps) - 1 if end is None else self._index(end)
        wanted = list(self.outputs if end is None else self.top_names[end]) + list(blobs or [])
        if kwargs:
            if set(kwargs) != set(self.inputs):
                raise NetworkError(f"Inputs are {', '.join(self.inputs)}, and {', '.join(kwargs)} were given.")
            for name, array in kwargs.items():
                self._fill(name, np.asarray(array))
        for index in range(first, last + 1):
            self.forward_layer(index)
        return OrderedDict((name, self._blob(name).data) for name in dict.fromkeys(wanted))

    def backward(
        self, diffs: Iterable[str] | None = None, start: str | None = None, end: str | None = None, **kwargs: Any
    ) -> Arrays:
        """Go back from layer ``start`` to layer ``end``, and return the gradients of the inputs, and of ``diffs``, by name.

        Gradients of parameters are added to those that are there (``clear_param_diffs``).

        Args:
            diffs: names of further blobs whose gradients to return.
            start: layer to begin with, the nearest to the outputs; the last one.
            end: layer to stop after, whose bottoms' gradients are returned; the first one.
            kwargs: gradients of the outputs by name; they stay as they are (a loss's is its weight) if none is given.

        Raises:
            NetworkError: the gradients are not those of the outputs, or the network has not gone forward.
        """
        first = len(self._steps) - 1 if start is None else self._index(start)
        last = 0 if end is None else self._index(end)
        wanted = list(self.inputs if end is None else self.bottom_names[end]) + list(diffs or [])
        if kwargs and set(kwargs) != set(self.outputs):
            raise NetworkError(f"Outputs are {', '.join(self.outputs)}, and {', '.join(kwargs)} were given.")
        for name, array in kwargs.items():
            self.blobs[name].diff[...] = array
        for name in self._flow.sums(first, last):
            self.blobs[name].diff[...] = 0
        for index in range(first, last - 1, -1):
            self.backward_layer(index)
        return OrderedDict((name, self._blob(name).diff) for name in dict.fromkeys(wanted))

    def forward_all(self, blobs: Iterable[str] | None = None, **kwargs: Any) -> dict[str, NDArray[Any]]:
        """Run inputs of any length through in batches, and return the outputs, and ``blobs``, of them all."""
        found: dict[str, list[Array]] = {}
        count = len(np.asarray(next(iter(kwargs.values()))))
        for batch in self._batches(kwargs):
            for name, array in self.forward(blobs=blobs, **batch).items():
                found.setdefault(name, []).append(array.copy())
        return {name: np.concatenate(parts)[:count] for name, parts in found.items()}

    def forward_backward_all(
        self, blobs: Iterable[str] | None = None, diffs: Iterable[str] | None = None, **kwargs: Any
    ) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
        """Run inputs, and gradients of the outputs, of any length through in batches, forward and backward."""
        forward, backward = dict[str, list[Array]](), dict[str, list[Array]]()
        count = len(np.asarray(next(iter(kwargs.values()))))
        for batch in self._batches(kwargs):
            inputs = {name: array for name, array in batch.items() if name in self.inputs}
            outputs = {name: array for name, array in batch.items() if name in self.outputs}
            for name, array in self.forward(blobs=blobs, **inputs).items():
                forward.setdefault(name, []).append(array.copy())
            for name, array in self.backward(diffs=diffs, **outputs).items():
                backward.setdefault(name, []).append(array.copy())
        both = [{name: np.concatenate(parts)[:count] for name, parts in all_.items()} for all_ in (forward, backward)]
        return both[0], both[1]

    def reshape(self) -> None:
        """Let every blob take the shape that follows from the inputs'."""
        for step in self._steps:
            if step.is_source:
                continue
            shapes = step.fit(tuple(tuple(self.blobs[name].shape) for name in step.message.bottom))
            for name, shape in zip(step.message.top, shapes, strict=True):
                self.blobs[name].reshape(*shape)

    def copy_from(self, weights: str | Path) -> None:
        """Copy the weights of a file, of any form, by the names of layers.

        Raises:
            WeightsError: it holds none, or a layer has another shape.
        """
        copy_by_name(self._net, [(str(weights), read_weights_file(Path(weights)))])

    def share_with(self, other: Net) -> None:
        """Have the same memory for weights as ``other`` in all layers of the same names.

        Raises:
            NetworkError: a layer has another shape there.
        """
        for name, blobs in self.params.items():
            for ours, theirs in zip(blobs, other.params.get(name, []), strict=False):
                if ours.shape != theirs.shape:
                    raise NetworkError(
                        f"Layer {name!r} has parameters of {tuple(theirs.shape)} and {tuple(ours.shape)}."
                    )
                ours.owner.data = theirs.owner.data

    def save(self, path: str | Path) -> None:
        """Write the weights as a ``.caffemodel``."""
        write_bytes(Path(path), write_caffemodel(self._definition.message, self._net.state()))

    def save_hdf5(self, path: str | Path, write_diff: bool = False) -> None:
        """Write the weights as HDF5; gradients are not kept."""
        del write_diff
        write_bytes(Path(path), hdf5.weights_bytes(self._net.state()))

    def load_hdf5(self, path: str | Path) -> None:
        """Copy the weights of an HDF5 file."""
        self.copy_from(path)

    def set_input_arrays(self, data: ArrayLike, labels: ArrayLike) -> None:
        """Give the pictures and labels of the MemoryData layer: whole batches, which are taken one after another, round and round.

        Raises:
            NetworkError: there is no such layer, or the arrays do not fit it.
        """
        layer = next((step.message for step in self._steps if step.message.type == "MemoryData"), None)
        if layer is None:
            raise NetworkError("The network has no MemoryData layer.")
        self._sources |= dict.fromkeys(layer.top, MemoryRows(layer, data, labels))

    def clear_param_diffs(self) -> None:
        """Set the gradients of all parameters to 0."""
        for blob in self._parameters.values():
            blob.diff[...] = 0

    def set_param_diffs(self, diffs: Mapping[int, Tensor]) -> None:
        """Set the gradients of parameters, by the ids of their tensors."""
        for key, blob in self._parameters.items():
            if key in diffs:
                blob.diff[...] = diffs[key].reshape(tuple(blob.shape)).numpy()

    def lend_diffs(self) -> None:
        """Let a solver see the gradients of the parameters that learn where it looks for them."""
        for blob in self._parameters.values():
            if blob.owner.requires_grad:
                blob.owner.grad = torch.from_numpy(blob.diff).reshape(blob.owner.shape)

    def _bottom_ids(self, index: int) -> list[int]:
        """Return the numbers of the blobs that layer ``index`` takes."""
        return [self._blob_names.index(name) for name in self._steps[index].message.bottom]

    def _top_ids(self, index: int) -> list[int]:
        """Return the numbers of the blobs that layer ``index`` makes."""
        return [self._blob_names.index(name) for name in self._steps[index].message.top]

    def _index(self, layer: str) -> int:
        if layer not in self._layer_names:
            raise NetworkError(f"The network has no layer {layer!r}.", hint=f"Layers: {', '.join(self._layer_names)}.")
        return self._layer_names.index(layer)

    def _blob(self, name: str) -> ArrayBlob:
        if name not in self.blobs:
            raise NetworkError(f"The network has no blob {name!r}.", hint=f"Blobs: {', '.join(self.blobs)}.")
        return self.blobs[name]

    def _fill(self, name: str, array: NDArray[Any]) -> None:
        blob = self.blobs[name]
        if not array.ndim or array.shape[0] != blob.shape[0]:
            words = f"Input {name!r} has a batch size of {blob.shape[0]}, and {array.shape[:1]} rows were given."
            raise NetworkError(words, hint="Reshape the blob first.")
        blob.data[...] = array

    def _batches(self, arrays: dict[str, Any]) -> Iterable[dict[str, Any]]:
        """Yield rows of all arrays, as many as the network takes at a time; the last ones are filled up with zeros."""
        size = self.blobs[self.inputs[0]].shape[0]
        whole = {name: np.asarray(array) for name, array in arrays.items()}
        for begin in range(0, len(next(iter(whole.values()))), size):
            parts = {name: array[begin : begin + size] for name, array in whole.items()}
            yield {
                name: np.concatenate([part, np.zeros((size - len(part), *part.shape[1:]), part.dtype)])
                for name, part in parts.items()
            }

    def forward_layer(self, index: int) -> None:
        """Run one layer by its number, on its bottoms as they are."""
        step = self._steps[index]
        tops = list(step.message.top)
        if not step.is_source:
            bottoms = [self.blobs[name] for name in step.message.bottom]
            made = step.forward(bottoms, self._flow.wanted[index])
            if index in self._files:
                self._files[index].add(bottoms[0].data, bottoms[1].data)
            for name, top in zip(tops, made, strict=True):
                self._show(name, top.detach(), bottoms)
        elif tops and tops[0] in self._sources:
            source = self._sources[tops[0]]
            for name, top in zip(tops, source.next(), strict=True):
                self.blobs[name].show(top.numpy())
        else:
            for name in tops:
                if name in self._net.fillers:
                    values = torch.empty(tuple(self.blobs[name].shape))
                    fill(values, self._net.fillers[name], None)
                    self.blobs[name].data[...] = values.numpy()

    def _show(self, name: str, top: Tensor, bottoms: Sequence[ArrayBlob]) -> None:
        """Put a layer's top into its blob, in memory that no other blob has."""
        array = top.contiguous().numpy()
        blob = self.blobs[name]
        if any(bottom is not blob and np.shares_memory(array, bottom.data) for bottom in bottoms):
            array = array.copy()
        is_new = blob.shape != array.shape
        blob.show(array)
        if is_new and name in self._losses:
            blob.diff[...] = self._losses[name]

    def backward_layer(self, index: int) -> None:
        """Go back through one layer by its number, and add to its bottoms' ``diff``."""
        step = self._steps[index]
        if step.is_source or not self._flow.goes_back(index):
            return
        diffs = [torch.from_numpy(self.blobs[name].diff.copy()) for name in step.message.top]
        gradients = step.backward(diffs, self._learn)
        fresh = set(step.message.top)  # of an in-place layer: what is there is the gradient of what it made
        for name, gradient in zip(step.message.bottom, gradients, strict=True):
            if name in fresh:
                self.blobs[name].diff[...] = 0
                fresh.discard(name)
            if gradient is not None:
                self.blobs[name].diff[...] += gradient.reshape(tuple(self.blobs[name].shape)).numpy()

    def _learn(self, weight: nn.Parameter, gradient: Tensor) -> None:
        self._parameters[id(weight)].diff[...] += gradient.numpy()


def _options(args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return phase, weights, stages and level of any of the ways in which ``Net`` is called.

    Raises:
        TypeError: an argument is unknown, or the phase is missing.
    """
    options: dict[str, Any] = {"phase": None, "weights": None, "level": 0, "stages": ()}
    names = ["phase", "level", "stages", "weights"]
    if args and not isinstance(args[0], int):
        names = ["weights", "phase"]
    for name, value in [*zip(names, args, strict=False), *kwargs.items()]:
        if name not in options:
            raise TypeError(f"Net has no argument {name!r}")
        options[name] = value
    if options["phase"] not in (TRAIN, TEST) or len(args) > len(names):
        raise TypeError("Net needs a prototxt and a phase: caffe.Net(prototxt, caffe.TEST, weights=file)")
    options["stages"] = options["stages"] or ()
    options["level"] = options["level"] or 0
    return options
