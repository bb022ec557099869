"""A definition that is being drawn: what may be read in it, and how a layer is added.

What a layer makes of its bottoms is asked of the builder, one layer at a time; a layer that it refuses is left out, and its words are kept.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from digits.caffeproto.filter import filter_net
from digits.caffeproto.text import parse_net
from digits.core.errors import DigitsError
from digits.networks.caffe.build import build
from digits.networks.layers.registry import Phase
from tests.networks.layers.write import inputs, layer
from tests.reference.numpy_caffe import Array

Shape = tuple[int, ...]
LARGEST = 1500
"""Values of a blob, so that the formulas stay quick."""


@dataclass
class Drawn:
    """A definition that is being drawn."""

    rng: random.Random
    phase: Phase
    text: str = ""
    head: str = ""
    """The network's own fields."""
    shapes: dict[str, Shape] = field(default_factory=dict)
    """Of the blobs that may be read."""
    given: dict[str, Array] = field(default_factory=dict)
    """What inputs must hold."""
    unread: set[str] = field(default_factory=set)
    """Blobs that no layer has read, which may be changed in place."""
    shared: list[tuple[str, str, int]] = field(default_factory=list)
    """Layers whose parameters have names: kind, settings without ``param``, and the number that stands in the names."""
    refused: list[str] = field(default_factory=list)
    count: int = 0

    def name(self, word: str) -> str:
        """Return a new name, now and then with characters that Python does not like."""
        self.count += 1
        return f"{word}{self.rng.choice(('', '/', '.', '-', '_', ':'))}{self.count}"

    def maybe(self, share: float, *texts: str) -> str:
        """Return one of ``texts`` in ``share`` of all cases, else nothing."""
        return self.rng.choice(texts) if self.rng.random() < share else ""

    def pick(self, *, dims: Sequence[int] = (), like: Shape | None = None) -> str | None:
        """Return a blob of some number of axes, or of some shape; rather a late one than an early one."""
        fitting = [
            name
            for name, shape in self.shapes.items()
            if (not dims or len(shape) in dims) and (like is None or shape == like)
        ]
        return self.rng.choice(fitting[-5:]) if fitting else None

    def give(self, values: Array | Sequence[object], word: str = "given") -> str:
        """Add an input that holds these values and return its name."""
        name, array = self.name(word), np.asarray(values, np.float64)
        dims = " ".join(f"dim: {size}" for size in array.shape)
        self.text += layer("Input", "", name, f"input_param {{ shape {{ {dims} }} }}")
        self.given[name] = array
        return name

    def add(
        self, kind: str, bottoms: Sequence[str], settings: str = "", *, tops: int = 1, may_overwrite: bool = False
    ) -> bool:
        """Add a layer with new tops, or in place; return whether it can be built."""
        in_place = may_overwrite and bottoms[0] in self.unread and self.rng.random() < 0.4
        names = [bottoms[0]] if in_place else [self.name(kind.lower()) for _ in range(tops)]
        settings = " ".join((settings, *self._graph_settings(kind, bottoms, names)))
        shapes = {name: self.given[name].shape if name in self.given else self.shapes[name] for name in bottoms}
        try:
            made = _made_shapes(
                layer(kind, " ".join(bottoms), " ".join(names), settings, name="x"), tuple(shapes.items()), self.phase
            )
            if "name:" in settings:  # shared parameters must be as large as their owner's
                whole = self.text + layer(kind, " ".join(bottoms), " ".join(names), settings, name="x")
                build(
                    filter_net(parse_net(whole, where="drawn").message, phase=self.phase),
                    {},
                    phase=self.phase,
                    where="drawn",
                    device="meta",
                )
        except DigitsError as error:
            self.refused.append(f"{error} [{kind} {tuple(shapes.values())} {settings}]")
            return False
        if any(np.prod(shape) > LARGEST for shape in made):
            return False
        self.text += layer(kind, " ".join(bottoms), " ".join(names), settings, name=self.name(f"l_{kind}"))
        self.unread.difference_update(bottoms)
        for name, shape in zip(names, made, strict=True):
            self.shapes[name] = shape
            self.unread.add(name)
        return True

    def _graph_settings(self, kind: str, bottoms: Sequence[str], tops: Sequence[str]) -> list[str]:
        """Return what any layer may have: weights of its tops in the loss, bottoms without a gradient, rules that hold."""
        texts = []
        if tops and kind not in NO_LOSS and self.rng.random() < 0.06:
            texts += [f"loss_weight: {self.rng.choice((0, 0.5, -1, 2))}" for _ in tops]
        if bottoms and self.rng.random() < 0.06:
            texts += [
                f"propagate_down: {self.rng.choice(('true', 'false')) if name in self.shapes else 'false'}"
                for name in bottoms
            ]
        other = "TEST" if self.phase == "TRAIN" else "TRAIN"
        texts.append(
            self.maybe(
                0.08, f"include {{ phase: {self.phase} }}", f"exclude {{ phase: {other} }}",
                'include { not_stage: "never" }', f"include {{ phase: {other} }} include {{ min_level: 0 max_level: 3 }}",
            )
        )  # fmt: skip
        return texts


NO_LOSS = ("ArgMax", "Accuracy", "Threshold", "Filter")


@cache
def _made_shapes(text: str, bottoms: tuple[tuple[str, Shape], ...], phase: Phase) -> tuple[Shape, ...]:
    """Return the shapes of a layer's tops.

    Raises:
        DigitsError: the layer cannot be built on such bottoms.
    """
    message = filter_net(parse_net(inputs(**dict(bottoms)) + text, where="drawn").message, phase=phase)
    return build(message, {}, phase=phase, where="drawn", device="meta").layers[-1].output_shapes
