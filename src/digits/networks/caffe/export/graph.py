"""The network as ``torch.export`` sees it: what ONNX and pt2 are written from, with a batch of any size where the network allows it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, fx, nn
from torch.export import Dim

from digits.caffeproto.place import place
from digits.core.errors import NetworkError
from digits.networks.caffe.export.model import ExportModel
from digits.networks.caffe.net import CaffeNet
from digits.networks.layers.batch_norm import BatchNorm

T = TypeVar("T")
DynamicShapes = tuple[Any, ...] | None
Exporter = Callable[[CaffeNet, nn.Module, tuple[Tensor, ...], DynamicShapes], T]
"""Makes something of a network's module, or of one layer's: called with the network, the module, its inputs, and their free axes."""

_BATCH = 2  # torch.export takes a size of 1 for a constant


@dataclass(frozen=True)
class Exported(Generic[T]):
    """What an exporter made, of which network."""

    made: T
    net: CaffeNet
    any_batch: bool
    """Whether the batch may have any size; else it has the definition's."""

    @property
    def input_shapes(self) -> dict[str, tuple[int | str, ...]]:
        """The inputs' shapes; a batch of any size is called "batch"."""
        free = ("batch",) if self.any_batch else ()
        return {
            name: (*free, *shape[1:]) if free and name in _batched(self.net) else tuple(shape)
            for name, shape in self.net.input_shapes.items()
        }


def export(model: ExportModel, exporter: Exporter[T], *, what: str) -> Exported[T]:
    """Return what ``exporter`` makes of the network, with a batch of any size if it can be had.

    Args:
        model: the network.
        exporter: called once or twice, more often to find a layer that is at fault; may raise anything.
        what: the format, for errors: "an ONNX file".

    Raises:
        NetworkError: the network cannot be built, or a layer cannot go out; names its line.
    """
    model.refuse_python(what)
    fixed = model.build()
    _freeze(fixed)
    with _quiet(), torch.no_grad():
        try:
            net = model.build(_BATCH)
            _freeze(net)
            batch = Dim("batch")
            axes = tuple({0: batch} if name in _batched(net) else None for name in net.inputs)
            return Exported(exporter(net, net.module, _examples(net), axes), net, any_batch=True)
        except Exception as error:  # a layer counts on the batch of the definition: it keeps that one
            logging.getLogger(__name__).debug("No batch of any size: %s", error)
        try:
            return Exported(exporter(fixed, fixed.module, _examples(fixed), None), fixed, any_batch=False)
        except Exception as error:
            raise _Blame(fixed, exporter, model.where, what).found(error) from error


def output_names(net: CaffeNet) -> list[str]:
    """Return the names under which the network's module returns its outputs, in that order."""
    made = next(node for node in net.module.graph.nodes if node.op == "output").args[0]
    assert isinstance(made, dict)
    return [str(name) for name in made]


def _batched(net: CaffeNet) -> set[str]:
    """Return the inputs that have as many rows as the first one."""
    rows = net.input_shapes[net.inputs[0]][:1]
    return {name for name, shape in net.input_shapes.items() if shape[:1] == rows and rows}


def _examples(net: CaffeNet) -> tuple[Tensor, ...]:
    return tuple(torch.rand(net.input_shapes[name]) for name in net.inputs)


class FrozenNorm(nn.Module):
    """A BatchNorm whose statistics are numbers, and no longer sums to be divided at each pass."""

    def __init__(self, norm: BatchNorm) -> None:
        super().__init__()
        self.mean, self.variance = (nn.Parameter(each.detach().clone()) for each in norm.of_all_batches())
        self.eps = norm.eps
        self.weight: nn.Parameter | None = getattr(norm, "weight", None)  # of NVCaffe's form
        self.bias: nn.Parameter | None = getattr(norm, "bias", None)

    def forward(self, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """Return ``x`` normalised, then scaled and shifted."""
        weight, bias = self.weight if weight is None else weight, self.bias if bias is None else bias
        rows = x if x.dim() > 1 else x.unsqueeze(1)
        y = torch.batch_norm(rows, weight, bias, self.mean, self.variance, False, 0.0, self.eps, False)
        return y if x.dim() > 1 else y.squeeze(1)


def _freeze(net: CaffeNet) -> None:
    """Put, in place, plain statistics where sums and their divisor were."""
    for name, module in list(net.module.named_children()):
        if isinstance(module, BatchNorm) and not module.from_batch:
            setattr(net.module, name, FrozenNorm(module).eval())


class _Blame(fx.Interpreter):
    """Runs a network layer by layer and exports each alone, to find the one that cannot go out."""

    def __init__(self, net: CaffeNet, exporter: Exporter[Any], where: str, what: str) -> None:
        super().__init__(net.module)
        self._net, self._exporter, self._where, self._what = net, exporter, where, what

    def found(self, error: Exception) -> NetworkError:
        """Return ``error`` as one that names the layer, or the network where every layer can go out alone."""
        try:
            self.run(*_examples(self._net))
        except NetworkError as blamed:
            return blamed
        return NetworkError(f"The network cannot be written as {self._what}: {_first(error)}", where=self._where)

    def run_node(self, n: fx.Node) -> Any:
        """Run a node, once its layer has been exported."""
        layer = n.meta.get("layer")
        if layer is not None:
            examples = tuple(self.env[each] for each in n.all_input_nodes)
            try:
                self._exporter(self._net, _OneNode(n, self.submodules), examples, None)
            except Exception as error:
                info = next(each for each in self._net.layers if each.name == layer)
                raise NetworkError(
                    f"Layer {layer!r} of type {info.type!r} cannot be written as {self._what}: {_first(error)}",
                    where=place(self._where, info.line),
                    hint="Export as caffemodel or safetensors.",
                ) from error
        return super().run_node(n)


class _OneNode(nn.Module):
    """One node of a graph as a module of its own."""

    def __init__(self, node: fx.Node, modules: dict[str, nn.Module]) -> None:
        super().__init__()
        self._node = node
        self.call: Any = modules[str(node.target)] if node.op == "call_module" else node.target

    def forward(self, *values: Tensor) -> Any:
        """Return what the node makes of its inputs' values."""
        given = dict(zip(self._node.all_input_nodes, values, strict=True))
        return self.call(
            *fx.node.map_arg(self._node.args, given.__getitem__),
            **fx.node.map_arg(self._node.kwargs, given.__getitem__),
        )


def _first(error: Exception) -> str:
    """Return the first line of what torch says, as a sentence."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()] or [type(cause).__name__]
    return lines[0][:300].rstrip(".") + "."


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what torch says to its own developers from people."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
