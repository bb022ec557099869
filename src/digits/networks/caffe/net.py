"""A Caffe network as torch runs it: blobs in by name, blobs out by name; people only ever see Caffe's names.

Legend: "layer:i" is parameter blob i of a layer, as in weight files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, takewhile
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from digits.caffeproto import caffe_pb2
from digits.core.errors import NetworkError, WeightsError
from digits.networks.caffe.fillers import fill
from digits.networks.caffe.shared import SharedView
from digits.networks.layerinfo import LayerInfo
from digits.networks.layers.batch_norm import BatchNorm
from digits.networks.layers.registry import Phase, Shape
from digits.networks.steps import Step


@dataclass(frozen=True)
class LayerParameter:
    """One parameter blob, with the factors on its learning rate and weight decay."""

    name: str
    """"layer:i"."""
    module: nn.Module
    attribute: str
    lr_mult: float
    decay_mult: float
    learned: bool = True
    """False for values that are measured, as BatchNorm's."""

    @property
    def tensor(self) -> Tensor:
        """The values, wherever the network was moved to."""
        return attribute_of(self.module, self.attribute)


@dataclass(frozen=True)
class CaffeNet:
    """A built network. Calling it runs one forward pass."""

    name: str
    phase: Phase
    module: fx.GraphModule
    """``print(net.module.code)`` is the network as readable Python."""
    inputs: tuple[str, ...]
    input_shapes: Mapping[str, Shape]
    outputs: tuple[str, ...]
    """Blobs that no layer takes, in Caffe's (alphabetical) order."""
    losses: Mapping[str, float]
    """Loss weight by blob; a loss that another layer takes is among them too."""
    parameters: tuple[LayerParameter, ...]
    """One of each array: a shared one stands under the layer that owns it."""
    layers: tuple[LayerInfo, ...]
    blobs: Mapping[str, tuple[nn.Module, str]]
    """Every layer's parameter blobs by "layer:i", shared ones under each of their names."""
    nodes: Mapping[str, str]
    """Blob name to the name of the graph's node that last makes it."""
    fillers: Mapping[str, caffe_pb2.FillerParameter] = field(default_factory=dict)
    """Inputs that fill themselves before each pass unless they are given (DummyData)."""

    def __call__(self, **blobs: Tensor) -> dict[str, Tensor]:
        """Return the outputs (and losses) of one forward pass by blob name.

        Raises:
            NetworkError: an input is missing.
        """
        result: dict[str, Tensor] = self.module(*self._ordered(blobs))
        return result

    def total_loss(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """Return the sum of each loss times its weight: what is trained on.

        Raises:
            NetworkError: the network has no loss.
        """
        terms = [
            (outputs[name] if outputs[name].dim() == 0 else outputs[name].sum()) * weight
            if weight != 1 or outputs[name].dim()
            else outputs[name]
            for name, weight in self.losses.items()
            if weight
        ]
        if not terms:
            raise NetworkError(
                f"Network {self.name!r} has no loss to train on.", hint="Add a layer of type SoftmaxWithLoss."
            )
        return terms[0] if len(terms) == 1 else torch.stack(terms).sum()

    def activations(self, **blobs: Tensor) -> dict[str, Tensor]:
        """Return every blob of one forward pass by name, inputs too; an in-place layer's blob as it is after the last of them."""
        interpreter = fx.Interpreter(self.module, garbage_collect_values=False)
        interpreter.run(*self._ordered(blobs))
        values = {node.name: value for node, value in interpreter.env.items()}
        return {name: values[node] for name, node in self.nodes.items()}

    def steps(self, **blobs: Tensor) -> tuple[list[Step], dict[str, Tensor]]:
        """Return one pass layer by layer, and its outputs by blob name.

        Raises:
            NetworkError: an input is missing.
        """
        values = self.activations(**blobs)
        weights = dict[str, list[Tensor]]()
        for name, place in self.blobs.items():
            weights.setdefault(name.rpartition(":")[0], []).append(attribute_of(*place))
        taken = [
            Step(
                layer.name,
                layer.type,
                tuple((name, values[name]) for name in layer.bottoms),
                tuple(weights.get(layer.name, ())),
                layer.num_parameters,
                tuple((name, values[name]) for name in layer.tops),
            )
            for layer in self.layers
        ]
        return taken, {name: values[name] for name in self.outputs}

    @property
    def num_parameters(self) -> int:
        """Learned values, shared ones counted once; frozen ones (``lr_mult`` 0) are among them."""
        return sum(parameter.tensor.numel() for parameter in self.parameters if parameter.learned)

    @property
    def frozen(self) -> frozenset[str]:
        """The layers whose learned values all have lr_mult 0, and so stay as they are."""
        held = [
            (parameter.name.rpartition(":")[0], parameter.lr_mult) for parameter in self.parameters if parameter.learned
        ]
        return frozenset(layer for layer, _ in held) - {layer for layer, lr_mult in held if lr_mult}

    @property
    def num_values(self) -> int:
        """Values of all blobs of one pass."""
        return sum(prod(shape) for layer in self.layers for shape in layer.output_shapes)

    @property
    def separator(self) -> str:
        """What stands between a layer and the index of its blob."""
        return ":"

    def shapes(self) -> dict[str, Shape]:
        """Return the shapes of all parameter blobs by "layer:i"."""
        return {name: tuple(attribute_of(*place).shape) for name, place in self.blobs.items()}

    def state(self) -> dict[str, NDArray[np.float32]]:
        """Return a copy of all parameter blobs by "layer:i"."""
        return {
            name: attribute_of(module, attribute).detach().cpu().numpy().astype(np.float32, copy=True)
            for name, (module, attribute) in self.blobs.items()
        }

    def gradients(self) -> dict[str, NDArray[np.float32]]:
        """Return a copy of the gradients of all parameter blobs by "layer:i"; 0 where none has come. A shared one's is the sum."""
        found = dict[str, NDArray[np.float32]]()
        for name, (module, attribute) in self.blobs.items():
            shape = attribute_of(module, attribute).shape
            holder = module.owner if isinstance(module, SharedView) else attribute_of(module, attribute)
            gradient = torch.zeros(shape) if holder.grad is None else holder.grad.reshape(shape)
            found[name] = gradient.detach().cpu().numpy().astype(np.float32, copy=True)
        return found

    def load_state(self, state: Mapping[str, NDArray[Any]], *, partial: bool = False) -> tuple[str, ...]:
        """Take the values of ``state`` and return the names that were taken.

        Args:
            state: arrays by "layer:i". Old files' four-number shapes fit if only 1s were put before.
            partial: names that one side lacks are passed over, as in fine-tuning.

        Raises:
            WeightsError: a shape or a layer's number of blobs differs, or, unless ``partial``, a name is missing or unknown.
        """
        state = self._as_held(state)
        if not partial and (missing := self.blobs.keys() - state.keys()):
            raise WeightsError(f"The weights lack {', '.join(sorted(missing)[:5])}.")
        if not partial and (unknown := state.keys() - self.blobs.keys()):
            raise WeightsError(f"The network has no {', '.join(sorted(unknown)[:5])}.")
        taken = tuple(name for name in self.blobs if name in state)
        self._check_fit(state, taken)
        with torch.no_grad():
            for name in taken:
                target = attribute_of(*self.blobs[name])
                target.copy_(torch.from_numpy(np.ascontiguousarray(state[name], np.float32)).reshape(target.shape))
        return taken

    def statistics(self) -> Sequence[Tensor]:
        """Return what BatchNorm layers measure of the batches in training: means and variances, as sums in BVLC Caffe's form."""
        layers = (module for module in self.module.modules() if isinstance(module, BatchNorm))
        return [tensor for layer in layers for tensor in (layer.mean, layer.variance)]

    def memory(self) -> dict[str, Tensor]:
        """Return what layers remember from pass to pass beside their blobs, by module: how many passes of NVCaffe's BatchNorm were."""
        return {
            name: torch.tensor(module.num_passes)
            for name, module in self.module.named_modules()
            if hasattr(module, "num_passes")
        }

    def load_memory(self, memory: Mapping[str, Tensor]) -> None:
        """Let layers remember what they did when ``memory`` was taken; of one that is not in it, nothing changes."""
        for name, value in memory.items():
            module: Any = self.module.get_submodule(name)
            module.num_passes = int(value)

    def _as_held(self, state: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Return ``state`` with the blobs of layers that know older forms of theirs in the form held here."""
        held = dict(state)
        for name, (module, _) in self.blobs.items():
            layer, _, index = name.rpartition(":")
            if index == "0" and (from_file := getattr(module, "from_file", None)) is not None:
                stored = list(takewhile(lambda blob: blob is not None, (state.get(f"{layer}:{i}") for i in count())))
                held.update({f"{layer}:{i}": blob for i, blob in enumerate(from_file(stored))})
        return held

    def _check_fit(self, state: Mapping[str, NDArray[Any]], taken: tuple[str, ...]) -> None:
        for name in taken:
            layer, _, index = name.rpartition(":")
            ours = sum(other.rpartition(":")[0] == layer for other in self.blobs) if index == "0" else 0
            theirs = sum(other.rpartition(":")[0] == layer for other in state) if index == "0" else 0
            if ours != theirs:
                raise WeightsError(f"Layer {layer!r} has {ours} parameter blobs, and {theirs} in the weights.")
            target, source = tuple(attribute_of(*self.blobs[name]).shape), tuple(state[name].shape)
            is_legacy = len(source) == 4 and source == (1,) * (4 - len(target)) + target
            if source != target and not is_legacy:
                raise WeightsError(
                    f"Cannot copy param {index} weights from layer {layer!r}; shape mismatch.  Source param shape is "
                    f"{_shape_text(source)}; target param shape is {_shape_text(target)}.",
                    hint="To learn this layer's parameters from scratch rather than copying from a saved net, rename the layer.",
                )

    def _ordered(self, blobs: Mapping[str, Tensor]) -> list[Tensor]:
        missing = [name for name in self.inputs if name not in blobs and name not in self.fillers]
        if missing:
            raise NetworkError(
                f"Network {self.name!r} needs the input {missing[0]!r}.", hint=f"Its inputs: {', '.join(self.inputs)}."
            )
        return [blobs[name] if name in blobs else self._filled(name, blobs) for name in self.inputs]

    def _filled(self, name: str, blobs: Mapping[str, Tensor]) -> Tensor:
        """Return an input that nobody gave, filled; it lies where the parameters or the other inputs do."""
        neighbour = next(iter((*self.module.parameters(), *blobs.values())), torch.empty(0))
        blob = neighbour.new_empty(self.input_shapes[name])
        fill(blob, self.fillers[name], None)
        return blob


def attribute_of(module: nn.Module, attribute: str) -> Tensor:
    """Return the tensor under a dotted name."""
    path, _, last = attribute.rpartition(".")
    value = getattr(module.get_submodule(path), last)
    assert isinstance(value, Tensor)
    return value


def _shape_text(shape: Shape) -> str:
    """Return a shape as Caffe's messages have it: "3 4 (12)"."""
    return f"{' '.join(map(str, shape))} ({prod(shape)})".lstrip()
