"""Parameter blobs of a network that is being built: made and filled, lent by another network, or shared by name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod

import torch
from torch import nn

from digits.caffeproto import caffe_pb2, limits
from digits.core.errors import NetworkError
from digits.networks.caffe.fillers import fill
from digits.networks.caffe.net import CaffeNet, LayerParameter
from digits.networks.caffe.shared import Reshaped, SharedView
from digits.networks.layers.registry import Blob, Layer, Lowered, Shape


@dataclass
class _Owner:
    """The layer that a shared parameter belongs to, and what its readers say about learning."""

    layer: str
    index: int
    parameter: nn.Parameter
    lr_mult: float | None
    decay_mult: float | None


@dataclass(frozen=True)
class _Owned:
    """A parameter of its own, and where it lies."""

    name: str
    module: nn.Module
    attribute: str
    spec: caffe_pb2.ParamSpec
    blob: Blob
    is_lent: bool


@dataclass
class Weights:
    """Gives each layer its parameter blobs, and keeps the list of them."""

    generator: torch.Generator | None
    lender: CaffeNet | None
    device: str
    force_backward: bool = False
    """The definition asks for every gradient: also for those of parameters whose ``lr_mult`` is 0."""
    blobs: dict[str, tuple[nn.Module, str]] = field(default_factory=dict)
    count: int = 0
    _named: dict[str, _Owner] = field(default_factory=dict)
    _owned: list[_Owned] = field(default_factory=list)

    def attach(self, layer: Layer, lowered: Lowered) -> tuple[Lowered, int]:
        """Put real parameters into a lowered layer's module; return what is to be called then, and how many values it learns.

        Raises:
            NetworkError: the layer's ``param`` entries or fillers do not fit, or a shared or lent array has another shape.
        """
        specs = layer.message.param
        if len(specs) > len(lowered.blobs):
            raise layer.error(f"{len(specs)} param entries for {len(lowered.blobs)} parameter blobs.", "param")
        total, views = 0, {}
        for index, blob in enumerate(lowered.blobs):
            assert isinstance(lowered.call, nn.Module)
            name = f"{layer.message.name}:{index}"
            if name in self.blobs:
                raise layer.error(
                    "another layer of this name has parameters too.", "name", hint="Weight files know layers by name."
                )
            spec = specs[index] if index < len(specs) else caffe_pb2.ParamSpec()
            if not blob.learned:
                spec = caffe_pb2.ParamSpec(name=spec.name or None, lr_mult=0, decay_mult=0)
            owner, attribute = split(lowered.call, blob.attribute)
            shape = tuple(getattr(owner, attribute).shape)
            total += prod(shape) if blob.learned else 0
            parameter = self._parameter(layer, index, blob, spec, shape, owner, attribute)
            setattr(owner, attribute, parameter)
            self.blobs[name] = (owner, attribute)
            if tuple(parameter.shape) != shape:
                views[blob.attribute] = shape
                self.blobs[name] = (SharedView(owner, attribute, shape), "tensor")
        if views:
            assert isinstance(lowered.call, nn.Module)
            lowered = replace(lowered, call=Reshaped(lowered.call, views))
        return lowered, total

    def materialize(self) -> None:
        """Give the parameters memory and first values, in the order of the layers: the whole network is known to be sound."""
        for own in self._owned:
            parameter = getattr(own.module, own.attribute)
            if own.is_lent or self.device == "meta":
                continue
            values = torch.empty(parameter.shape)
            fill(values, own.blob.filler, self.generator)
            if own.blob.initial is not None:
                values.copy_(own.blob.initial)
            new = nn.Parameter(values.to(self.device))
            torch.utils.swap_tensors(parameter, new)  # type: ignore[no-untyped-call] # torch's own

    def parameters(self) -> tuple[LayerParameter, ...]:
        """Return one entry an array, in the order of the layers."""
        entries = []
        for own in self._owned:
            owner = self._named.get(own.spec.name) if own.spec.name else None
            lr = owner.lr_mult if owner and owner.lr_mult is not None else own.spec.lr_mult
            decay = owner.decay_mult if owner and owner.decay_mult is not None else own.spec.decay_mult
            if self.lender is None:
                wants_gradient = own.blob.learned and (lr != 0 or self.force_backward)
                getattr(own.module, own.attribute).requires_grad_(wants_gradient)
            entries.append(LayerParameter(own.name, own.module, own.attribute, lr, decay, own.blob.learned))
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
        """Return a parameter for a blob: shared by name, lent, or new. A shared or lent one may have another shape of as many values."""
        if spec.name and spec.name in self._named:
            return self._shared(layer, spec, shape)
        self.count += prod(shape)
        if self.count > limits.MAX_PARAMETERS:
            raise layer.error(f"the network would have more than {limits.MAX_PARAMETERS:,} parameters.")
        lent = self._lent(layer, index, shape)
        parameter = self._made(layer, blob, shape) if lent is None else lent
        if spec.name:
            lr, decay = (getattr(spec, f) if spec.HasField(f) else None for f in ("lr_mult", "decay_mult"))
            self._named[spec.name] = _Owner(layer.message.name, index, parameter, lr, decay)
        name = f"{layer.message.name}:{index}"
        self._owned.append(_Owned(name, module, attribute, spec, blob, is_lent=lent is not None))
        return parameter

    def _made(self, layer: Layer, blob: Blob, shape: Shape) -> nn.Parameter:
        """Return a parameter without memory, whose filler is known to fit."""
        values = torch.empty(shape, device="meta")
        try:
            fill(values, blob.filler, None)
        except NetworkError as error:
            source: caffe_pb2.Source = layer.message.Extensions[caffe_pb2.source]
            is_bias = blob.attribute.endswith("bias")
            fields = [name for name in source.fields if name.endswith("filler.type") and ("bias" in name) == is_bias]
            raise layer.error(error.message, *fields, hint=error.hint) from error
        return nn.Parameter(values)

    def _lent(self, layer: Layer, index: int, shape: Shape) -> nn.Parameter | None:
        if self.lender is None or (place := self.lender.blobs.get(f"{layer.message.name}:{index}")) is None:
            return None
        module, attribute = place
        lent = getattr(module, attribute)
        self._same_shape(layer, tuple(lent.shape), shape, "the other network's layer of this name")
        parameter = module.owner if isinstance(module, SharedView) else lent
        assert isinstance(parameter, nn.Parameter)
        return parameter

    def _shared(self, layer: Layer, spec: caffe_pb2.ParamSpec, shape: Shape) -> nn.Parameter:
        owner = self._named[spec.name]
        is_permissive = spec.share_mode == caffe_pb2.ParamSpec.PERMISSIVE
        if not is_permissive or owner.parameter.numel() != prod(shape):
            who = f"layer {owner.layer!r}, which owns {spec.name!r},"
            self._same_shape(layer, tuple(owner.parameter.shape), shape, who)
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
