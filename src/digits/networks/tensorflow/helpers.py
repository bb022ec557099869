"""What texts call ``digits``: the helpers of DIGITS 6 ("import utils as digits"), on symbolic tensors of Keras.

Legend: N pictures, K classes, H, W, C sides of pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

from digits.networks.tensorflow.tower import model_property

__all__ = [
    "Summary", "bgr_to_rgb", "chw_to_hwc", "classification_accuracy", "classification_loss", "constrastive_loss", "contrastive_loss",
    "hwc_to_chw", "model_property", "mse_loss", "nchw_to_nhwc", "nhwc_to_nchw", "rgb_to_bgr", "scalar",
]  # fmt: skip

Tensor = Any
"""A ``keras.KerasTensor``; Keras comes without types."""


@dataclass(frozen=True)
class Summary:
    """A number that is worth a curve."""

    name: str
    value: Tensor


def scalar(name: str, value: Tensor) -> Summary:
    """Return what ``self.summaries`` takes: a curve called ``name``."""
    return Summary(name, value)


def classification_loss(pred: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy [N] of scores [N, K] and class ids [N]: one for each picture, so that classes can be weighed; their mean is minimised."""
    return ops.sparse_categorical_crossentropy(y, ops.cast(pred, "float32"), from_logits=True)


def classification_accuracy(pred: Tensor, y: Tensor) -> Tensor:
    """Return the share of pictures whose best score is that of their class."""
    hits = ops.equal(ops.argmax(pred, axis=1), ops.cast(y, "int64"))
    return ops.mean(ops.cast(hits, "float32"))


def mse_loss(lhs: Tensor, rhs: Tensor) -> Tensor:
    """Return the mean squared difference."""
    return ops.mean(ops.square(ops.cast(lhs, "float32") - ops.cast(rhs, "float32")))


def contrastive_loss(lhs: Tensor, rhs: Tensor, y: Tensor, margin: float = 1.0) -> Tensor:
    """Return the mean loss of pairs of features [N, F]: near where ``y`` [N] is 1, at least ``margin`` apart where it is 0."""
    distances = ops.sum(ops.square(lhs - rhs), axis=1)
    alike = ops.cast(ops.reshape(y, (-1,)), "float32")
    apart = ops.square(ops.maximum(margin - ops.sqrt(distances + 1e-12), 0.0))
    return ops.mean(alike * distances + (1 - alike) * apart) / 2


constrastive_loss = contrastive_loss
"""Spelt as in DIGITS."""


def nhwc_to_nchw(x: Tensor) -> Tensor:
    """Put the channels first."""
    return ops.transpose(x, (0, 3, 1, 2))


def nchw_to_nhwc(x: Tensor) -> Tensor:
    """Put the channels last."""
    return ops.transpose(x, (0, 2, 3, 1))


def hwc_to_chw(x: Tensor) -> Tensor:
    """Put the channels of one picture first."""
    return ops.transpose(x, (2, 0, 1))


def chw_to_hwc(x: Tensor) -> Tensor:
    """Put the channels of one picture last."""
    return ops.transpose(x, (1, 2, 0))


def bgr_to_rgb(x: Tensor) -> Tensor:
    """Turn the order of the channels, which are last."""
    return ops.flip(x, axis=-1)


rgb_to_bgr = bgr_to_rgb
"""The same, the other way round."""
