"""The tutorial's table of factors: how much smaller each layer makes the picture, and how much all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

_LARGEST_PART = 4096
_ENLARGING = ("Deconvolution", "ConvTranspose2d", "Enlarge")


def factor_table(layers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each layer that slides a window over its picture.

    Args:
        layers: rows with ``LayerInfo``'s fields, in the order of running.

    Returns:
        layer, type; stride, pad, kernel and receptive_field in pixels, a number or [height, width] where they differ; factor (1/stride, "32" of
        one that enlarges) and cumulative (of all up to it) as fractions in words, "1/32"; output, [channels, height, width].
    """
    rows = []
    for layer in layers:
        if (
            not layer["kernel"]
            or layer["type"] in ("InnerProduct", "Linear")
            or len(layer["kernel"]) != len(layer["cumulative_stride"])
        ):
            continue
        enlarges = layer["type"] in _ENLARGING
        strides = [Fraction(each) if enlarges else Fraction(1, each) for each in layer["stride"]]
        rows.append({
            "layer": layer["name"], "type": layer["type"],
            "stride": _one(layer["stride"]), "pad": _one(layer["pad"]), "kernel": _one(layer["kernel"]),
            "factor": _words(strides),
            "cumulative": _words([1 / Fraction(each).limit_denominator(_LARGEST_PART) for each in layer["cumulative_stride"]]),
            "receptive_field": _one(layer["receptive_field"]), "output": list(layer["output_shapes"][0][1:]),
        })  # fmt: skip
    return rows


def _one(values: Sequence[int]) -> Any:
    return values[0] if len(set(values)) == 1 else list(values)


def _words(values: Sequence[Fraction]) -> str:
    return " × ".join(dict.fromkeys(map(str, values))) if len(set(values)) == 1 else " × ".join(map(str, values))
