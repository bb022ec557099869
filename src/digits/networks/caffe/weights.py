"""Parameter blobs of a network that is being built: made and filled, lent by another network, or shared by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

import torch
from torch import nn

from digits.caffeproto import caffe_pb2, limits
from digits.core.errors import NetworkError
from digits.networks.caffe.fillers import fill
from digits.networks.caffe.net import CaffeNet, LayerParameter
from digits.networks.layers.registry import Blob, Layer, Lowered, Shape


@dataclass
class _Owner:
    """The layer that a shared parameter belongs to, and what its readers say about learning."""

    layer: str
    index: int
    parameter: nn.Parameter
    lr_mult: float | None
    decay_mult: float | None


@dataclass
class Weights:
    """Gives each layer its parameter blobs, and keeps the list of them."""

    generator: torch.Generator | None
    lender: CaffeNet | None
    device: str
    blobs: dict[str, tuple[nn.Module, str]] = field(default_factory=dict)
    count: int = 0
    _named: dict[str, _Owner] = field(default_factory=dict)
    _owned: list[tuple[str, nn.Module, str, caffe_pb2.ParamSpec]] = field(default_factory=list)

    def attach(self, layer: Layer, lowered: Lowered) -> int:
        """Put real parameters into a lowered layer's module; return how many values it holds.

        Raises:
            NetworkError: the layer's ``param`` entries or fillers do not fit, or a shared or lent array has another shape.
        """
        specs = layer.message.param
        if len(specs) > len(lowered.blobs):
            raise layer.error(f"{len(specs)} param entries for {len(lowered.blobs)} parameter blobs.", "param")
        total = 0
        for index, blob in enumerate(lowered.blobs):
            assert isinstance(lowered.call, nn.Module)
            name = f"{layer.message.name}:{index}"
            if name in self.blobs:
                raise layer.error("another layer of this name has parameters too.", "name")
            spec = specs[index] if index < len(specs) else caffe_pb2.ParamSpec()
            owner, attribute = split(lowered.call, blob.attribute)
            shape = tuple(getattr(owner, attribute).shape)
            total += prod(shape)
            setattr(owner, attribute, self._parameter(layer, index, blob, spec, shape, owner, attribute))
            self.blobs[name] = (owner, attribute)
        return total

    def parameters(self) -> tuple[LayerParameter, ...]:
        """Return one entry an array, in the order of the layers."""
        entries = []
        for name, module, attribute, spec in self._owned:
            owner = self._named.get(spec.name) if spec.name else None
            lr = owner.lr_mult if owner and owner.lr_mult is not None else spec.lr_mult
            decay = owner.decay_mult if owner and owner.decay_mult is not None else spec.decay_mult
            if self.lender is None:
                getattr(module, attribute).requires_grad_(lr != 0)
            entries.append(LayerParameter(name, module, attribute, lr, decay))
        return tuple(entries)

    def _parameter(
        self,
        layer: Layer,
        index: int,
        blob: Blob,
        spec: caffe_pb2.ParamSpec,
        shape: Shape,
        module: nn.Module,
        attribute: str,
    ) -> nn.Parameter:
        if spec.name and spec.name in self._named:
            return self._shared(layer, spec, shape)
        self.count += prod(shape)
        if self.count > limits.MAX_PARAMETERS:
            raise layer.error(f"the network would have more than {limits.MAX_PARAMETERS:,} parameters.")
        parameter = self._lent(layer, index, shape)
        if parameter is None:
            parameter = self._made(layer, blob, shape)
        if spec.name:
            lr, decay = (getattr(spec, f) if spec.HasField(f) else None for f in ("lr_mult", "decay_mult"))
            self._named[spec.name] = _Owner(layer.message.name, index, parameter, lr, decay)
        self._owned.append((f"{layer.message.name}:{index}", module, attribute, spec))
        return parameter

    def _made(self, layer: Layer, blob: Blob, shape: Shape) -> nn.Parameter:
        values = torch.empty(shape, device="meta" if self.device == "meta" else "cpu")
        try:
            if self.device != "meta":
                fill(values, blob.filler, self.generator)
        except NetworkError as error:
            fields = ("convolution_param.weight_filler", "inner_product_param.weight_filler")
            raise layer.error(error.message, *fields, hint=error.hint) from error
        return nn.Parameter(values.to(self.device))

    def _lent(self, layer: Layer, index: int, shape: Shape) -> nn.Parameter | None:
        if self.lender is None or (place := self.lender.blobs.get(f"{layer.message.name}:{index}")) is None:
            return None
        parameter = getattr(*place)
        assert isinstance(parameter, nn.Parameter)
        self._same_shape(layer, tuple(parameter.shape), shape, "the other network's layer of this name")
        return parameter

    def _shared(self, layer: Layer, spec: caffe_pb2.ParamSpec, shape: Shape) -> nn.Parameter:
        owner = self._named[spec.name]
        self._same_shape(
            layer, tuple(owner.parameter.shape), shape, f"layer {owner.layer!r}, which owns {spec.name!r},"
        )
        for name in ("lr_mult", "decay_mult"):
            if not spec.HasField(name):
                continue
            ours, theirs = getattr(spec, name), getattr(owner, name)
            if theirs is not None and theirs != ours:
                raise layer.error(
                    f"shared param {spec.name!r} has mismatched {name}: {ours:g} and {theirs:g}.", "param.name"
                )
            setattr(owner, name, ours)
        return owner.parameter

    def _same_shape(self, layer: Layer, theirs: Shape, ours: Shape, who: str) -> None:
        if theirs != ours:
            sizes = [" x ".join(map(str, shape)) for shape in (theirs, ours)]
            raise layer.error(
                f"{who} has weights of {sizes[0]}, and this layer needs {sizes[1]}.", "param.name", "name"
            )


def split(module: nn.Module, attribute: str) -> tuple[nn.Module, str]:
    """Return the submodule and the last name of a dotted attribute."""
    path, _, last = attribute.rpartition(".")
    return module.get_submodule(path), last
