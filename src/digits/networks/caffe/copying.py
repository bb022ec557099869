"""Weights copied by the names of layers, as Caffe's fine-tuning does it, and the table of what became of each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from digits.core.errors import WeightsError
from digits.networks.caffe.net import CaffeNet

Outcome = Literal["copied", "new", "unfit", "ignored"]


@dataclass(frozen=True)
class CopiedLayer:
    """A row of the table."""

    layer: str
    outcome: Outcome
    """copied; new: no file has it, its fillers' values stay; unfit: another shape, its fillers' values stay; ignored: only a file has it."""
    source: str
    """The file it was, or could have been, taken from; the last one wins."""
    words: str


def copy_by_name(
    net: CaffeNet,
    files: Sequence[tuple[str, Mapping[str, NDArray[Any]]]],
    *,
    unfit: Literal["refuse", "keep"] = "refuse",
) -> tuple[CopiedLayer, ...]:
    """Copy into ``net`` all layers of ``files`` that it has by name, one file after the other, and return what was done.

    Types and order of layers do not matter. Layers that nothing was copied into keep what their fillers made.

    Args:
        net: takes the weights.
        files: names and arrays by "layer:i".
        unfit: a layer of the same name and another shape is an error, as in Caffe ("refuse"), or stays as it is ("keep").

    Raises:
        WeightsError: a layer has another number of blobs or another shape; the words are Caffe's.
    """
    rows: dict[str, CopiedLayer] = {}
    own = dict.fromkeys(name.rpartition(":")[0] for name in net.blobs)
    for source, weights in files:
        for layer, blobs in _by_layer(weights).items():
            count = f"{len(blobs)} blob{'s' if len(blobs) > 1 else ''}"
            if layer not in own:
                rows.setdefault(layer, CopiedLayer(layer, "ignored", source, f"{count}: the network has no such layer"))
                continue
            try:
                net.load_state(blobs, partial=True)
            except WeightsError as error:
                if unfit == "refuse":
                    raise WeightsError(error.message, where=source, hint=error.hint) from error
                rows[layer] = CopiedLayer(layer, "unfit", source, error.message)
            else:
                rows[layer] = CopiedLayer(layer, "copied", source, count)
    for layer in own:
        rows.setdefault(layer, CopiedLayer(layer, "new", "", "in no weight file: its fillers made it"))
    order = {layer: place for place, layer in enumerate(own)}
    return tuple(sorted(rows.values(), key=lambda row: order.get(row.layer, len(order))))


def _by_layer(weights: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, NDArray[Any]]]:
    layers: dict[str, dict[str, NDArray[Any]]] = {}
    for name, array in weights.items():
        layers.setdefault(name.rpartition(":")[0], {})[name] = array
    return layers
