"""Class weights in a Caffe network: put into its SoftmaxWithLoss layers as the fields that such a layer has for them. No torch here."""

from __future__ import annotations

from collections.abc import Sequence

from digits.caffeproto import caffe_pb2

_WEIGHABLE = "SoftmaxWithLoss"


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


def _is_free(layer: caffe_pb2.LayerParameter) -> bool:
    return layer.type == _WEIGHABLE and not layer.loss_param.weight_by_label_freqs
