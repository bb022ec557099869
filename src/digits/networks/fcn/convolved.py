"""The first half of the surgery, in Caffe: a classifier whose every layer slides over the picture, so that it takes pictures of any size.

An InnerProduct becomes the Convolution whose kernel is as large as what it took; a mean over all places goes, so that scores stay where they were
found. On pictures of the classifier's own size the result answers as it did, averaged over the places where a mean was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from digits.caffeproto import caffe_pb2
from digits.caffeproto.place import place
from digits.caffeproto.text import layer_line
from digits.core.errors import NetworkError
from digits.networks.layerinfo import LayerInfo

Layer = caffe_pb2.LayerParameter
_NOT_PART = ("Loss", "Accuracy", "Softmax", "ArgMax", "Silence", "Input")
"""Ends of the types of layers that only measure, or turn scores into an answer."""
_FLAT = ("Flatten", "Reshape")
_FC = re.compile(r"fc(\d+)")


@dataclass
class Convolved:
    """What became of the layers of a classifier."""

    layers: list[Layer] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """By a layer's new name its old one, where they differ."""
    converted: list[str] = field(default_factory=list)
    """New names of what were InnerProducts."""
    averaged: list[str] = field(default_factory=list)
    """Names of the poolings over all places that went."""


def convolve(layers: Sequence[Layer], infos: Sequence[LayerInfo]) -> Convolved:
    """Return the layers of a classifier that answers, all of them as layers that slide.

    A layer ``fc6`` becomes ``conv6``; any other keeps its name, under which its weights are found.

    Args:
        layers: of the deploy network.
        infos: the same network as it was built for pictures of its own size.

    Raises:
        NetworkError: a layer mixes the places of its picture in a way that no convolution does; with its line.
    """
    return _Surgeon(layers, infos).run()


class _Surgeon:
    def __init__(self, layers: Sequence[Layer], infos: Sequence[LayerInfo]) -> None:
        self.made = Convolved()
        self.layers = layers
        self.taken = {layer.name for layer in layers}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.outputs = {info.name: info.output_shapes for info in infos}
        self.blobs: dict[str, str] = {}
        """By the name of a blob, what it is called now."""
        self.sizes: dict[str, tuple[int, ...]] = {}
        """By its old name, its (height, width) as its flattening readers must know it."""

    def run(self) -> Convolved:
        read = {bottom for layer in self.layers for bottom in layer.bottom if bottom not in layer.top}
        for layer in self.layers:
            if layer.type == "Input":
                self._note(layer)
            elif layer.type.endswith(_NOT_PART) and not read.intersection(layer.top):
                continue
            else:
                self._layer(layer)
                self._note(layer)
        return self.made

    def _note(self, layer: Layer) -> None:
        for top, shape in zip(layer.top, self.outputs.get(layer.name, ()), strict=False):
            self.shapes[top] = shape
            if len(shape) == 4:
                self.sizes[top] = shape[2:]

    def _layer(self, layer: Layer) -> None:
        bottom = layer.bottom[0] if layer.bottom else ""
        if layer.type == "InnerProduct":
            self._inner_product(layer, bottom)
        elif layer.type in _FLAT:
            self._flatten(layer, bottom)
        elif layer.type == "Pooling" and self._sees_all(layer, bottom):
            self._pool(layer, bottom)
        else:
            self._keep(layer)

    def _keep(self, layer: Layer) -> None:
        kept = Layer()
        kept.CopyFrom(layer)
        kept.bottom[:] = [self.blobs.get(name, name) for name in layer.bottom]
        kept.top[:] = [self.blobs.get(name, name) if name in layer.bottom else name for name in layer.top]
        for name, bottom in zip(layer.top, layer.bottom, strict=False):
            if bottom in self.sizes and len(self.outputs[layer.name][0]) == 2:
                self.sizes[name] = self.sizes[bottom]  # an activation after a Flatten
        self.made.layers.append(kept)

    def _flatten(self, layer: Layer, bottom: str) -> None:
        before, after = self.shapes[bottom], self.outputs[layer.name][0]
        if layer.type == "Flatten" and (layer.flatten_param.axis, layer.flatten_param.end_axis) != (1, -1):
            raise self._error(layer, "it flattens other axes than all behind the batch", "flatten_param")
        if after[:1] != before[:1] or any(side != 1 for side in after[2:]):
            raise self._error(layer, "it moves values to other places", "reshape_param")
        self._pass(layer, bottom)

    def _pass(self, layer: Layer, bottom: str) -> None:
        """Leave a layer out: who takes its top takes its bottom."""
        for top in layer.top:
            self.blobs[top] = self.blobs.get(bottom, bottom)
            if bottom in self.sizes:
                self.sizes[top] = self.sizes[bottom]

    def _sees_all(self, layer: Layer, bottom: str) -> bool:
        sides = self.sizes.get(bottom, ())
        param = layer.pooling_param
        is_one = all(side == 1 for side in self.outputs[layer.name][0][2:])
        unpadded = not (param.pad or param.pad_h or param.pad_w)
        kernel = (param.kernel_h or param.kernel_size, param.kernel_w or param.kernel_size)
        whole = all(k >= side for k, side in zip(kernel, sides, strict=False))
        return is_one and (param.global_pooling or (unpadded and whole and param.pool == param.AVE))

    def _pool(self, layer: Layer, bottom: str) -> None:
        param = layer.pooling_param
        if param.pool == param.AVE:
            self.made.averaged.append(layer.name)
            self._pass(layer, bottom)
            for top in layer.top:
                self.sizes[top] = (1, 1)
            return
        if param.pool != param.MAX:
            raise self._error(
                layer, "it pools over all places, and neither their mean nor the largest", "pooling_param.pool"
            )
        fixed = Layer()
        fixed.CopyFrom(layer)
        height, width = self.sizes[bottom]
        fixed.pooling_param.CopyFrom(caffe_pb2.PoolingParameter(pool="MAX", kernel_h=height, kernel_w=width, stride=1))
        self._keep(fixed)

    def _inner_product(self, layer: Layer, bottom: str) -> None:
        param = layer.inner_product_param
        if param.transpose or param.axis != 1:
            words = "its weights are transposed" if param.transpose else f"it begins at axis {param.axis}"
            raise self._error(layer, words, "inner_product_param.transpose", "inner_product_param.axis")
        sides = self.sizes.get(bottom, (1, 1))
        made = Layer(name=self._name(layer.name), type="Convolution", bottom=[self.blobs.get(bottom, bottom)])
        made.param.extend(layer.param)
        conv = made.convolution_param
        conv.num_output = param.num_output
        if sides[0] == sides[1]:
            conv.kernel_size.append(sides[0])
        else:
            conv.kernel_h, conv.kernel_w = sides
        if not param.bias_term:
            conv.bias_term = False
        for name in ("weight_filler", "bias_filler"):
            if param.HasField(name):
                getattr(conv, name).CopyFrom(getattr(param, name))
        top = layer.top[0]
        new = made.name if top == layer.name else top
        made.top.append(new)
        self.blobs[top] = new
        self.sizes[top] = (1, 1)
        self.made.layers.append(made)
        self.made.converted.append(made.name)

    def _name(self, name: str) -> str:
        """Return "conv6" for "fc6", as long as nothing else is called so."""
        found = _FC.fullmatch(name)
        new = f"conv{found[1]}" if found else name
        if new == name or new in self.taken:
            return name
        self.made.names[new] = name
        return new

    def _error(self, layer: Layer, words: str, *fields: str) -> NetworkError:
        return NetworkError(
            f"Layer {layer.name!r} cannot be made convolutional: {words}.",
            where=place("", layer_line(layer, *fields)),
            hint="A network that becomes fully convolutional ends in layers that weigh what is at one place.",
        )
