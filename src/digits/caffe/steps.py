"""A network run layer by layer on blobs that anybody may look at and change between two layers, as pycaffe does it.

Each layer takes its bottoms from the blobs as they are when its turn comes, keeps what torch needs to go back through this one layer, and
puts its tops into the blobs. Going back, it takes its tops' ``diff`` and adds to its bottoms'. A layer whose bottoms have
changed their shape is made anew around the same weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from digits.caffe import mode
from digits.caffeproto import caffe_pb2
from digits.core.errors import NetworkError
from digits.networks.caffe.arrays import ArrayBlob
from digits.networks.caffe.net import CaffeNet
from digits.networks.caffe.python_layer import PythonModule
from digits.networks.caffe.weights import Weights
from digits.networks.layers.registry import Layer, Lowered, Phase, Shape, Source, converters, trial

Diffs = Callable[[nn.Parameter, Tensor], None]


class Step:
    """One layer that computes (or a data layer, which does nothing here).

    Args:
        message: the layer.
        phase: of the network.
        where: the file's name for errors.
        lender: has the weights.
    """

    def __init__(self, message: caffe_pb2.LayerParameter, phase: Phase, where: str, lender: CaffeNet) -> None:
        self.message, self.where, self._lender = message, where, lender
        self.phase: Phase = phase
        if message.HasField("phase"):
            self.phase = "TRAIN" if message.phase == caffe_pb2.TRAIN else "TEST"
        self._converter = converters()[message.type]
        self._lowered: Lowered | None = None
        self._shapes: tuple[Shape, ...] | None = None
        self._passed: tuple[list[Tensor], list[Tensor]] | None = None
        self._lent: list[tuple[nn.Parameter, Tensor]] = []
        self.is_source = not message.bottom and message.type != "Parameter"  # a learnt blob

    def fit(self, in_shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """Return the shapes of the tops for bottoms of these shapes; nothing is computed.

        Raises:
            NetworkError: they do not go with the layer.
        """
        if self.message.type == "Python":
            lowered = self._fitted(in_shapes)
        else:
            made = self._converter.function(Layer(self.message, in_shapes, self.phase, self.where))
            assert isinstance(made, Lowered)
            lowered = made  # its weights have no memory, as shapes alone are asked for
        try:
            if self._converter.each:
                return tuple(trial(lowered, (shape,))[0][0] for shape in in_shapes)
            return trial(lowered, in_shapes)[0]
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            raise self._misfit(in_shapes, error) from error

    def forward(self, bottoms: Sequence[ArrayBlob], needed: Sequence[bool]) -> list[Tensor]:
        """Run the layer on its bottoms, and return the tops.

        Args:
            bottoms: its bottoms.
            needed: which of them a gradient will be asked of.
        """
        lowered, where = self._fitted(tuple(tuple(bottom.shape) for bottom in bottoms)), mode.device()
        given = [
            torch.from_numpy(np.ascontiguousarray(bottom.data)).to(where).requires_grad_(wanted)
            for bottom, wanted in zip(bottoms, needed, strict=True)
        ]
        try:
            with torch.enable_grad():
                tops = self._run(lowered, given, self._lend(lowered.call, where))
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            raise self._misfit(self._shapes or (), error) from error
        self._passed = (given, tops)
        return [top.detach().cpu() for top in tops]

    def backward(self, diffs: Sequence[Tensor], learn: Diffs) -> list[Tensor | None]:
        """Return the gradients of the bottoms from those of the tops, and give those of the weights to ``learn``.

        Raises:
            NetworkError: the layer has not run yet.
        """
        if self._passed is None:
            raise NetworkError(f"Layer {self.message.name!r} goes back before it ever went forward.", where=self.where)
        given, tops = self._passed
        pairs = [(top, diff.to(top.device)) for top, diff in zip(tops, diffs, strict=True) if top.requires_grad]
        wanted = [*(tensor for tensor in given if tensor.requires_grad), *(lent for _, lent in self._lent)]
        if not pairs or not wanted:
            return [None] * len(given)
        found = torch.autograd.grad(
            [top for top, _ in pairs], wanted, [diff.reshape(top.shape) for top, diff in pairs],
            allow_unused=True, retain_graph=True,
        )  # fmt: skip
        gradients = iter(found)
        bottoms = [next(gradients) if tensor.requires_grad else None for tensor in given]
        for (weight, _), gradient in zip(self._lent, gradients, strict=True):
            if gradient is not None:
                learn(weight, gradient.cpu())
        return [None if gradient is None else gradient.cpu() for gradient in bottoms]

    def _lend(self, call: object, device: torch.device) -> dict[str, Tensor] | None:
        """Return the weights and statistics of a layer on another device than the processor, None where it runs on its own.

        The weights that learn are noted, each with what the pass runs on.
        """
        self._lent = []
        if not isinstance(call, nn.Module):
            return None
        if device == torch.device("cpu"):
            self._lent = [(weight, weight) for weight in call.parameters() if weight.requires_grad]
            return None
        weights = {name: weight.detach().to(device) for name, weight in call.named_parameters()}
        for name, weight in call.named_parameters():
            if weight.requires_grad:
                self._lent.append((weight, weights[name].requires_grad_()))
        return weights | {name: buffer.to(device) for name, buffer in call.named_buffers()}

    def _fitted(self, in_shapes: tuple[Shape, ...]) -> Lowered:
        is_python = self.message.type == "Python"
        if self._lowered is not None and (is_python or self._shapes == in_shapes):
            return self._lowered
        if is_python:
            self._lowered = Lowered(self._python_module())
        else:
            layer = Layer(self.message, in_shapes, self.phase, self.where)
            lowered = self._converter.function(layer)
            assert not isinstance(lowered, Source)
            self._lowered, _ = Weights(None, self._lender, "cpu").attach(layer, lowered)
            if isinstance(self._lowered.call, nn.Module):
                self._lowered.call.train(self.phase == "TRAIN")
        self._shapes = in_shapes
        return self._lowered

    def _python_module(self) -> PythonModule:
        """Return the layer that was set up with the network: it may hold a state of its own."""
        modules = (module for module in self._lender.module.modules() if isinstance(module, PythonModule))
        return next(module for module in modules if module.layer.definition.message.name == self.message.name)

    def _run(self, lowered: Lowered, given: list[Tensor], lent: dict[str, Tensor] | None) -> list[Tensor]:
        call = lowered.call
        if call is None:
            return []
        if lent is not None and isinstance(call, nn.Module):
            call = partial(functional_call, call, lent)
        passes = [(tensor,) for tensor in given] if self._converter.each else [tuple(given)]
        tops: list[Tensor] = []
        for bottoms in passes:
            arguments: tuple[Any, ...] = (bottoms,) if lowered.packed else bottoms
            made = call(arguments) if lent is not None else call(*arguments, **dict(lowered.options))
            tops += made if isinstance(made, (tuple, list)) else [made]
        if lent is not None and isinstance(lowered.call, nn.Module):
            self._take_back(lowered.call, lent)
        return tops

    def _take_back(self, call: nn.Module, lent: dict[str, Tensor]) -> None:
        """Copy what a pass itself has changed: the statistics of a batch normalisation."""
        with torch.no_grad():
            for name, tensor in (*call.named_parameters(), *call.named_buffers()):
                if not tensor.requires_grad:
                    tensor.copy_(lent[name])

    def _misfit(self, shapes: tuple[Shape, ...], error: Exception) -> NetworkError:
        first = str(error).strip().partition("\n")[0]
        return Layer(self.message, shapes, self.phase, self.where).error(
            f"its input of {shapes} does not go with it: {first}"
        )


class Flow:
    """Which blobs gradients flow to, and which of them are sums; told by the definition alone.

    Args:
        layers: those of one state.
        learned: by name, whether a layer has weights that learn.
        force_backward: gradients flow everywhere.
    """

    def __init__(
        self, layers: Sequence[caffe_pb2.LayerParameter], learned: Mapping[str, bool], *, force_backward: bool
    ) -> None:
        self._layers = list(layers)
        self._made_by: list[list[int]] = []
        makers: dict[str, int] = {}
        for index, layer in enumerate(self._layers):
            self._made_by.append([makers.get(name, -1) for name in layer.bottom])
            makers.update(dict.fromkeys(layer.top, index))
        self._needs: list[bool] = []
        self.wanted: list[tuple[bool, ...]] = []
        """For each layer, which bottoms a gradient is asked of."""
        for index, layer in enumerate(self._layers):
            below = [force_backward or (maker >= 0 and self._needs[maker]) for maker in self._made_by[index]]
            if layer.propagate_down and not force_backward:
                below = [flows and switch for flows, switch in zip(below, layer.propagate_down, strict=False)]
            self.wanted.append(tuple(below))
            self._needs.append(any(below) or learned.get(layer.name, False))

    def goes_back(self, index: int) -> bool:
        """Whether anything is to be learned from layer ``index`` or below it."""
        return self._needs[index]

    def sums(self, start: int, end: int) -> set[str]:
        """Return the blobs whose ``diff`` is made by going back from layer ``start`` down to ``end``; all others' is given.

        A blob's last version, which no layer of the range takes, is given: by a loss weight, or by the caller.
        """
        last: dict[str, int] = {}
        for index in range(start + 1):
            last.update(dict.fromkeys(self._layers[index].top, index))
        taken: Counter[str] = Counter()
        for index in range(end, start + 1):
            for name, maker in zip(self._layers[index].bottom, self._made_by[index], strict=True):
                taken[name] += maker == last.get(name, -1)
        return {name for name, times in taken.items() if times}
