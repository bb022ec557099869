"""One step for each kind of loss."""

from __future__ import annotations

from math import prod

import numpy as np

from tests.networks.drawn import Drawn


def loss_settings(net: Drawn, ignored: int) -> str:
    """Return how a loss is divided, and which label does not count."""
    mode = net.maybe(
        0.6,
        *(f"normalization: {name}" for name in ("FULL", "VALID", "BATCH_SIZE", "NONE")),
        "normalize: false",
        "normalize: true",
    )
    return f"{net.maybe(0.4, 'loss_weight: 0.1', 'loss_weight: -2')} loss_param {{ {mode} {net.maybe(0.4, f'ignore_label: {ignored}')} }}"


def class_loss(net: Drawn) -> None:
    bottom = net.pick(dims=(1, 2, 3, 4, 4))
    if bottom is None:
        return
    shape, rng = net.shapes[bottom], net.rng
    axis = rng.choice((1, 1, 1, 0, -1)) if len(shape) > 1 else 0
    classes = shape[axis]
    places = shape[: axis % len(shape)] + shape[axis % len(shape) + 1 :]
    labels = np.array([rng.randrange(classes) for _ in range(prod(places))], float).reshape(places)
    if axis == 1 and rng.random() < 0.5:
        labels = labels.reshape(shape[0], 1, *shape[2:])
    kind = rng.choice(("SoftmaxWithLoss", "SoftmaxWithLoss", "InfogainLoss"))
    bottoms, holder = [bottom, net.give(labels, "label")], "softmax_param"
    if net.add("TanH", [bottom]):  # the gradient of a p below Caffe's least one is not exact
        bottoms[0] = list(net.shapes)[-1]
    if kind == "InfogainLoss":
        bottoms.append(net.give(np.random.default_rng(net.count).uniform(size=(1, 1, classes, classes))))
        holder = "infogain_loss_param"
    net.add(kind, bottoms, f"{loss_settings(net, rng.randrange(classes))} {holder} {{ axis: {axis} }}")
    if rng.random() < 0.5:
        texts = f"axis: {axis} top_k: {rng.randint(1, classes)} {net.maybe(0.3, 'ignore_label: 1')}"
        net.add("Accuracy", bottoms[:2], f"accuracy_param {{ {texts} }}", tops=rng.choice((1, 2)))


def picture_loss(net: Drawn) -> None:
    """A loss with one label a picture."""
    bottom = net.pick(dims=(1, 2, 3, 4))
    if bottom is None:
        return
    shape, rng = net.shapes[bottom], net.rng
    labels = net.give([rng.randrange(prod(shape[1:])) for _ in range(shape[0])], "label")
    if rng.random() < 0.5:
        net.add(
            "HingeLoss",
            [bottom, labels],
            net.maybe(0.6, "hinge_loss_param { norm: L2 }", "hinge_loss_param { norm: L1 } loss_weight: 3"),
        )
    elif net.add("TanH", [bottom]) and net.add("Sigmoid", [list(net.shapes)[-1]]):
        net.add("MultinomialLogisticLoss", [list(net.shapes)[-1], labels])


def distance_loss(net: Drawn) -> None:
    bottom = net.pick()
    if bottom is None or not net.shapes[bottom]:
        return
    shape, rng = net.shapes[bottom], net.rng
    kind = rng.choice(("EuclideanLoss", "SigmoidCrossEntropyLoss", "L1Loss", "SmoothL1Loss", "ContrastiveLoss"))
    target = net.give(np.random.default_rng(net.count).uniform(size=shape))
    other = net.pick(like=shape)
    if other not in (None, bottom) and kind != "SigmoidCrossEntropyLoss":
        target = other or target
    bottoms, settings = [bottom, target], net.maybe(0.4, "loss_weight: 2")
    if kind == "ContrastiveLoss":
        bottoms.append(net.give([rng.randrange(2) for _ in range(shape[0])]))
        settings += f" contrastive_loss_param {{ margin: {rng.choice((1, 3, 0.5))} legacy_version: true }}"  # the other form's gradient is off by 1e-4
    elif kind == "SigmoidCrossEntropyLoss":
        settings = loss_settings(net, rng.randrange(2))
    net.add(kind, bottoms, settings)
