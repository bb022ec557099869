"""The network as ``torch.export`` sees it: what ONNX and pt2 are written from, with a batch of any size where the network allows it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, fx, nn
from torch.export import Dim, ExportedProgram

from digits.caffeproto.place import place
from digits.core.errors import NetworkError
from digits.networks.caffe.export.model import ExportModel
from digits.networks.caffe.export.norms import plain_norm
from digits.networks.caffe.export.onnxfile import BATCH
from digits.networks.caffe.net import CaffeNet
from digits.networks.layers.batch_norm import BatchNorm
from digits.networks.layers.bn import BN

T = TypeVar("T")
Convert = Callable[[ExportedProgram], T]
"""Makes a format's model of a program: of a whole network's or, to find a layer that is at fault, of one layer's."""

_TWO = 2  # torch.export takes a size of 1 for a constant


@dataclass(frozen=True)
class Exported(Generic[T]):
    """What was made, and of which network."""

    made: T
    net: CaffeNet
    batched: frozenset[str]
    """Inputs whose first axis may have any size, the same for all; the others', and those of all layers, are the definition's."""

    @property
    def input_shapes(self) -> dict[str, tuple[int | str, ...]]:
        """The inputs' shapes; a batch of any size is called "batch"."""
        return {
            name: (BATCH, *shape[1:]) if name in self.batched else tuple(shape)
            for name, shape in self.net.input_shapes.items()
        }


def export(
    model: ExportModel,
    convert: Convert[T],
    *,
    what: str,
    own_words: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
    as_tuple: bool = False,
) -> Exported[T]:
    """Return what ``convert`` makes of the network, with a batch of any size if it can be had.

    Args:
        model: the network.
        convert: may raise anything.
        what: the format, for errors: "an ONNX file".
        own_words: functions of layers, and what the format has for them.
        as_tuple: the outputs in their order instead of by name.

    Raises:
        NetworkError: the network cannot be built, or a layer cannot go out; names its line.
    """
    model.refuse(what)
    fixed = _prepared(model.build(), own_words or {}, as_tuple)
    with quiet(), torch.no_grad():
        try:
            net = _prepared(model.build(_TWO), own_words or {}, as_tuple)
            rows, batch = fixed.input_shapes[fixed.inputs[0]][:1], Dim(BATCH)
            batched = frozenset(name for name, shape in fixed.input_shapes.items() if rows and shape[:1] == rows)
            axes = tuple({0: batch} if name in batched else None for name in net.inputs)
            program = torch.export.export(net.module, _examples(net), dynamic_shapes=axes)
            return Exported(convert(program), net, batched)
        except Exception as error:  # a layer counts on the batch of the definition: it keeps that one
            logging.getLogger(__name__).debug("No batch of any size: %s", error)
        try:
            program = torch.export.export(fixed.module, _examples(fixed))
            return Exported(convert(program), fixed, frozenset())
        except Exception as error:
            raise _Blame(fixed, convert, model.where, what).found(error) from error


def _prepared(net: CaffeNet, own_words: Mapping[Callable[..., Any], Callable[..., Any]], as_tuple: bool) -> CaffeNet:
    """Return the network, changed: nothing is learnt, normalisation is plain, functions are the format's, outputs are in order."""
    for name, module in list(net.module.named_children()):
        if isinstance(module, (BatchNorm, BN)):
            setattr(net.module, name, plain_norm(module).eval())
    for node in net.module.graph.nodes:
        if node.op == "call_function":
            node.target = own_words.get(node.target, node.target)
        elif node.op == "output":
            made = _named_outputs(net, node.args[0])
            node.meta["names"] = list(made)
            node.args = (tuple(made.values()) if as_tuple else made,)
    net.module.recompile()
    net.module.requires_grad_(False)
    return net


def _named_outputs(net: CaffeNet, made: Mapping[str, fx.Node]) -> dict[str, fx.Node]:
    """Return the outputs by names that no input has: one that is an input itself goes, one that was changed in place is renamed."""
    return {
        f"{name}_out" if name in net.inputs else name: node for name, node in made.items() if node.op != "placeholder"
    }


def output_names(net: CaffeNet) -> list[str]:
    """Return the names under which the network's module returns its outputs, in that order."""
    names: list[str] = next(node for node in net.module.graph.nodes if node.op == "output").meta["names"]
    return names


def _examples(net: CaffeNet) -> tuple[Tensor, ...]:
    return tuple(torch.rand(net.input_shapes[name]) for name in net.inputs)


class _Blame(fx.Interpreter):
    """Runs a network layer by layer and exports each alone, to find the one that cannot go out."""

    def __init__(self, net: CaffeNet, convert: Convert[Any], where: str, what: str) -> None:
        super().__init__(net.module)
        self._net, self._convert, self._where, self._what = net, convert, where, what

    def found(self, error: Exception) -> NetworkError:
        """Return ``error`` as one that names the layer, or the network where every layer can go out alone."""
        try:
            self.run(*_examples(self._net))
        except NetworkError as blamed:
            return blamed
        return NetworkError(f"The network cannot be written as {self._what}: {first_words(error)}", where=self._where)

    def run_node(self, n: fx.Node) -> Any:
        """Run a node, once its layer has been exported."""
        layer = n.meta.get("layer")
        if layer is not None:
            examples = tuple(self.env[each] for each in n.all_input_nodes)
            try:
                self._convert(torch.export.export(_OneNode(n, self.submodules), examples))
            except Exception as error:
                info = next(each for each in self._net.layers if each.name == layer)
                raise NetworkError(
                    f"Layer {layer!r} of type {info.type!r} cannot be written as {self._what}: {first_words(error)}",
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


def first_words(error: Exception) -> str:
    """Return the first line of what torch says, as a sentence."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()] or [type(cause).__name__]
    return lines[0][:300].rstrip(".") + "."


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what torch says to its own developers from people."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
