"""What a dataset says to a Caffe network's losses, in the fields that they have for it: class weights, the label that is ignored. No torch here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from digits.caffeproto import caffe_pb2

_WEIGHABLE = "SoftmaxWithLoss"
_IGNORES: Mapping[str, Literal["loss_param", "accuracy_param"]] = {
    _WEIGHABLE: "loss_param",
    "Accuracy": "accuracy_param",
}


def can_weigh(net: caffe_pb2.NetParameter) -> bool:
    """Return whether some loss of the training is a SoftmaxWithLoss that has no weights of its own."""
    return any(map(_is_free, net.layer))


def weigh(net: caffe_pb2.NetParameter, weights: Sequence[float], labels: str) -> tuple[str, ...]:
    """Put the weight of each class into every softmax loss that reads the blob ``labels``.

    The layer multiplies each picture's share and divides by the number of pictures as before.

    Args:
        net: changed in place.
        weights: by class.
        labels: the blob of class ids.

    Returns:
        The names of the losses that stay as they are: of other types, of other labels, or with weights of their own.
    """
    others = []
    for layer in net.layer:
        if _is_free(layer) and list(layer.bottom[1:2]) == [labels]:
            layer.loss_param.weight_by_label_freqs = True
            layer.loss_param.ClearField("class_weighting")
            layer.loss_param.class_weighting.extend(weights)
        elif layer.type.endswith("Loss"):
            others.append(layer.name)
    return tuple(others)


def ignore(net: caffe_pb2.NetParameter, label: int) -> None:
    """Tell every softmax loss and accuracy of two bottoms that names no label to ignore to ignore ``label``; ``net`` is changed in place."""
    for layer in net.layer:
        if layer.type in _IGNORES and len(layer.bottom) > 1:
            param = getattr(layer, _IGNORES[layer.type])
            if not param.HasField("ignore_label"):
                param.ignore_label = label


def show_scores(net: caffe_pb2.NetParameter, labels: str, name: str) -> None:
    """Let the network give what its last loss or accuracy compares with the blob ``labels`` as an output ``name``; it is changed in place."""
    compared = [layer.bottom[0] for layer in net.layer if labels in list(layer.bottom)[1:]]
    if compared and not any(name in layer.top for layer in net.layer):
        net.layer.add(name=name, type="Split", bottom=[compared[-1]], top=[name])


def _is_free(layer: caffe_pb2.LayerParameter) -> bool:
    return layer.type == _WEIGHABLE and not layer.loss_param.weight_by_label_freqs
