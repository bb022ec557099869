"""Classifiers made to answer with other than one class of each picture: what the standard networks are on datasets of numbers, or of several classes.

Their heads stay what they are; losses change, and what answers. No torch here.
"""

from __future__ import annotations

from digits.caffeproto.text import parse_net, to_text
from digits.caffeproto.upgrade import upgrade_net

_LOSSES = {"vector": "EuclideanLoss", "classes": "SigmoidCrossEntropyLoss"}
"""By kind of answer."""
_OF_CLASSES = ("Accuracy", "Softmax")


def answering(text: str, target_kind: str) -> str:
    """Return the definition of a classifier for a kind of answer; as it was written where that is one class, or none that is known.

    Numbers are learned by EuclideanLoss and answered as they are; several classes by SigmoidCrossEntropyLoss, answered by a Sigmoid.

    Raises:
        NetworkError: the text is no network.
    """
    loss = _LOSSES.get(target_kind)
    if loss is None:
        return text
    net = upgrade_net(parse_net(text, where="").message, where="")
    layers = list(net.layer)
    del net.layer[:]
    for layer in layers:
        if layer.type == "SoftmaxWithLoss":
            layer.type = loss
            layer.ClearField("softmax_param")
            layer.ClearField("loss_param")
        elif layer.type == "Softmax" and target_kind == "classes":
            layer.type, layer.name, layer.top[0] = "Sigmoid", "sigmoid", "sigmoid"
            layer.ClearField("softmax_param")
            del layer.include[:]
            del layer.exclude[:]
        elif layer.type in _OF_CLASSES:
            continue
        net.layer.append(layer)
    return to_text(net)
