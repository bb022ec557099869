"""Weights copied by the names of layers, as Caffe's fine-tuning does it, and the table of what became of each layer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Literal, Protocol, get_args

from numpy.typing import NDArray

from digits.core.errors import WeightsError
from digits.networks.layers.registry import Shape

_FC = re.compile(r"^fc(\d+)$")
Outcome = Literal["copied", "new", "unfit", "classes", "ignored"]


@dataclass(frozen=True)
class CopiedLayer:
    """A row of the table."""

    layer: str
    outcome: Outcome
    """copied; new: no file has it, its fillers' values stay; unfit: another shape, its fillers' values stay; classes: unfit because the file's
    layer answers with other classes, as is meant; ignored: only a file has it."""
    source: str
    """The file it was, or could have been, taken from; the last one wins."""
    words: str
    shapes: tuple[Shape, ...] = ()
    """Of the network's blobs."""
    source_shapes: tuple[Shape, ...] = ()
    """Of the file's blobs."""

    @property
    def line(self) -> str:
        """What Caffe's log says of it."""
        match self.outcome:
            case "copied":
                return f"Copied layer {self.layer} ({self.words}) from {self.source}"
            case "ignored":
                return f"Ignoring source layer {self.layer}"
            case "new":
                return f"Layer {self.layer} is in no weight file: its fillers made it"
            case "unfit" | "classes":
                return f"Layer {self.layer} starts anew: {self.words}"


class Holder(Protocol):
    """What weights are copied into: a network of any framework."""

    @property
    def separator(self) -> str:
        """What stands between the name of a layer and that of its array: ":" in "conv1:0"."""

    def shapes(self) -> Mapping[str, Shape]:
        """Return the shape of every array by name, in the network's order."""

    def load_state(self, state: Mapping[str, NDArray[Any]], *, partial: bool = False) -> object:
        """Take arrays by name; with ``partial`` names that one side lacks are passed over.

        Raises:
            WeightsError: a shape differs.
        """


def copy_by_name(
    net: Holder,
    files: Iterable[tuple[str, Mapping[str, NDArray[Any]]]],
    *,
    unfit: Literal["refuse", "keep"] = "refuse",
    num_classes: int | None = None,
) -> tuple[CopiedLayer, ...]:
    """Copy into ``net`` all layers of ``files`` that it has by name, one file after the other, and return what was done.

    Types and order of layers do not matter, but for one thing: the weights of a fully connected layer and of the convolution that it becomes
    in a fully convolutional network are the same numbers in another shape, and are copied; also from ``fc6`` to ``conv6``. Layers that
    nothing was copied into keep what their fillers made.

    Args:
        net: takes the weights.
        files: names and arrays by "layer:i"; taken one by one, so that a generator need not hold them all.
        unfit: a layer of the same name and another shape is an error, as in Caffe ("refuse"), or stays as it is ("keep").
        num_classes: of the dataset, for networks whose layers cannot be renamed: a layer with as many outputs, and another number of them in
            the file, is meant to start anew.

    Raises:
        WeightsError: a layer has another number of blobs or another shape; the words are Caffe's.
    """
    rows: dict[str, CopiedLayer] = {}
    own: dict[str, list[Shape]] = {}
    arrays = net.shapes()
    for name, shape in arrays.items():
        own.setdefault(name.rpartition(net.separator)[0], []).append(shape)
    for source, weights in files:
        for name, stored in _by_layer(weights, net.separator).items():
            layer = _convolved_name(name, own)
            blobs, note = _as_held(stored, arrays, name, layer)
            count = f"{len(blobs)} blob{'s' if len(blobs) > 1 else ''}{note}"
            shapes = tuple(own.get(layer, ())), tuple(blob.shape for blob in stored.values())
            if layer not in own:
                words = f"{count}: the network has no such layer"
                rows.setdefault(layer, CopiedLayer(layer, "ignored", source, words, *shapes))
                continue
            try:
                net.load_state(blobs, partial=True)
            except WeightsError as error:
                if unfit == "refuse":
                    raise WeightsError(error.message, where=source, hint=error.hint) from error
                outcome: Outcome = "classes" if _answers(*shapes, num_classes) else "unfit"
                rows[layer] = CopiedLayer(layer, outcome, source, error.message, *shapes)
            else:
                rows[layer] = CopiedLayer(layer, "copied", source, count, *shapes)
    for layer, held in own.items():
        rows.setdefault(layer, CopiedLayer(layer, "new", "", "in no weight file: its fillers made it", tuple(held)))
    order = {layer: place for place, layer in enumerate(own)}
    return tuple(sorted(rows.values(), key=lambda row: order.get(row.layer, len(order))))


def copy_table(rows: Sequence[CopiedLayer], names: Sequence[str]) -> dict[str, Any]:
    """Return the table as JSON: "files" (``names``), "layers" with their rows, and how many of each outcome."""
    counts = {outcome: sum(row.outcome == outcome for row in rows) for outcome in get_args(Outcome)}
    return {"files": list(names), "layers": [asdict(row) for row in rows], **counts}


def warnings_of(rows: Sequence[CopiedLayer], names: Sequence[str]) -> list[tuple[str, str]]:
    """Return what a person should know of a copying that went through, as facts with hints.

    A layer of the same name and another shape started anew; or no file has a layer of this network, which Caffe passes over in silence.
    """
    if names and not any(row.outcome in ("copied", "unfit", "classes") for row in rows):
        listed = ", ".join(names)
        return [(f"No layer of {listed} has a name of this network, so everything begins with random weights.",
                 "Weights are copied by the names of layers: look at the table of what was copied.")]  # fmt: skip
    return [
        (
            f"Layer {row.layer!r} starts anew: {row.words}",
            f"Rename it, to {row.layer}_retrain say, to show that this is meant.",
        )
        for row in rows
        if row.outcome == "unfit"
    ]


def _answers(own: Sequence[Shape], theirs: Sequence[Shape], num_classes: int | None) -> bool:
    """Whether a layer makes a number a class, and differs from the file's in their number alone."""
    if num_classes is None or len(own) != len(theirs):
        return False
    return all(ours[:1] == (num_classes,) and ours[1:] == other[1:] for ours, other in zip(own, theirs, strict=True))


def _convolved_name(name: str, own: Mapping[str, Sequence[Shape]]) -> str:
    """Return the layer that takes what a file has under ``name``: of fc6 it is conv6 in a network that has no fc6."""
    convolved = _FC.sub(r"conv\1", name)
    return convolved if name not in own and convolved in own else name


def _as_held(
    stored: Mapping[str, NDArray[Any]], held: Mapping[str, Shape], name: str, layer: str
) -> tuple[dict[str, NDArray[Any]], str]:
    """Return arrays under the names and in the shapes of the network's layer, and what that changed, in words."""
    blobs, notes = dict[str, NDArray[Any]](), [f"of {name!r}"] if layer != name else []
    for each, blob in stored.items():
        own = layer + each[len(name) :]
        shape = held.get(own, blob.shape)
        if _is_convolved(blob.shape, shape):
            kinds = ("a fully connected layer", "a convolution")
            notes.append("{}'s weights as {}'s".format(*(kinds if len(shape) == 4 else kinds[::-1])))
            blob = blob.reshape(shape)
        blobs[own] = blob
    return blobs, "".join(f", {note}" for note in notes)


def _is_convolved(theirs: Shape, ours: Shape) -> bool:
    """Whether one is [outputs, inputs] of a fully connected layer, and the other the same as [outputs, channels, height, width]."""
    theirs = (
        theirs[2:] if len(theirs) == 4 and theirs[:2] == (1, 1) and len(ours) == 4 else theirs
    )  # as old files have it
    return {len(theirs), len(ours)} == {2, 4} and theirs[0] == ours[0] and prod(theirs) == prod(ours)


def _by_layer(weights: Mapping[str, NDArray[Any]], separator: str) -> dict[str, dict[str, NDArray[Any]]]:
    layers: dict[str, dict[str, NDArray[Any]]] = {}
    for name, array in weights.items():
        layers.setdefault(name.rpartition(separator)[0], {})[name] = array
    # safetensors keeps an order of its own
    return {layer: dict(sorted(blobs.items(), key=lambda blob: _number(blob[0]))) for layer, blobs in layers.items()}


def _number(name: str) -> int:
    """Return a blob's index; arrays with names of their own stay as they are."""
    index = name.rpartition(":")[2]
    return int(index) if index.isdigit() else 0
