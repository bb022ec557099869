"""From a filtered definition to a torch.fx graph: blobs become values, layers become calls, Caffe's rules hold.

A blob with several readers needs no Split: the graph's values are shared and autograd adds the gradients. An in-place layer
makes a new value under the old name, so gradients are right where real Caffe's are not: after Exp and then Power in place, say, where
Caffe's Exp takes what Power wrote for its own output. Nothing has memory before shapes and counts are known to be sound.
"""

from __future__ import annotations

import keyword
import operator
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import fx, nn

from digits.caffeproto import caffe_pb2, limits
from digits.caffeproto.place import did_you_mean, nearest, place, shown
from digits.caffeproto.text import layer_line
from digits.caffeproto.upgrade import upgrade_net
from digits.core.errors import NetworkError, UnknownLayerError
from digits.networks.caffe.fit import check_counts, check_place
from digits.networks.caffe.fuse import fuse_scales
from digits.networks.caffe.geometry import Geometry, after, of_input
from digits.networks.caffe.memory import check_memory
from digits.networks.caffe.net import CaffeNet
from digits.networks.caffe.weights import Weights
from digits.networks.layerinfo import LayerInfo
from digits.networks.layers.registry import (
    NOT_BUILT_YET,
    Converter,
    Layer,
    Lowered,
    Phase,
    Shape,
    Source,
    converters,
    trial,
)


def build(
    net: caffe_pb2.NetParameter,
    inputs: Mapping[str, Shape],
    *,
    phase: Phase,
    where: str,
    generator: torch.Generator | None = None,
    share: CaffeNet | None = None,
    device: str = "cpu",
) -> CaffeNet:
    """Return the network of a filtered definition.

    Args:
        net: the layers of one state; an old form is brought up to date.
        inputs: shapes of input blobs, batch first; they win over what an Input layer says.
        phase: TRAIN or TEST.
        where: the file's name for errors.
        generator: where random fillers draw from; a new seed when None.
        share: a network whose layers of the same names lend their parameters (to a test net, its train net).
        device: "meta" builds all but the memory: shapes and counts alone.

    Raises:
        UnknownLayerError: no converter knows a layer's type; names the line and the nearest type.
        NetworkError: the layers do not fit together; names the line.
    """
    current = upgrade_net(net, where=where)
    return _Builder(current, inputs, phase, where, Weights(generator, share, device, current.force_backward)).run()


@dataclass(frozen=True)
class _Value:
    """One version of a blob."""

    node: fx.Node
    shape: Shape
    maker: Converter
    layer: str
    geometry: Geometry


class _Builder:
    def __init__(
        self, net: caffe_pb2.NetParameter, given: Mapping[str, Shape], phase: Phase, where: str, weights: Weights
    ) -> None:
        self.net, self.given, self.phase, self.where, self.weights = net, given, phase, where, weights
        self.graph, self.root = fx.Graph(), nn.Module()
        self.last_input: fx.Node | None = None
        self.values: dict[str, _Value] = {}
        self.inputs: dict[str, Shape] = {}
        self.unread: set[str] = set()
        self.losses: dict[str, float] = {}
        self.loss_nodes: dict[str, fx.Node] = {}
        self.fillers: dict[str, caffe_pb2.FillerParameter] = {}
        self.infos: list[LayerInfo] = []
        self.names: set[str] = set(dir(fx.GraphModule(nn.Module(), fx.Graph())))
        self.numbers: Counter[str] = Counter()
        self.readers = _count_readers(net)
        self.versions: Counter[str] = Counter()
        self.bytes = 0

    def run(self) -> CaffeNet:
        for message in self.net.layer:
            self._layer(message)
        if self.weights.device != "meta":
            largest = max((prod(shape) for row in self.infos for shape in row.output_shapes), default=0)
            check_memory(self.weights.count + largest, where=self.where, what="Its weights and largest blob take")
        self.weights.materialize()
        outputs = tuple(sorted(self.unread))
        made = {name: self.values[name].node for name in outputs}
        named = {name: value.node for name, value in self.values.items()} | self.loss_nodes
        fuse_scales(self.graph, self.root, kept=set(named.values()))
        self.graph.output(made | {name: node for name, node in self.loss_nodes.items() if name not in made})
        module = fx.GraphModule(self.root, self.graph, class_name="CaffeNet")
        module.train(self.phase == "TRAIN")
        return CaffeNet(
            name=self.net.name,
            phase=self.phase,
            module=module,
            inputs=tuple(self.inputs),
            input_shapes=self.inputs,
            outputs=outputs,
            losses=self.losses,
            parameters=self.weights.parameters(),
            layers=tuple(self.infos),
            blobs=self.weights.blobs,
            nodes={name: node.name for name, node in named.items()},
            fillers=self.fillers,
        )

    def _error(self, message: caffe_pb2.LayerParameter, text: str, *fields: str, hint: str = "") -> NetworkError:
        return Layer(message, (), self.phase, self.where).error(text, *fields, hint=hint)

    def _layer(self, message: caffe_pb2.LayerParameter) -> None:
        converter = self._converter(message)
        message = self._with_top(message)
        bottoms = [self._bottom(message, name) for name in message.bottom]
        layer = Layer(
            message,
            tuple(bottom.shape for bottom in bottoms),
            ("TRAIN" if message.phase == caffe_pb2.TRAIN else "TEST") if message.HasField("phase") else self.phase,
            self.where,
            overwrites=self._overwrites(message, bottoms),
        )
        check_counts(layer, converter)
        lowered = converter.function(layer)
        if isinstance(lowered, Source):
            shapes, geometries = self._source(layer, lowered, converter)
            self._info(layer, shapes, geometries[0], None, 0)
            return
        shapes, is_tuple = self._shapes(layer, lowered, converter)
        check_place(layer, shapes)
        called, num_parameters = self.weights.attach(layer, lowered)
        nodes = self._nodes(layer, called, converter, bottoms, is_tuple)
        geometry = after([bottom.geometry for bottom in bottoms], lowered.window)
        self.unread.difference_update(message.bottom)
        for index, (name, node, shape) in enumerate(zip(message.top, nodes, shapes, strict=True)):
            self._top(layer, index, name, _Value(node, shape, converter, message.name, geometry))
        self._loss_weights(layer, nodes)
        self._info(layer, shapes, geometry, lowered, num_parameters)

    def _with_top(self, message: caffe_pb2.LayerParameter) -> caffe_pb2.LayerParameter:
        """Return the layer; a loss without a top, as old definitions have them, gets one of its own name."""
        if message.top or not message.type.endswith("Loss"):
            return message
        taken = {name for layer in self.net.layer for name in layer.top} | self.values.keys()
        name = message.name or message.type
        while name in taken:
            name += "_loss"
        copy = caffe_pb2.LayerParameter()
        copy.CopyFrom(message)
        copy.top.append(name)
        return copy

    def _converter(self, message: caffe_pb2.LayerParameter) -> Converter:
        known = converters()
        if message.type in known:
            return known[message.type]
        if not message.type:
            raise self._error(message, "it has no type.")
        if message.type in NOT_BUILT_YET:
            raise UnknownLayerError(
                f"Layer {shown(message.name)} has type {message.type!r} ({NOT_BUILT_YET[message.type]}), "
                "which is known but not built yet.",
                where=place(self.where, layer_line(message, "type")),
                hint="The definition can be read and shown; it cannot be run or trained.",
            )
        raise UnknownLayerError(
            f"Unknown layer type: {message.type[:100]} (layer {shown(message.name)}).",
            where=place(self.where, layer_line(message, "type")),
            hint=did_you_mean(message.type, known) or f"Known types: {', '.join(known)}.",
        )

    def _bottom(self, message: caffe_pb2.LayerParameter, name: str) -> _Value:
        if name in self.values:
            return self.values[name]
        hint = ""
        makers = [other for other in self.net.layer if name in other.top]
        if makers and list(makers[0].top) == list(message.top):
            hint = "It would read what it makes itself."
        elif makers:
            line = layer_line(makers[0])
            hint = f"Layer {makers[0].name!r}{f' of line {line}' if line else ''} makes it, and stands later: order counts."
        elif (near := nearest(name, self.values)) is not None:
            hint = f"Did you mean {near!r}{', with its blank' if near != near.strip() else ''}?"
        raise self._error(message, f"its bottom {shown(name)} is made by no layer before it.", "bottom", hint=hint)

    def _overwrites(self, message: caffe_pb2.LayerParameter, bottoms: Sequence[_Value]) -> bool:
        if len(bottoms) != 1 or list(message.bottom) != list(message.top):
            return False
        name, value = message.bottom[0], bottoms[0]
        alone = self.readers[name, self.versions[name]] == 1
        return alone and value.maker.output_free and self.losses.get(name, 0) == 0

    def _source(
        self, layer: Layer, source: Source, converter: Converter
    ) -> tuple[tuple[Shape, ...], tuple[Geometry, ...]]:
        shapes, geometries = [], []
        for index, (name, own) in enumerate(zip(layer.message.top, source.shapes, strict=True)):
            shape = self.given.get(name, own)
            if shape is None:
                raise layer.error(f"nothing says which shape its top {shown(name)} has.", "top")
            with self.graph.inserting_after(self.last_input):
                free = self._name(name)
                node = self.graph.create_node("placeholder", free, name=free)
            self.last_input = node
            geometry = of_input(shape)
            self._top(layer, index, name, _Value(node, tuple(shape), converter, layer.message.name, geometry))
            self.inputs[name] = tuple(shape)
            if source.fillers:
                self.fillers[name] = source.fillers[index]
            shapes.append(tuple(shape))
            geometries.append(geometry)
        return tuple(shapes), tuple(geometries)

    def _shapes(self, layer: Layer, lowered: Lowered, converter: Converter) -> tuple[tuple[Shape, ...], bool]:
        try:
            if converter.each:
                shapes, is_tuple = tuple(trial(lowered, (shape,))[0][0] for shape in layer.in_shapes), False
            else:
                shapes, is_tuple = trial(lowered, layer.in_shapes)
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            first = str(error).strip().partition("\n")[0]
            raise layer.error(f"its input of {layer.in_shapes} does not go with it: {first}") from error
        for shape in shapes:
            self.bytes += 4 * prod(shape)
            if prod(shape) > limits.MAX_BLOB_ELEMENTS or self.bytes > limits.MAX_ACTIVATION_BYTES:
                raise layer.error(f"its output would be {' x '.join(map(str, shape))}: too large.")
        return shapes, is_tuple

    def _nodes(
        self, layer: Layer, lowered: Lowered, converter: Converter, bottoms: Sequence[_Value], is_tuple: bool
    ) -> tuple[fx.Node, ...]:
        if lowered.call is None:
            return ()
        arguments = [self._argument(layer, index, value) for index, value in enumerate(bottoms)]
        name = self._name(layer.message.name or layer.message.type)
        target: Any = lowered.call
        kind = "call_function"
        if isinstance(lowered.call, nn.Module):
            self.root.add_module(name, lowered.call)
            kind, target = "call_module", name
        if converter.each:
            nodes = [
                self.graph.create_node(kind, target, (argument,), dict(lowered.options), name=name)
                for argument in arguments
            ]
        else:
            given: tuple[Any, ...] = (tuple(arguments),) if lowered.packed else tuple(arguments)
            nodes = [self.graph.create_node(kind, target, given, dict(lowered.options), name=name)]
        for node in nodes:
            node.meta["layer"] = layer.message.name
        if converter.each or not is_tuple:
            return tuple(nodes)
        return tuple(
            self.graph.call_function(operator.getitem, (nodes[0], index)) for index in range(len(layer.message.top))
        )

    def _argument(self, layer: Layer, index: int, value: _Value) -> fx.Node:
        switches = layer.message.propagate_down
        if switches and len(switches) != len(layer.message.bottom):
            raise layer.error(
                f"{len(switches)} propagate_down for {len(layer.message.bottom)} bottoms.", "propagate_down"
            )
        if switches and not switches[index] and not self.net.force_backward:
            return self.graph.call_method("detach", (value.node,))
        return value.node

    def _top(self, layer: Layer, index: int, name: str, value: _Value) -> None:
        in_place = index < len(layer.message.bottom) and layer.message.bottom[index] == name
        if name in self.values and not in_place:
            maker = self.values[name].layer
            raise layer.error(
                f"its top {shown(name)} is already made by layer {maker!r}.", "top", hint="Give it a name of its own."
            )
        if name in self.losses:  # an in-place layer follows, and the loss is what it was before
            key = f"{name} of {self.values[name].layer}"
            self.losses[key], self.loss_nodes[key] = self.losses.pop(name), self.loss_nodes.pop(name)
        self.values[name] = value
        self.versions[name] += 1
        self.unread.add(name)

    def _loss_weights(self, layer: Layer, nodes: Sequence[fx.Node]) -> None:
        given, tops = list(layer.message.loss_weight), list(layer.message.top)
        if given and len(given) not in (1, len(tops)):
            raise layer.error(f"{len(given)} loss_weight for {len(tops)} tops.", "loss_weight")
        weights = given or ([1.0] if layer.message.type.endswith("Loss") else [])
        for name, node, weight in zip(tops, nodes, weights, strict=False):
            if weight:
                self.losses[name] = weight
                self.loss_nodes[name] = node

    def _info(
        self, layer: Layer, shapes: tuple[Shape, ...], geometry: Geometry, lowered: Lowered | None, num_parameters: int
    ) -> None:
        window = lowered.window if lowered else None
        self.infos.append(
            LayerInfo(
                name=layer.message.name,
                type=layer.message.type,
                line=layer_line(layer.message),
                bottoms=tuple(layer.message.bottom),
                tops=tuple(layer.message.top),
                output_shapes=shapes,
                num_parameters=num_parameters,
                kernel=window.kernel if window else (),
                stride=window.stride if window else (),
                pad=window.pad if window else (),
                receptive_field=geometry.receptive_field,
                cumulative_stride=geometry.stride,
                multiply_adds=_multiply_adds(layer, lowered, shapes) if lowered else 0,
            )
        )

    def _name(self, wanted: str) -> str:
        """Return a name that Python, torch and fx accept and that is still free."""
        name = re.sub(r"\W", "_", wanted, flags=re.ASCII) or "layer"
        if name[0].isdigit():
            name = f"_{name}"
        candidate = name
        while candidate in self.names or keyword.iskeyword(candidate):
            self.numbers[name] += 1
            candidate = f"{name}_{self.numbers[name]}"
        self.names.add(candidate)
        return candidate


def _count_readers(net: caffe_pb2.NetParameter) -> Counter[tuple[str, int]]:
    """Return how many bottoms read each version of each blob; the first version is 1."""
    readers: Counter[tuple[str, int]] = Counter()
    versions: Counter[str] = Counter()
    for layer in net.layer:
        readers.update((name, versions[name]) for name in layer.bottom)
        versions.update(layer.top)
    return readers


def _multiply_adds(layer: Layer, lowered: Lowered, shapes: tuple[Shape, ...]) -> int:
    """Return the multiplications of weights with values for one picture."""
    if not lowered.macs_per or not isinstance(lowered.call, nn.Module):
        return 0
    weight = lowered.call.get_parameter(lowered.blobs[0].attribute).numel()
    sides = shapes if lowered.macs_per == "output" else layer.in_shapes
    batch = max(1, layer.in_shape[0] if layer.in_shape else 1)
    return weight * sum(prod(shape) for shape in sides) // (lowered.macs_channels * batch)
