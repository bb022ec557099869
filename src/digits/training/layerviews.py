"""Every layer of a network while it answers to one picture: numbers, histogram and tiles of what it makes and of its weights.

Legend: N pictures, C channels, H height, W width; of weights [outputs, inputs, H, W].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from digits.data.tiles import Tiled, draw_colour_tiles, draw_tiles
from digits.networks.steps import Row, Step, rows

BINS = 20
WITHOUT_PICTURE = ("InnerProduct", "Linear")
"""Types whose weights have no places: every value would be a tile."""
AS_THEY_ARE = ("Softmax", "LogSoftmax", "Sigmoid")
"""Types whose outputs have a scale of their own, 0 to 1."""
_COLOURS = 3

Histogram = tuple[list[float], list[float], list[float]]
"""Counts, centres of the bins, and the ticks: least, middle, greatest value."""


@dataclass(frozen=True)
class LayerView:
    """A row of "Show visualizations and statistics"."""

    name: str
    kind: str
    """"Activation" or "Weights"."""
    layer_type: str
    shape: tuple[int, ...]
    """Without the batch axis."""
    num_parameters: int
    mean: float
    std: float
    histogram: Histogram
    tiles: Tiled | None
    """None where a picture would say nothing."""


def layer_views(steps: Sequence[Step], *, rgb: bool, known: dict[str, LayerView]) -> Iterator[LayerView]:
    """Yield the rows of one pass with one picture.

    Args:
        steps: the pass.
        rgb: the order of three channels in the network's input; BGR if not.
        known: rows of weights that were made before, by the layer's name; those that are made here are put in.
    """
    for row in rows(steps):
        if row.kind == "Activation":
            yield _view(row, rgb=rgb)
        else:
            if row.name not in known:
                known[row.name] = _view(row, rgb=rgb)
            yield known[row.name]


@torch.no_grad()
def _view(row: Row, *, rgb: bool) -> LayerView:
    values = row.values.detach()
    if row.kind == "Activation" and values.dim() > 0:
        values = values[0]
    values = values.float().cpu()
    finite = values.flatten()
    is_finite = torch.isfinite(finite)
    if not is_finite.all():
        finite = finite[is_finite]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    return LayerView(
        name=row.name,
        kind=row.kind,
        layer_type=row.layer_type,
        shape=tuple(values.shape),
        num_parameters=row.num_parameters,
        mean=float(finite.mean()) if len(finite) else float("nan"),
        std=float(finite.std(correction=0)) if len(finite) else float("nan"),
        histogram=_histogram(finite, low, high),
        tiles=_tiles(row, values, low, high, rgb=rgb),
    )


def _histogram(values: Tensor, low: float, high: float) -> Histogram:
    """Return what ``numpy.histogram`` does: all values of a constant lie in the middle of a bin of 1 around it."""
    if low == high:
        low, high = low - 0.5, high + 0.5
    counts = torch.histc(values, BINS, low, high) if len(values) else torch.zeros(BINS)
    width = (high - low) / BINS
    centres = [low + (index + 0.5) * width for index in range(BINS)]
    return [float(each) for each in counts], centres, [low, (low + high) / 2, high]


def _tiles(row: Row, values: Tensor, low: float, high: float, *, rgb: bool) -> Tiled | None:
    if not values.numel() or (row.kind == "Weights" and row.layer_type in WITHOUT_PICTURE):
        return None
    if row.kind == "Activation" and row.layer_type in AS_THEY_ARE:
        low, high = 0.0, 1.0
    is_colour = values.shape[:1] == (_COLOURS,) and values.dim() == 3 and row.is_input
    is_colour_kernel = row.kind == "Weights" and values.dim() == 4 and values.shape[1] == _COLOURS
    if is_colour or is_colour_kernel:
        planes = values.reshape(-1, _COLOURS, *values.shape[-2:])
        return draw_colour_tiles((planes if rgb else planes.flip(1)).numpy(), low=low, high=high)
    side = values.shape[-2:] if values.dim() >= 3 else (1, 1)
    return draw_tiles(np.ascontiguousarray(values.reshape(-1, *side).numpy()), low=low, high=high)
