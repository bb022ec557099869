"""Where the values of one blob lie on another. Along one axis, place x of a layer's top is place a x + b of its bottom.

a is the layer's stride, b half of what its window sees, less its pad; a Deconvolution does the opposite. No torch here.
"""

from __future__ import annotations

from fractions import Fraction

Map = tuple[Fraction, Fraction]
"""(a, b)."""
SAME: Map = (Fraction(1), Fraction(0))
SAME_PLACE = frozenset(
    {
        "AbsVal", "BatchNorm", "Bias", "BN", "BNLL", "Clip", "Concat", "Dropout", "ELU", "Eltwise", "Exp", "LRN", "Log", "MVN", "PReLU",
        "Power", "ReLU", "Scale", "Sigmoid", "Slice", "Softmax", "Split", "Swish", "TanH", "Threshold",
    }
)  # fmt: skip
"""Types of layers that move no value."""


def of_window(kernel: int, stride: int, pad: int, dilation: int = 1, *, transposed: bool = False) -> Map:
    """Return the map of a layer that slides a window; ``transposed`` of one that enlarges."""
    shift = Fraction(dilation * (kernel - 1), 2) - pad
    return (Fraction(1, stride), -shift / stride) if transposed else (Fraction(stride), shift)


def through(earlier: Map, later: Map) -> Map:
    """Return the map of two layers, of which ``later`` takes what ``earlier`` makes, from the last top to the first bottom."""
    return earlier[0] * later[0], earlier[0] * later[1] + earlier[1]
