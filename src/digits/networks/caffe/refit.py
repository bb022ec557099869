"""A network that was trained for some classes, made ready for others: its classifying layers get a new name, and so start anew.

Fine-tuning copies weights by the names of layers, so a layer with another name keeps the values of its fillers. No torch here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from digits.caffeproto import caffe_pb2
from digits.caffeproto.text import layer_line, parse_net, to_text, without_source
from digits.caffeproto.upgrade import upgrade_net
from digits.networks.caffe.heads import heads, output_param

SUFFIX = "_retrain"


def refit(text: str, *, num_classes: int, rename: bool) -> str:
    """Return the definition of a classifier, as it was written, for another number of classes.

    Every layer that answers (GoogLeNet has three) loses a ``num_output`` of the old number of classes, and so gets the new one.

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
    for layer in heads_for(wanted.layer, num_classes):
        param = output_param(layer)
        assert param is not None
        if param.HasField("num_output"):
            field = "inner_product_param" if layer.type == "InnerProduct" else "convolution_param"
            line = layer_line(layer, f"{field}.num_output")
            _replace(edited, line, rf"(?<!\w)num_output\s*:\s*{param.num_output}(?!\w)[ \t]*[,;]?", "")
            param.ClearField("num_output")
        if rename:
            _rename(edited, layer)
            layer.name += SUFFIX
    new = "".join(edited)
    found = upgrade_net(parse_net(new, where="").message, where="")
    # Several layers on one line can defeat the editing of lines: then comments are lost, and nothing else.
    return new if without_source(found) == without_source(wanted) else to_text(wanted)


def rename_layer(text: str, layer: str) -> str:
    """Return the definition with every layer called ``layer`` under the name ``<layer>_retrain``.

    Raises:
        NetworkError: the text is no network.
    """
    net = upgrade_net(parse_net(text, where="").message, where="")
    edited = text.splitlines(keepends=True)
    for each in net.layer:
        if each.name == layer:
            _rename(edited, each)
    return "".join(edited)


def heads_for(layers: Sequence[caffe_pb2.LayerParameter], num_classes: int) -> list[caffe_pb2.LayerParameter]:
    """Return the layers that answer for so many classes, or for as many as there are."""
    return [
        layer
        for layer in heads(layers)
        if (param := output_param(layer)) is not None
        and (not param.HasField("num_output") or param.num_output == num_classes)
    ]


def _rename(lines: list[str], layer: caffe_pb2.LayerParameter) -> None:
    name = re.escape(layer.name)
    _replace(lines, layer_line(layer, "name"), rf"(?<!\w)(name\s*:\s*(['\"]){name})(?=\2)", rf"\g<1>{SUFFIX}")


def _replace(lines: list[str], line: int, pattern: str, new: str) -> None:
    if line:
        lines[line - 1] = re.sub(pattern, new, lines[line - 1], count=1)
