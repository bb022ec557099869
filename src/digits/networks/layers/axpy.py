"""NVCaffe ``Axpy``: s * x + y with one factor s a channel of each picture, as squeeze-and-excitation networks use it."""

from __future__ import annotations

import torch
from torch import Tensor

from digits.networks.layers.registry import Layer, Lowered, converter


@converter("Axpy", bottoms=3, output_free=True)
def axpy_layer(layer: Layer) -> Lowered:
    """Factors (N, C) or (N, C, 1, 1), then x and y of one shape (N, C, ...), to one blob of that shape."""
    factors, x, y = layer.in_shapes
    if x != y:
        raise layer.error(f"its bottoms x and y differ: {x} and {y}.", "bottom")
    if len(x) < 2 or factors[:2] != x[:2] or any(size != 1 for size in factors[2:]):
        raise layer.error(
            f"factors of {factors} do not go with x of {x}; they must be (N, C) or (N, C, 1, 1).", "bottom"
        )
    return Lowered(axpy)


def axpy(factors: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return factors * x + y."""
    return torch.addcmul(y, factors.reshape(*x.shape[:2], *(1,) * (x.dim() - 2)), x)
