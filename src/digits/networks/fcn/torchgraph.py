"""The surgery on networks in PyTorch: the graph of a classifier is traced, and what makes one answer of all places goes.

Layers keep their names, so that the classifier's weights load by name; those of a fully connected layer are reshaped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn import functional as F

from digits.core.errors import NetworkError

Shape = tuple[int, ...]
_FLATTENS: tuple[Any, ...] = (torch.flatten, torch.reshape, torch.squeeze, "flatten", "reshape", "view", "squeeze")
_AVERAGES: tuple[Any, ...] = (torch.mean, "mean", F.adaptive_avg_pool2d, F.avg_pool2d)
_ANSWERS: tuple[Any, ...] = (torch.softmax, torch.log_softmax, F.softmax, F.log_softmax, "softmax", "log_softmax")
_POOLS: tuple[Any, ...] = (F.max_pool2d, F.avg_pool2d, torch.max_pool2d, F.lp_pool2d)


class _Tracer(fx.Tracer):
    """Goes into modules that hold others; one that has none is a layer, whatever it does inside."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002 - fx's signature
        """Whether a module is one node."""
        return next(m.children(), None) is None


@dataclass
class Traced:
    """A classifier as a graph whose layers all slide."""

    module: fx.GraphModule
    converted: list[str] = field(default_factory=list)
    averaged: list[str] = field(default_factory=list)


def convolve(classifier: nn.Module, picture_CHW: Shape) -> Traced:
    """Return a classifier in eval mode as convolutions: [N, C, H, W] in, scores [N, classes, h, w] out.

    The graph's layers are the classifier's own, but for those that were fully connected.

    Args:
        classifier: it is left in eval mode.
        picture_CHW: what it was made for; the kernels of what was fully connected come from that.

    Raises:
        NetworkError: it does more than its pictures decide, or what no convolution does.
    """
    classifier.eval()
    tracer = _Tracer()
    try:
        module = fx.GraphModule(classifier, tracer.trace(classifier))
    except Exception as error:  # whatever the user's code does with a stand-in for its pictures
        raise NetworkError(
            f"The network's steps cannot be told without running it: {error}",
            hint="One whose steps depend on its values cannot be made fully convolutional by itself.",
        ) from error
    device = next((each.device for each in classifier.parameters()), torch.device("cpu"))
    dtype = next((each.dtype for each in classifier.parameters()), torch.float32)
    with torch.no_grad():
        ShapeProp(module).propagate(torch.empty((1, *picture_CHW), device=device, dtype=dtype))
    traced = Traced(module)
    _Surgeon(traced).run()
    return traced


class _Surgeon:
    def __init__(self, traced: Traced) -> None:
        self.traced, self.module, self.graph = traced, traced.module, traced.module.graph
        self.sizes: dict[fx.Node, Shape] = {}
        """By node, the (height, width) that a fully connected layer after it weighs."""

    def run(self) -> None:
        for node in list(self.graph.nodes):
            shape = shape_of(node)
            if len(shape) == 4:
                self.sizes[node] = shape[2:]
            if (
                node.op in ("placeholder", "output", "get_attr")
                or not node.args
                or not isinstance(node.args[0], fx.Node)
            ):
                continue
            self._node(node, node.args[0])
        self.graph.eliminate_dead_code()
        self.graph.lint()
        self.module.recompile()

    def _node(self, node: fx.Node, before: fx.Node) -> None:
        layer = self._layer(node)
        given, made = shape_of(before), shape_of(node)
        flat = len(made) == 2
        if isinstance(layer, nn.Linear):
            self._linear(node, before, layer)
        elif self._is(node, layer, _ANSWERS, (nn.Softmax, nn.LogSoftmax)) or (
            flat and self._is(node, layer, _FLATTENS, (nn.Flatten,)) and prod(made) == prod(given)
        ):
            self._drop(node, before)
        elif self._is(node, layer, _AVERAGES, (nn.AdaptiveAvgPool2d, nn.AvgPool2d)) and len(given) == 4:
            if made == given:
                self._drop(node, before)
            elif prod(made) == prod(given[:2]):
                self.traced.averaged.append(str(node.target) if node.op == "call_module" else node.name)
                self._drop(node, before)
                self.sizes[before] = (1, 1)
        elif isinstance(layer, (nn.BatchNorm1d, nn.LayerNorm)):
            raise NetworkError(f"Layer {node.target!r} of type {type(layer).__name__} cannot be made convolutional.")
        elif flat:
            self.sizes[node] = self.sizes.get(before, (1, 1))

    def _layer(self, node: fx.Node) -> nn.Module | None:
        return self.module.get_submodule(str(node.target)) if node.op == "call_module" else None

    @staticmethod
    def _is(node: fx.Node, layer: nn.Module | None, functions: tuple[Any, ...], kinds: tuple[type, ...]) -> bool:
        return isinstance(layer, kinds) or (layer is None and node.target in functions)

    def _drop(self, node: fx.Node, before: fx.Node) -> None:
        node.replace_all_uses_with(before)
        self.graph.erase_node(node)

    def _linear(self, node: fx.Node, before: fx.Node, layer: nn.Linear) -> None:
        height, width = self.sizes.get(before, (1, 1))
        channels = layer.in_features // (height * width)
        with torch.device("meta"):
            made = nn.Conv2d(channels, layer.out_features, (height, width), bias=layer.bias is not None)
        made.weight = nn.Parameter(layer.weight.detach().reshape(made.weight.shape), layer.weight.requires_grad)
        if layer.bias is not None:
            made.bias = layer.bias
        self.module.set_submodule(str(node.target), made)
        self.traced.converted.append(str(node.target))
        self.sizes[node] = (1, 1)


def shape_of(node: fx.Node) -> Shape:
    """Return the shape of what a node makes; () where it is no tensor."""
    return tuple(getattr(node.meta.get("tensor_meta"), "shape", ()))


def factors(module: fx.GraphModule) -> dict[fx.Node, int]:
    """Return by node how many pixels of the picture two neighbours of it lie apart."""
    found: dict[fx.Node, int] = {}
    for node in module.graph.nodes:
        below = max((found[each] for each in node.all_input_nodes if each in found), default=1)
        found[node] = below * _stride(module, node)
    return found


def _stride(module: fx.GraphModule, node: fx.Node) -> int:
    if node.op == "call_module":
        layer = module.get_submodule(str(node.target))
        given = getattr(layer, "stride", 1) if hasattr(layer, "kernel_size") else 1
    elif node.op == "call_function" and node.target in _POOLS:
        given = node.kwargs.get("stride") or (node.args[2] if len(node.args) > 2 else None) or node.args[1]
    else:
        return 1
    return int(given[0] if isinstance(given, (tuple, list)) else given)


def is_pooling(module: fx.GraphModule, node: fx.Node) -> bool:
    """Whether a node pools."""
    if node.op == "call_module":
        return isinstance(module.get_submodule(str(node.target)), (nn.MaxPool2d, nn.AvgPool2d))
    return node.op == "call_function" and node.target in _POOLS
