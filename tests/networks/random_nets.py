"""Draws definitions that hang together: layers of all kinds with random settings, in place where that goes, blobs read once or more."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

import numpy as np

from digits.networks.layers.registry import Phase
from tests.networks.layers.write import inputs, layer
from tests.reference.numpy_caffe import Array

Shape = tuple[int, ...]


@dataclass
class Drawn:
    """A definition that is being drawn: its text, the blobs that may be read, and what its label inputs hold."""

    rng: random.Random
    text: str = ""
    blobs: dict[str, Shape] = field(default_factory=dict)
    given: dict[str, Array] = field(default_factory=dict)
    in_place: set[str] = field(default_factory=set)
    """Blobs that nobody has read yet, so that a layer may change them in place."""
    count: int = 0

    def name(self, word: str) -> str:
        """Return a new name, now and then with characters that Python does not like."""
        self.count += 1
        return f"{word}{self.rng.choice(('', '/', '.', '-', '_'))}{self.count}"

    def read(self, *, dims: int | None = None, like: Shape | None = None) -> tuple[str, Shape] | None:
        """Return a blob to read, of some number of axes or some shape; it is not to be changed in place from now on."""
        fitting = [
            name
            for name, shape in self.blobs.items()
            if (dims is None or len(shape) == dims) and (like is None or shape == like)
        ]
        if not fitting:
            return None
        name = self.rng.choice(fitting[-4:])
        self.in_place.discard(name)
        return name, self.blobs[name]

    def write(self, kind: str, bottoms: str, shape: Shape, settings: str = "", *, extra: str = "") -> str:
        """Add a layer with a new top and return its name."""
        top = self.name(kind.lower())
        self.text += layer(kind, bottoms, f"{top} {extra}", settings, name=self.name(f"l_{kind}"))
        self.blobs[top] = shape
        self.in_place.add(top)
        return top

    def given_input(self, values: Array) -> str:
        """Add an input that holds these values and return its name."""
        name = self.name("given")
        self.text += layer(
            "Input", "", name, f"input_param {{ shape {{ {' '.join(f'dim: {n}' for n in values.shape)} }} }}"
        )
        self.given[name] = values
        return name


Step = Callable[[Drawn], None]


def draw_net(seed: int) -> tuple[str, dict[str, Array], Phase]:
    """Return a definition, what its labels hold, and the phase it is for."""
    rng = random.Random(seed)
    net = Drawn(rng)
    picture = (rng.randint(1, 3), rng.choice((2, 4, 6)), rng.randint(4, 7), rng.randint(4, 8))
    phase: Phase = rng.choice(("TRAIN", "TEST"))
    if phase == "TRAIN" and picture[0] == 1:
        picture = (2, *picture[1:])
    net.text = f'name: "net{seed}"\n' + ("force_backward: true\n" if rng.random() < 0.5 else "") + inputs(data=picture)
    net.blobs["data"] = picture
    for _ in range(rng.randint(5, 14)):
        rng.choice(STEPS)(net)
    for step in rng.sample(LOSSES, rng.randint(0, 2)):
        step(net)
    return net.text, net.given, phase


def window(net: Drawn) -> None:
    found = net.read(dims=4)
    if found is None:
        return
    bottom, (n, c, h, w) = found
    rng, kind = net.rng, net.rng.choice(("Convolution", "Deconvolution"))
    k, s, p, d = rng.randint(1, 3), rng.randint(1, 2), rng.randint(0, 1), rng.choice((1, 1, 2))
    group = rng.choice([g for g in (1, 2) if c % g == 0])
    out, reach = group * rng.randint(1, 3), d * (k - 1) + 1
    if kind == "Convolution":
        size = tuple((x + 2 * p - reach) // s + 1 for x in (h, w))
        fits = min(h, w) + 2 * p >= reach
    else:
        size = tuple(s * (x - 1) + reach - 2 * p for x in (h, w))
        fits = min(size) >= 1 and max(size) <= 14
    if not fits:
        return
    bias = rng.choice(("", "bias_term: false"))
    param = rng.choice(("", "", "param { lr_mult: 0 }", "param { lr_mult: 2 decay_mult: 0 }", "propagate_down: false"))
    numbers = f"num_output: {out} kernel_size: {k} stride: {s} pad: {p} dilation: {d} group: {group} {bias}"
    net.write(kind, bottom, (n, out, *size), f"{param} convolution_param {{ {numbers} }}")


def pool(net: Drawn) -> None:
    found = net.read(dims=4)
    if found is None or min(found[1][2:]) < 3:
        return
    bottom, (n, c, h, w) = found
    k, s = net.rng.randint(1, 3), net.rng.randint(1, 3)
    p = net.rng.randint(0, k - 1)
    sizes = []
    for size in (h, w):
        count = -(-(size + 2 * p - k) // s) + 1
        sizes.append(count - 1 if p and (count - 1) * s >= size + p else count)
    method = net.rng.choice(("MAX", "AVE", "SUM"))
    net.write(
        "Pooling", bottom, (n, c, *sizes), f"pooling_param {{ pool: {method} kernel_size: {k} stride: {s} pad: {p} }}"
    )


def value(net: Drawn) -> None:
    """A layer that keeps the shape, in place where it may."""
    kind, settings = net.rng.choice(VALUES)
    found = net.read()
    if found is None or len(found[1]) < 2:
        return
    if kind == "MVN" and prod(found[1][2:]) < 3:  # Caffe's gradient is not exact where two values are all there is
        return
    bottom, shape = found
    others = [name for name in net.in_place if net.blobs[name]]
    if others and net.rng.random() < 0.7 and kind != "Normalize":
        name = net.rng.choice(sorted(others))
        if len(net.blobs[name]) >= 2 and kind != "MVN":
            net.text += layer(kind, name, name, settings, name=net.name("inplace"))
            return
    net.write(kind, bottom, shape, settings)


def dense(net: Drawn) -> None:
    found = net.read()
    if found is None or not found[1]:
        return
    bottom, shape = found
    axis, out = net.rng.choice((1, 1, -1)), net.rng.randint(1, 4)
    front = axis if axis > 0 else len(shape) - 1
    if len(shape) <= front or front == 0 or prod(shape) > 600:
        return
    transpose = net.rng.choice(("", "transpose: true", "bias_term: false"))
    settings = f"inner_product_param {{ num_output: {out} axis: {axis} {transpose} }}"
    net.write("InnerProduct", bottom, (*shape[:front], out), settings)


def shared(net: Drawn) -> None:
    """Two InnerProducts with the same weights, on two blobs as large."""
    found = net.read(dims=2)
    if found is None:
        return
    bottom, shape = found
    other = net.read(like=shape)
    assert other is not None
    out, word = net.rng.randint(1, 3), net.name("w")
    settings = f'param {{ name: "{word}" }} inner_product_param {{ num_output: {out} }}'
    net.write("InnerProduct", bottom, (shape[0], out), settings)
    net.write("InnerProduct", other[0], (shape[0], out), settings)


def several(net: Drawn) -> None:
    """Blobs of one shape joined, or summed; or one cut in two."""
    found = net.read()
    if found is None or len(found[1]) < 2:
        return
    bottom, shape = found
    other = net.read(like=shape)
    assert other is not None
    kind = net.rng.choice(("Concat", "Eltwise", "Slice"))
    if kind == "Concat":
        axis = net.rng.choice((1, -1))
        place = axis % len(shape)
        joined = (*shape[:place], 2 * shape[place], *shape[place + 1 :])
        net.write(kind, f"{bottom} {other[0]}", joined, f"concat_param {{ axis: {axis} }}")
    elif kind == "Eltwise":
        settings = net.rng.choice(("operation: PROD", "operation: SUM coeff: 0.5 coeff: -1", "operation: MAX", ""))
        net.write(kind, f"{bottom} {other[0]}", shape, f"eltwise_param {{ {settings} }}")
    elif shape[1] > 1:
        point, rest = net.rng.randint(1, shape[1] - 1), net.name("rest")
        net.write(kind, bottom, (shape[0], point, *shape[2:]), f"slice_param {{ slice_point: {point} }}", extra=rest)
        net.blobs[rest] = (shape[0], shape[1] - point, *shape[2:])


def shape(net: Drawn) -> None:
    """The same values, or some of them, in another shape."""
    found = net.read()
    if found is None or len(found[1]) < 2 or prod(found[1]) > 400:
        return
    bottom, old = found
    kind = net.rng.choice(("Flatten", "Reshape", "Permute", "Tile", "Reduction", "Split"))
    if kind == "Flatten":
        net.write(kind, bottom, (old[0], prod(old[1:])))
    elif kind == "Reshape":
        net.write(kind, bottom, (old[0], prod(old[1:]), 1), "reshape_param { shape { dim: 0 dim: -1 dim: 1 } }")
    elif kind == "Permute":
        order = [0, *net.rng.sample(range(1, len(old)), len(old) - 1)]
        words = " ".join(f"order: {axis}" for axis in order)
        net.write(kind, bottom, tuple(old[axis] for axis in order), f"permute_param {{ {words} }}")
    elif kind == "Tile":
        axis = net.rng.randint(1, len(old) - 1)
        new = tuple(2 * size if index == axis else size for index, size in enumerate(old))
        net.write(kind, bottom, new, f"tile_param {{ axis: {axis - len(old)} tiles: 2 }}")
    elif kind == "Split":
        second = net.name("copy")
        net.write(kind, bottom, old, extra=second)
        net.blobs[second] = old
    else:
        method, axis = net.rng.choice(("SUM", "ASUM", "SUMSQ", "MEAN")), net.rng.randint(1, len(old) - 1)
        weight = net.rng.choice(("", "loss_weight: 0.5"))
        settings = f"{weight} reduction_param {{ operation: {method} axis: {axis} coeff: 0.7 }}"
        net.write(kind, bottom, old[:axis], settings)


def crop(net: Drawn) -> None:
    found = net.read(dims=4)
    if found is None or min(found[1][2:]) < 3:
        return
    bottom, (n, c, h, w) = found
    target = net.given_input(np.zeros((n, c, h - 1, w - 2)))
    net.write("Crop", f"{bottom} {target}", (n, c, h - 1, w - 2), "crop_param { offset: 1 }")


def class_loss(net: Drawn) -> None:
    found = net.read()
    if found is None or len(found[1]) < 2 or found[1][1] < 2:
        return
    bottom, shape = found
    labels = np.array([net.rng.randint(0, shape[1] - 1) for _ in range(prod(shape) // shape[1])], float)
    name = net.given_input(labels.reshape(shape[0], *shape[2:]))
    settings = net.rng.choice(
        ("", "loss_param { ignore_label: 1 }", "loss_param { normalize: false }", "loss_weight: 0.1")
    )
    net.write("SoftmaxWithLoss", f"{bottom} {name}", (), settings)
    net.write("Accuracy", f"{bottom} {name}", ())


def distance_loss(net: Drawn) -> None:
    found = net.read()
    if found is None or not found[1]:
        return
    target = net.given_input(np.random.default_rng(net.count).uniform(size=found[1]))
    kind = net.rng.choice(("EuclideanLoss", "SigmoidCrossEntropyLoss", "L1Loss", "SmoothL1Loss"))
    net.write(kind, f"{found[0]} {target}", (), net.rng.choice(("", "loss_weight: 2")))


def hinge_loss(net: Drawn) -> None:
    found = net.read(dims=2)
    if found is None:
        return
    labels = np.array([net.rng.randint(0, found[1][1] - 1) for _ in range(found[1][0])], float)
    settings = net.rng.choice(("", "hinge_loss_param { norm: L2 }"))
    net.write("HingeLoss", f"{found[0]} {net.given_input(labels)}", (), settings)


VALUES = (
    ("ReLU", ""),
    ("ReLU", "relu_param { negative_slope: 0.1 }"),
    ("PReLU", ""),
    ("ELU", ""),
    ("Sigmoid", ""),
    ("TanH", ""),
    ("AbsVal", ""),
    ("BNLL", ""),
    ("Swish", "swish_param { beta: 0.7 }"),
    ("Clip", "clip_param { min: -1 max: 1.5 }"),
    ("Power", "power_param { scale: 0.5 shift: 0.1 }"),
    ("Power", "power_param { power: 2 scale: 0.3 }"),
    ("Scale", "scale_param { axis: 0 num_axes: -1 }"),
    ("Scale", "scale_param { bias_term: true axis: -1 }"),
    ("Scale", "scale_param { bias_term: true }"),
    ("Bias", "bias_param { num_axes: 0 }"),
    ("BatchNorm", ""),
    ("BatchNorm", "batch_norm_param { use_global_stats: true }"),
    ("MVN", "mvn_param { eps: 1e-20 }"),
    ("Normalize", ""),
    ("Softmax", "softmax_param { axis: -1 }"),
)
STEPS: tuple[Step, ...] = (
    window,
    window,
    pool,
    value,
    value,
    value,
    value,
    dense,
    shared,
    several,
    several,
    shape,
    crop,
)
LOSSES: tuple[Step, ...] = (class_loss, distance_loss, hinge_loss)
