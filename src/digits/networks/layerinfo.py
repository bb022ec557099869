"""A row of the table of layers, whatever language the network is written in. No torch here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerInfo:
    """A row of the table of layers; window numbers are (height, width), empty where the layer has no window."""

    name: str
    type: str
    line: int
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    output_shapes: tuple[tuple[int, ...], ...]
    num_parameters: int
    """Learned values."""
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    receptive_field: tuple[int, ...]
    """Pixels of the input that one output value sees."""
    cumulative_stride: tuple[float, ...]
    """Pixels of the input between two neighbours of the output; below 1 after a Deconvolution that enlarges."""
    multiply_adds: int
    """For one picture, forward."""
