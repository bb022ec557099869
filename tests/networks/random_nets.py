"""Draws definitions that hang together: layers of every kind with random settings, read once or more, in place, shared, summed as losses."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from digits.networks.layers.registry import Phase
from tests.networks.drawn import Drawn
from tests.networks.layers.write import inputs
from tests.networks.random_layers import (
    convolution,
    im2col,
    inner_product,
    lrn,
    normalised,
    parameter,
    pooling,
    recurrent,
    scaled,
    spp,
    value,
)  # fmt: skip
from tests.networks.random_losses import class_loss, distance_loss, picture_loss
from tests.networks.random_shapes import chosen, joined, parted, rearranged, reduced
from tests.reference.numpy_caffe import Array

Step = Callable[[Drawn], None]
STEPS: tuple[Step, ...] = (
    convolution, convolution, convolution, im2col, pooling, pooling, spp, lrn, inner_product, inner_product, value, value, value, value,
    normalised, scaled, scaled, joined, joined, parted, rearranged, rearranged, reduced, chosen, recurrent, parameter,
)  # fmt: skip
LOSSES: tuple[Step, ...] = (class_loss, picture_loss, distance_loss)


@dataclass(frozen=True)
class Net:
    """A definition that was drawn."""

    text: str
    given: dict[str, Array]
    phase: Phase
    refused: tuple[str, ...]


def draw_net(seed: int) -> Net:
    """Return a definition, what its labels and the like hold, and the phase it is for."""
    rng = random.Random(seed)
    phase: Phase = rng.choice(("TRAIN", "TEST"))
    net = Drawn(rng, phase, head=f'name: "net{seed}"\n')
    if rng.random() < 0.6:
        net.head += "force_backward: true\n"
    batch = rng.choice((1, 2, 2, 3))
    for index in range(rng.randint(1, 3)):
        name = ("data", "extra", "third")[index]
        net.shapes[name] = (batch, *(rng.randint(1, 6) for _ in range(rng.choice((0, 1, 2, 3, 3, 3, 4)))))
        net.text += inputs(**{name: net.shapes[name]})
    for _ in range(rng.randint(4, 14)):
        rng.choice(STEPS)(net)
    for step in rng.sample(LOSSES, rng.choice((0, 1, 1, 2))):
        step(net)
    return Net(net.head + net.text, net.given, phase, tuple(net.refused))
