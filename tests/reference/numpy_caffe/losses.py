"""Losses and accuracy."""

from __future__ import annotations

import numpy as np

from digits.caffeproto import caffe_pb2
from tests.reference.numpy_caffe.net import Array, Message, axes_from, layer
from tests.reference.numpy_caffe.values import softmax_of


def places(scores: Array, labels: Array, axis: int) -> tuple[Array, Array]:
    """Return the scores as rows, one a place, and the label of each place."""
    rows = np.moveaxis(scores, axis, -1).reshape(-1, scores.shape[axis])
    return rows, labels.ravel().astype(int)


def divided(m: Message, total: float, default: str, *, count: int, outer: int, valid: int) -> Array:
    """Return a sum over what the layer says, at least 1."""
    p = m.loss_param
    mode = default
    if p.HasField("normalization"):
        mode = caffe_pb2.LossParameter.NormalizationMode.Name(p.normalization)
    elif p.HasField("normalize"):
        mode = "VALID" if p.normalize else "BATCH_SIZE"
    divisor = {"FULL": count, "VALID": valid, "BATCH_SIZE": outer, "NONE": 1}[mode]
    return np.array(total / max(1, divisor))


@layer("SoftmaxWithLoss", "InfogainLoss")
def softmax_with_loss(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Minus the logarithm of the true class's probability, or of all, weighed by a row of H."""
    scores = bottoms[0]
    axis = axes_from((m.softmax_param if m.type == "SoftmaxWithLoss" else m.infogain_loss_param).axis, scores)
    rows, labels = places(scores, bottoms[1], axis)
    p = m.loss_param
    is_valid = labels != p.ignore_label if p.HasField("ignore_label") else np.ones(len(labels), bool)
    logarithms = np.log(np.maximum(softmax_of(rows, 1), 1.17549435e-38 if len(bottoms) == 2 else 1e-20))
    weights = np.eye(rows.shape[1]) if len(bottoms) == 2 else bottoms[2].reshape(rows.shape[1], -1)
    each = -(weights[np.where(is_valid, labels, 0)] * logarithms).sum(1)
    if p.weight_by_label_freqs:
        each = each * np.array(p.class_weighting)[np.where(is_valid, labels, 0)]
    outer = int(np.prod(scores.shape[:axis]))
    loss = divided(m, each[is_valid].sum(), "VALID", count=len(rows), outer=outer, valid=int(is_valid.sum()))
    return [loss, softmax_of(scores, axis)][: len(m.top)]


@layer("SigmoidCrossEntropyLoss")
def sigmoid_cross_entropy(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """-t log s - (1 - t) log(1 - s), with s = 1 / (1 + exp(-x))."""
    x, p = bottoms[0], m.loss_param
    t = bottoms[1].reshape(x.shape)
    is_valid = t.astype(int) != p.ignore_label if p.HasField("ignore_label") else np.ones(x.shape, bool)
    each = t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x)
    total = each[is_valid].sum()
    return [divided(m, total, "BATCH_SIZE", count=x.size, outer=len(x), valid=int(is_valid.sum()))]


@layer("MultinomialLogisticLoss")
def multinomial_logistic(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Minus the logarithm of the true class's given probability."""
    rows = bottoms[0].reshape(len(bottoms[0]), -1)
    picked = rows[np.arange(len(rows)), bottoms[1].ravel().astype(int)]
    return [np.array(-np.log(np.maximum(picked, 1e-20)).sum() / len(rows))]


@layer("HingeLoss")
def hinge(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """One against all others."""
    rows = bottoms[0].reshape(len(bottoms[0]), -1)
    sign = -np.ones_like(rows)
    sign[np.arange(len(rows)), bottoms[1].ravel().astype(int)] = 1
    margins = np.maximum(0, 1 - sign * rows)
    squared = m.hinge_loss_param.norm == caffe_pb2.HingeLossParameter.L2
    return [np.array((margins**2 if squared else margins).sum() / len(rows))]


@layer("EuclideanLoss", "L1Loss", "SmoothL1Loss")
def distance(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Squares, absolutes, or squares near 0 and absolutes beyond."""
    d = bottoms[0] - bottoms[1].reshape(bottoms[0].shape)
    if m.type == "EuclideanLoss":
        return [np.array((d**2).sum() / (2 * len(d)))]
    if m.type == "L1Loss":
        return [np.array(np.abs(d).sum() / len(d))]
    d = d * bottoms[2] if len(bottoms) == 3 else d
    return [np.array(np.where(np.abs(d) < 1, d**2 / 2, np.abs(d) - 0.5).sum() / len(d))]


@layer("ContrastiveLoss")
def contrastive(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Alike: the squared distance. Others: what they lack of the margin."""
    p, total = m.contrastive_loss_param, 0.0
    for a, b, alike in zip(*bottoms, strict=True):
        square = ((a - b) ** 2).sum()
        apart = max(p.margin - square, 0) if p.legacy_version else max(p.margin - np.sqrt(square), 0) ** 2
        total += square if int(alike.ravel()[0] if alike.ndim else alike) else apart
    return [np.array(total / (2 * len(bottoms[0])))]


@layer("Accuracy")
def accuracy(m: Message, bottoms: list[Array], params: list[Array], phase: str) -> list[Array]:
    """Right is who has fewer than top_k others at least as good; of all, and of each class."""
    p = m.accuracy_param
    rows, labels = places(bottoms[0], bottoms[1], axes_from(p.axis, bottoms[0]))
    judged = [
        (label, int((row >= row[label]).sum() - 1 < p.top_k))
        for row, label in zip(rows, labels, strict=True)
        if not (p.HasField("ignore_label") and label == p.ignore_label)
    ]
    overall = sum(right for _, right in judged) / max(1, len(judged))
    classes = []
    for number in range(rows.shape[1]):
        own = [right for label, right in judged if label == number]
        classes.append(sum(own) / max(1, len(own)))
    return [np.array(overall), np.array(classes)][: len(m.top)]
