"""What a model does with one batch, layer by layer: watched while it runs on tensors without memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

from digits.core.errors import NetworkError
from digits.networks.layerinfo import LayerInfo
from digits.networks.torch.definition import TorchDefinition

Pair = tuple[int, int]
INPUT = "data"
MAX_LAYERS = 20_000


@dataclass(frozen=True)
class Traced:
    """A layer that ran, in the order of running."""

    info: LayerInfo
    above: tuple[int, ...]
    """Places of those that feed it, 0 for the pictures, then the first layer as 1."""


def trace(definition: TorchDefinition, input_CHW: tuple[int, int, int], *, batch_size: int = 1) -> list[Traced]:
    """Return the layers that run in training, each each time that it runs.

    A layer is a module without modules in it, or with weights of its own. What happens between two of them (a sum, ``torch.cat``, functions
    of ``torch.nn.functional``) is no row, but joins what comes before it.

    Raises:
        NetworkError: the model cannot run on such pictures; with its line.
    """
    watch = _Watch(definition)
    model = definition.model.to("meta").train()
    for layer in model.modules():
        if isinstance(layer, _BatchNorm):
            layer.eval()  # in training it refuses the one value a channel that a small picture leaves of one picture
    data = torch.empty((batch_size, *input_CHW), device="meta")
    watch.know(data, frozenset({0}))
    try:
        with watch.hooked(model), definition.at_line("The network cannot run"), torch.no_grad(), watch:
            model(data)
    except NetworkError as error:
        raise watch.at_layer(error) from error
    return watch.rows


class _Watch(TorchFunctionMode):
    """Knows of every tensor which layers it comes from."""

    def __init__(self, definition: TorchDefinition) -> None:
        super().__init__()
        self.rows: list[Traced] = []
        self._lines: Mapping[str, int] = definition.lines or {}
        self._entered = ""
        self._sources: dict[int, frozenset[int]] = {}
        self._kept: list[Tensor] = []  # so that no two tensors have one id
        self._fields: dict[int, tuple[Pair, tuple[float, float]]] = {0: ((1, 1), (1.0, 1.0))}
        """By the place of a layer: receptive field, cumulative stride."""

    def know(self, tensor: Tensor, sources: frozenset[int]) -> None:
        """Write down where a tensor comes from."""
        self._kept.append(tensor)
        self._sources[id(tensor)] = sources

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run ``func``; its results come from where its arguments do."""
        made = func(*args, **(kwargs or {}))
        sources = self._of((args, kwargs))
        if sources:
            for tensor in tensors_in(made):
                self.know(tensor, self._sources.get(id(tensor), frozenset()) | sources)
        return made

    def at_layer(self, error: NetworkError) -> NetworkError:
        """Return the error at the line that made the layer that failed, where no line of the text was running."""
        line = self._lines.get(self._entered, 0)
        if not line or re.search(r"\d$", error.where):
            return error
        where = f"{error.where}:{line}" if error.where else f"line {line}"
        return NetworkError(f"{error.message.rstrip('.')} (in layer {self._entered!r}).", where=where, hint=error.hint)

    @contextmanager
    def hooked(self, model: nn.Module) -> Iterator[None]:
        """Hear of every layer that runs in the block."""
        handles = []
        for name, module in model.named_modules():
            if next(module.children(), None) is None or next(module.parameters(recurse=False), None) is not None:
                handles.append(module.register_forward_pre_hook(partial(self._enter, name)))
                handles.append(module.register_forward_hook(self._heard(name or type(module).__name__)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, name: str, _module: nn.Module, _args: Any) -> None:
        self._entered = name

    def _heard(self, name: str) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...], made: Any) -> None:
            outputs = list(tensors_in(made))
            if not outputs or isinstance(module, nn.Identity) or len(self.rows) >= MAX_LAYERS:
                return
            above = tuple(sorted(self._of(args))) or (0,)
            place = len(self.rows) + 1
            self.rows.append(Traced(self._info(name, module, args, outputs, above, place), above))
            for tensor in outputs:
                self.know(tensor, frozenset({place}))

        return hook

    def _of(self, values: Any) -> frozenset[int]:
        return frozenset().union(*(self._sources.get(id(tensor), frozenset()) for tensor in tensors_in(values)))

    def _info(
        self, name: str, module: Any, args: Any, outputs: list[Tensor], above: tuple[int, ...], place: int
    ) -> LayerInfo:
        kernel, stride, pad, dilation = (
            _pair(getattr(module, each, None)) for each in ("kernel_size", "stride", "padding", "dilation")
        )
        own = sum(each.numel() for each in module.parameters(recurse=False))
        field = max((self._fields[each][0] for each in above), default=(1, 1))
        step = max((self._fields[each][1] for each in above), default=(1.0, 1.0))
        if kernel:
            spread = dilation or (1, 1)
            wide = tuple(int(f + (k - 1) * d * s) for f, k, d, s in zip(field, kernel, spread, step, strict=True))
            is_up = isinstance(module, nn.ConvTranspose2d)
            moved = tuple(s / each if is_up else s * each for s, each in zip(step, stride or kernel, strict=True))
            field, step = (wide[0], wide[1]), (moved[0], moved[1])
        self._fields[place] = field, step
        bottoms = tuple(INPUT if each == 0 else self.rows[each - 1].info.name for each in above)
        return LayerInfo(
            name=name, type=type(module).__name__, line=self._lines.get(name, 0), bottoms=bottoms, tops=(name,),
            output_shapes=tuple(tuple(each.shape) for each in outputs), num_parameters=own, kernel=kernel,
            stride=(stride or kernel) if kernel else (), pad=pad if kernel else (), receptive_field=field if kernel else (),
            cumulative_stride=step if kernel else (), multiply_adds=_multiply_adds(module, list(tensors_in(args)), outputs[0]),
        )  # fmt: skip


def _multiply_adds(module: nn.Module, inputs: list[Tensor], output: Tensor) -> int:
    """Return the multiply-adds of one picture in a convolution or a fully connected layer; 0 for what costs little."""
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() < 2 or isinstance(module, nn.Embedding):
        return 0
    if isinstance(module, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
        return weight.numel() * prod(inputs[0].shape[2:]) if inputs else 0
    if isinstance(module, nn.Linear):
        return weight.numel() * prod(output.shape[1:-1])
    return weight.numel() * prod(output.shape[2:])


def _pair(value: Any) -> tuple[int, ...]:
    """Return a window's number, one or a pair, as (height, width); () where there is none."""
    if isinstance(value, int):
        return (value, value)
    is_pair = isinstance(value, tuple) and len(value) == 2 and all(isinstance(each, int) for each in value)
    return tuple(value) if is_pair else ()


def tensors_in(values: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested lists, tuples and dicts."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (list, tuple)):
        for each in values:
            yield from tensors_in(each)
    elif isinstance(values, dict):
        yield from tensors_in(list(values.values()))
