"""A network that was trained for some classes, made ready for others: its classifying layers get a new name, and so start anew.

Fine-tuning copies weights by the names of layers, so a layer with another name keeps the values of its fillers. No torch here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from digits.caffeproto import caffe_pb2
from digits.caffeproto.text import layer_line, parse_net, to_text, without_source
from digits.caffeproto.upgrade import upgrade_net

SUFFIX = "_retrain"
_MIXES = frozenset({"InnerProduct", "Convolution", "Deconvolution"})
"""What such a layer takes is an inner value and no answer."""


def refit(text: str, *, num_classes: int, rename: bool) -> str:
    """Return the definition of a classifier, as it was written, for another number of classes.

    Every InnerProduct that answers (GoogLeNet has three) loses a ``num_output`` of the old number of classes, and so gets the new one.

    Args:
        text: the all-in-one prototxt.
        num_classes: of the dataset that the network was trained on.
        rename: they also become ``<name>_retrain``: weights of other classes are not to be copied into them.

    Raises:
        NetworkError: the text is no network.
    """
    net = upgrade_net(parse_net(text, where="").message, where="")
    wanted = caffe_pb2.NetParameter()
    wanted.CopyFrom(net)
    edited = text.splitlines(keepends=True)
    for layer in heads(wanted.layer, num_classes):
        if layer.inner_product_param.HasField("num_output"):
            line = layer_line(layer, "inner_product_param.num_output")
            _replace(
                edited, line, rf"(?<!\w)num_output\s*:\s*{layer.inner_product_param.num_output}(?!\w)[ \t]*[,;]?", ""
            )
            layer.inner_product_param.ClearField("num_output")
        if rename:
            line = layer_line(layer, "name")
            _replace(
                edited,
                line,
                rf"(?<!\w)(name\s*:\s*)(['\"]){re.escape(layer.name)}\2",
                rf"\g<1>\g<2>{layer.name}{SUFFIX}\2",
            )
            layer.name += SUFFIX
    new = "".join(edited)
    found = upgrade_net(parse_net(new, where="").message, where="")
    # Several layers on one line can defeat the editing of lines: then comments are lost, and nothing else.
    return new if without_source(found) == without_source(wanted) else to_text(wanted)


def heads(layers: Sequence[caffe_pb2.LayerParameter], num_classes: int) -> list[caffe_pb2.LayerParameter]:
    """Return the layers whose outputs are the classes: InnerProducts of that size which no other weighted layer comes after."""
    return [
        layer
        for at, layer in enumerate(layers)
        if layer.type == "InnerProduct"
        and (
            not layer.inner_product_param.HasField("num_output") or layer.inner_product_param.num_output == num_classes
        )
        and not _is_hidden(layers[at + 1 :], set(layer.top))
    ]


def _is_hidden(later: Sequence[caffe_pb2.LayerParameter], blobs: set[str]) -> bool:
    """Whether what is made of ``blobs`` goes into another layer that mixes its inputs."""
    for layer in later:
        if blobs.isdisjoint(layer.bottom):
            blobs -= set(layer.top)  # the same name for another blob
            continue
        if layer.type in _MIXES:
            return True
        blobs |= set(layer.top)
    return False


def _replace(lines: list[str], line: int, pattern: str, new: str) -> None:
    if line:
        lines[line - 1] = re.sub(pattern, new, lines[line - 1], count=1)
