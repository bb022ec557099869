"""One pass of a network, layer by layer, with every value kept: what pages of a model's inside and class-activation maps are made of.

Legend: N pictures first in every blob; of weights, torch's and Caffe's order (outputs, inputs, height, width).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Blob = tuple[str, Tensor]
"""Its name and its value; one that a layer changes where it lies, as it is after the last of them."""


@dataclass(frozen=True)
class Step:
    """A layer that ran."""

    name: str
    type: str
    bottoms: tuple[Blob, ...]
    weights: tuple[Tensor, ...]
    """Its parameter blobs: the weights, then the bias, or what else it has."""
    num_parameters: int
    """Learned values."""
    tops: tuple[Blob, ...]


@dataclass(frozen=True)
class Row:
    """One thing to look at: a blob that a layer takes or makes, or a layer's weights."""

    name: str
    kind: Literal["Activation", "Weights"]
    layer_type: str
    """Of the layer that has the weights, or that made the blob ("" where none did)."""
    values: Tensor
    num_parameters: int = 0
    is_input: bool = False
    """The pictures as the network takes them."""


def rows(steps: Sequence[Step]) -> Iterator[Row]:
    """Yield what DIGITS shows, in its order: of each layer the bottoms, the weights, the tops; each blob once."""
    makers = _makers(steps)
    seen = set[tuple[str, int]]()
    for step in steps:
        for name, value in step.bottoms:
            key = (name, id(value))
            if key not in seen:
                seen.add(key)
                maker = makers.get(key)
                yield Row(name, "Activation", maker.type if maker else "", value, is_input=maker is None)
        if step.weights:
            yield Row(step.name, "Weights", step.type, step.weights[0], step.num_parameters)
        for name, value in step.tops:
            key = (name, id(value))
            if key not in seen:
                seen.add(key)
                yield Row(name, "Activation", step.type, value, is_input=not step.bottoms)


def last_spatial(steps: Sequence[Step]) -> Blob | None:
    """Return the last blob with places on the picture before the classifier, ahead of the pools in between; None where there is none.

    It is what the last layer takes that makes a blob without places of one with them: of LeNet the output of its second convolution, of
    GoogLeNet the last concatenation. Of a network that has places to its end it is what its last layer takes.
    """
    takers = [step for step in steps if step.tops and not _is_in_place(step) and _places(step.bottoms)]
    ending = [step for step in takers if not _places(step.tops)]
    for step in (ending or takers)[-1:]:
        return _before_pools(_places(step.bottoms)[0], _makers(steps))
    return None


def is_spatial(value: Tensor) -> bool:
    """Whether a blob [N, C, H, W] has more than one place."""
    return value.dim() == 4 and value.shape[2] * value.shape[3] > 1 and value.is_floating_point()


def _places(blobs: Sequence[Blob]) -> list[Blob]:
    return [blob for blob in blobs if is_spatial(blob[1])]


def _makers(steps: Sequence[Step]) -> dict[tuple[str, int], Step]:
    """Return by blob the layer that first made it."""
    return {(name, id(value)): step for step in reversed(steps) for name, value in step.tops if not _is_in_place(step)}


def _before_pools(blob: Blob, makers: Mapping[tuple[str, int], Step]) -> Blob:
    maker = makers.get((blob[0], id(blob[1])))
    while maker is not None and "pool" in maker.type.lower() and _places(maker.bottoms[:1]):
        blob = maker.bottoms[0]
        maker = makers.get((blob[0], id(blob[1])))
    return blob


def _is_in_place(step: Step) -> bool:
    return any(top == bottom and value is given for top, value in step.tops for bottom, given in step.bottoms)
