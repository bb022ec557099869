"""Caffe ``InfogainLoss``: cross entropy whose true class weighs all classes' logarithms by its row of a matrix H."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from google.protobuf.message import DecodeError
from torch import Tensor, nn
from torch.nn import functional as F

from digits.caffeproto import caffe_pb2
from digits.caffeproto.blob import blob_to_array
from digits.core.errors import WeightsError
from digits.networks.layers.loss import (
    LOG_FLOOR,
    Normalization,
    at_least,
    check_labels,
    divisor,
    ignore_label,
    labels_like,
    normalization,
    valid_places,
)
from digits.networks.layers.registry import Layer, Lowered, converter


@converter("InfogainLoss", bottoms=(2, 3), tops=(1, 2))
def infogain_loss(layer: Layer) -> Lowered:
    """Scores (N, C, ...), of which it takes the softmax itself, and labels, to one number; a second top has the probabilities.

    H (C x C values) is the third bottom or the BlobProto file ``source``. A label outside the classes counts as the nearest one.
    """
    param = layer.message.infogain_loss_param
    axis = layer.axis(param.axis, "infogain_loss_param.axis")
    check_labels(layer, axis, "infogain_loss_param.axis")
    num_classes, matrix = layer.in_shape[axis], None
    if len(layer.in_shapes) == 3:
        count = math.prod(layer.in_shapes[2])
        if count != num_classes**2:
            raise layer.error(f"H has {count} values; {num_classes} classes need {num_classes**2}.", "bottom")
    else:
        matrix = _read_matrix(layer, param.source, num_classes)
    module = InfogainLoss(
        matrix,
        axis=axis,
        ignore=ignore_label(layer),
        normalize_by=normalization(layer, "VALID"),
        with_probabilities=len(layer.message.top) == 2,
    )
    return Lowered(module)


class InfogainLoss(nn.Module):
    """Minus the sum of H[label, k] * log(p[k]), over places and classes; no p counts as less than 1e-20."""

    def __init__(
        self,
        matrix: Tensor | None,
        *,
        axis: int,
        ignore: int | None,
        normalize_by: Normalization,
        with_probabilities: bool,
    ) -> None:
        super().__init__()
        self.register_buffer("matrix", matrix, persistent=False)
        self.axis, self.ignore, self.normalize_by = axis, ignore, normalize_by
        self.with_probabilities = with_probabilities

    def forward(self, scores: Tensor, labels: Tensor, given: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Return the loss, or the loss and the probabilities."""
        num_classes = scores.shape[self.axis]
        held = given if given is not None else self.matrix
        assert isinstance(held, Tensor)
        matrix = held.detach().reshape(num_classes, num_classes).to(scores.device)
        target = labels_like(labels, scores, self.axis)
        rows = F.embedding(target.clamp(0, num_classes - 1), matrix)
        logarithms = F.log_softmax(scores, self.axis)
        each = -(rows * at_least(logarithms, math.log(LOG_FLOOR)).movedim(self.axis, -1)).sum(-1)
        valid = valid_places(target, self.ignore)
        if valid is not None:
            each = each * valid
        loss = each.sum() / divisor(
            self.normalize_by, count=target.numel(), batch=math.prod(scores.shape[: self.axis]), valid=valid
        )
        return (loss, logarithms.exp()) if self.with_probabilities else loss

    def extra_repr(self) -> str:
        """Return what print shows between the brackets."""
        return f"axis={self.axis}, ignore={self.ignore}, normalize_by={self.normalize_by}"


def _read_matrix(layer: Layer, source: str, num_classes: int) -> Tensor:
    """Return the matrix of a BlobProto file; one that is no file, or too large for the classes, is not read.

    Raises:
        NetworkError: there is no such file, or it holds no matrix of this size.
    """
    fields = ("infogain_loss_param.source", "infogain_loss_param")
    if not source:
        raise layer.error("the matrix H must be its third bottom or in the file infogain_loss_param.source.", *fields)
    path = Path(source)
    if not path.is_file():
        raise layer.error(f"there is no file {source!r}.", *fields)
    if path.stat().st_size > 16 * num_classes**2 + 1024:
        raise layer.error(f"{source!r} is too large for a matrix of {num_classes} x {num_classes}.", *fields)
    try:
        values = blob_to_array(caffe_pb2.BlobProto.FromString(path.read_bytes()), where=source)
    except (DecodeError, WeightsError, OSError) as error:
        raise layer.error(f"{source!r} holds no BlobProto.", *fields) from error
    if values.size != num_classes**2:
        words = f"{source!r} has {values.size} values; {num_classes} classes need {num_classes**2}."
        raise layer.error(words, *fields)
    return torch.from_numpy(values.reshape(num_classes, num_classes).copy())
