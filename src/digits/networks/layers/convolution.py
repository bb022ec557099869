"""Caffe ``Convolution``: learnt filters slide over the picture, or over any number of axes; sizes round down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from digits.networks.layers.registry import Blob, Layer, Lowered, Shape, Window, converter

Index = tuple[int | slice, ...]
_MODULES = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_MOST_PLACES = 10_000  # of a kernel that torch has no convolution for: each is a product by itself


@converter("Convolution", bottoms=(1, None), tops=(1, None), each=True, output_free=True)
def convolution(layer: Layer) -> Lowered:
    """(N, C, ...) to (N, num_output, ...) over any number of spatial axes; weights (out, in / group, kernel...), bias (out)."""
    param = layer.message.convolution_param
    axis, sizes = conv_axes(layer)
    channels, out, group = layer.in_shape[axis], param.num_output, param.group
    window = conv_window(layer, len(sizes))
    check_groups(layer, channels)
    check_window(layer, sizes, window)
    layer.blob_shape(out, channels // group, *window.kernel, field="convolution_param.num_output")
    call = conv_module(layer, _MODULES, ConvNd, window)
    blobs = conv_blobs(layer, prefix="" if axis == 1 else "inner.")
    return Lowered(call, blobs=blobs, window=window, macs_per="output", macs_channels=out)


class ConvNd(nn.Module):
    """A convolution over no spatial axis, or over more than torch has: the sum over all places of its kernel."""

    def __init__(self, channels: int, outputs: int, window: Window, *, groups: int, bias: bool) -> None:
        super().__init__()
        self.window, self.groups = window, groups
        self.weight = nn.Parameter(torch.empty(outputs, channels // groups, *window.kernel))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, outputs, ...]."""
        window = self.window
        padded = F.pad(x, pad_pairs(window))
        grouped = padded.reshape(x.shape[0], self.groups, -1, *padded.shape[2:])
        weight = self.weight.reshape(self.groups, -1, *self.weight.shape[1:])
        sizes = [
            (size - d * (k - 1) - 1) // s + 1
            for size, k, s, d in zip(grouped.shape[3:], window.kernel, window.stride, window.dilation, strict=True)
        ]
        y = sum(
            torch.einsum("ngc...,goc->ngo...", grouped[place], weight[offset])
            for offset, place in kernel_places(window, sizes)
        )
        assert isinstance(y, Tensor)
        y = y.flatten(1, 2)
        return y if self.bias is None else y + self.bias.reshape(-1, *(1,) * len(sizes))

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        return f"{tuple(self.weight.shape)}, {self.window}, groups={self.groups}"


def kernel_places(window: Window, sizes: Sequence[int]) -> Iterator[tuple[Index, Index]]:
    """Yield each place of a kernel, as indices of grouped weights and of the grouped values that meet it in ``sizes`` windows."""
    for offset in product(*map(range, window.kernel)):
        steps = zip(offset, sizes, window.stride, window.dilation, strict=True)
        values = (slice(o * d, o * d + (n - 1) * s + 1, s) for o, n, s, d in steps)
        whole = slice(None)
        yield (whole, whole, whole, *offset), (whole, whole, whole, *values)


def pad_pairs(window: Window) -> list[int]:
    """Return the pads in ``F.pad``'s order: of the last axis before and after, of the last but one, ..."""
    return [pad for size in reversed(window.pad) for pad in (size, size)]


class FoldBatch(nn.Module):
    """Runs ``inner`` with all axes before ``axis`` folded into one, as Caffe does when its ``axis`` is not 1."""

    def __init__(self, inner: nn.Module, axis: int) -> None:
        super().__init__()
        self.inner, self.axis = inner, axis

    def forward(self, x: Tensor) -> Tensor:
        """Return the inner module's output with the folded axes restored."""
        y: Tensor = self.inner(x.flatten(0, self.axis - 1))
        return y.reshape(*x.shape[: self.axis], *y.shape[1:])


def conv_module(
    layer: Layer, natives: Mapping[int, Callable[..., nn.Module]], other: Callable[..., nn.Module], window: Window
) -> nn.Module:
    """Return the module of a (de)convolution, its weights on ``meta``: torch's own of ``natives`` for 1 to 3 axes, else ``other``."""
    param = layer.message.convolution_param
    axis, sizes = conv_axes(layer)
    native = natives.get(len(sizes))
    if native is None and prod(window.kernel) > _MOST_PLACES:
        words = f"its kernel has {prod(window.kernel):,} places over {len(sizes)} axes; {_MOST_PLACES:,} are the most."
        raise layer.error(words, "convolution_param.kernel_size")
    with torch.device("meta"):
        if native is None:
            module = other(layer.in_shape[axis], param.num_output, window, groups=param.group, bias=param.bias_term)
        else:
            module = native(
                layer.in_shape[axis], param.num_output, window.kernel, stride=window.stride, padding=window.pad,
                dilation=window.dilation, groups=param.group, bias=param.bias_term,
            )  # fmt: skip
    return module if axis == 1 else FoldBatch(module, axis)


def conv_blobs(layer: Layer, *, prefix: str = "") -> tuple[Blob, ...]:
    """Return the parameter blobs: weight, then bias unless ``bias_term`` is false."""
    param = layer.message.convolution_param
    weight, bias = Blob(f"{prefix}weight", param.weight_filler), Blob(f"{prefix}bias", param.bias_filler)
    return (weight, bias) if param.bias_term else (weight,)


def conv_axes(layer: Layer) -> tuple[int, Shape]:
    """Return the channel axis and the sizes of the spatial axes behind it.

    Raises:
        NetworkError: there is no batch axis before it.
    """
    axis = layer.axis(layer.message.convolution_param.axis, "convolution_param.axis")
    if axis == 0:
        raise layer.error(
            f"a bottom of shape {shape_text(layer)} has no axis before its channels.", "convolution_param.axis"
        )
    return axis, layer.in_shape[axis + 1 :]


def check_window(layer: Layer, sizes: Shape, window: Window) -> None:
    """Do nothing if at least one window fits.

    Raises:
        NetworkError: the kernel is larger than the padded input.
    """
    for size, k, p, d in zip(sizes, window.kernel, window.pad, window.dilation, strict=True):
        if size + 2 * p < d * (k - 1) + 1:
            raise layer.error(
                f"its kernel of {d * (k - 1) + 1} is larger than its input of {size} with pad {p}.",
                "convolution_param.kernel_size",
                "convolution_param.kernel_h",
                hint="Is the picture too small for this network?",
            )


def check_groups(layer: Layer, channels: int) -> None:
    """Do nothing if num_output and group fit the channels.

    Raises:
        NetworkError: num_output is missing or 0, or group does not divide both.
    """
    param = layer.message.convolution_param
    if not param.num_output:
        fields = ("convolution_param.num_output", "convolution_param")
        raise layer.error("num_output must be given and be at least 1.", *fields)
    if param.num_output > 2**31 - 1:
        raise layer.error(f"num_output {param.num_output} is absurd.", "convolution_param.num_output")
    if not param.group or channels % param.group or param.num_output % param.group:
        raise layer.error(
            f"group {param.group} does not divide its {channels} input channels and its num_output {param.num_output}.",
            "convolution_param.group",
        )


def conv_window(layer: Layer, num_axes: int) -> Window:
    """Return the window of a (de)convolution over ``num_axes`` spatial axes.

    Raises:
        NetworkError: a size is missing, 0, given twice, or given for another number of axes.
    """
    param = layer.message.convolution_param
    if num_axes == 0:
        return Window((), (), (), ())
    kernel = _per_axis(layer, "kernel_size", param.kernel_size, "kernel_h", "kernel_w", num_axes, None)
    stride = _per_axis(layer, "stride", param.stride, "stride_h", "stride_w", num_axes, 1)
    pad = _per_axis(layer, "pad", param.pad, "pad_h", "pad_w", num_axes, 0)
    dilation = _per_axis(layer, "dilation", param.dilation, "", "", num_axes, 1)
    for name, values in (("kernel_size", kernel), ("stride", stride), ("dilation", dilation)):
        if min(values) < 1:
            fields = [f"convolution_param.{name}", f"convolution_param.{name.removesuffix('_size')}_h"]
            raise layer.error(f"{name} is 0.", *fields)
    if max(*kernel, *stride, *pad, *dilation) > 2**20:
        raise layer.error("kernel_size, stride, pad or dilation is absurdly large.", "convolution_param")
    return Window(kernel, stride, pad, dilation)


def _per_axis(
    layer: Layer, name: str, given: Sequence[int], h: str, w: str, num_axes: int, default: int | None
) -> tuple[int, ...]:
    """Return one number an axis: the repeated field has one for all or one each; the _h/_w pair is for two axes alone."""
    param = layer.message.convolution_param
    field = f"convolution_param.{name}"
    pair = bool(h) and (param.HasField(h) or param.HasField(w))
    if pair:
        if given:
            raise layer.error(f"give {name}, or {h} and {w}; not both.", f"convolution_param.{h}", field)
        if num_axes != 2:
            raise layer.error(f"{h} and {w} are for two spatial axes; there are {num_axes}.", f"convolution_param.{h}")
        return getattr(param, h), getattr(param, w)
    if not given and default is None:
        raise layer.error(f"{name} must be given.", "convolution_param")
    if len(given) not in (0, 1, num_axes):
        raise layer.error(f"{len(given)} values of {name} for {num_axes} spatial axes.", field)
    values = tuple(given) or (default or 0,)
    return values if len(values) == num_axes else values * num_axes


def shape_text(layer: Layer) -> str:
    """Return the first bottom's shape in words: "2 x 3 x 28 x 28"."""
    return " x ".join(map(str, layer.in_shape)) or "()"
