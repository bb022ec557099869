"""The layers of a classifier that answer: what they make is one value a class, and no other layer mixes it again."""

from __future__ import annotations

from collections.abc import Sequence

from digits.caffeproto import caffe_pb2

Layer = caffe_pb2.LayerParameter
_MIXES = frozenset({"InnerProduct", "Convolution", "Deconvolution"})
"""What such a layer takes is an inner value and no answer."""


def heads(layers: Sequence[Layer]) -> list[Layer]:
    """Return the InnerProducts and Convolutions that no other weighted layer comes after: GoogLeNet has three, most networks one.

    A Deconvolution that leaves its ``num_output`` out enlarges the scores of each class by itself, and so does not count.
    """
    found, mixed = list[Layer](), set[str]()
    for layer in reversed(layers):
        is_hidden = not mixed.isdisjoint(layer.top)
        if not is_hidden and output_param(layer) is not None:
            found.append(layer)
        if is_hidden or (layer.type in _MIXES and not enlarges_scores(layer)):
            mixed.update(layer.bottom)
    return found[::-1]


def enlarges_scores(layer: Layer) -> bool:
    """Whether a layer enlarges as many scores as there are classes, each by itself."""
    return layer.type == "Deconvolution" and not layer.convolution_param.HasField("num_output")


def output_param(layer: Layer) -> caffe_pb2.InnerProductParameter | caffe_pb2.ConvolutionParameter | None:
    """Return the message that holds a layer's ``num_output``; None for a layer that can be no head."""
    if layer.type == "InnerProduct":
        return layer.inner_product_param
    return layer.convolution_param if layer.type == "Convolution" else None
