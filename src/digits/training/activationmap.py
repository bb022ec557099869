"""What speaks for a class, and where: Grad-CAM (Selvaraju et al., 2017, arXiv:1610.02391), which works for any network with a spatial layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.networks.steps import Step, last_spatial


@dataclass(frozen=True)
class ActivationMaps:
    """Maps of some classes over the places of one layer."""

    layer: str
    """The blob whose places they are."""
    maps: tuple[NDArray[np.float32], ...]
    """[h, w] of each class that was asked for, 0 to 1; all 0 where nothing speaks for it."""


def activation_maps(steps: Sequence[Step], scores: Tensor, classes: Sequence[int]) -> ActivationMaps | None:
    """Return the maps of one pass with one picture, run where gradients are kept; None where the network has no spatial layer, or gradients stop.

    A class's score before the softmax is a sum over the places of the layer's channels; the mean gradient of a channel is its weight in it.

    Args:
        steps: the pass.
        scores: its answers [1, classes, ...].
        classes: those whose maps are wanted.
    """
    found = last_spatial(steps)
    if found is None or not found[1].requires_grad:
        return None
    blob_1CHW = found[1]
    logits = _before_softmax(steps, scores)
    maps = []
    for index in classes:
        score = logits.flatten(2).sum(2)[0, index] if logits.dim() > 2 else logits[0, index]
        (gradient,) = torch.autograd.grad(score, blob_1CHW, retain_graph=True, allow_unused=True)
        if gradient is None:
            return None
        weights = gradient.mean((2, 3), keepdim=True)
        map_HW = (weights * blob_1CHW.detach()).sum(1)[0].relu()
        most = float(map_HW.max())
        maps.append((map_HW / most if most > 0 else map_HW).float().cpu().numpy())
    return ActivationMaps(found[0], tuple(maps))


def _before_softmax(steps: Sequence[Step], scores: Tensor) -> Tensor:
    """Return what the softmax takes that made ``scores``: its own gradient mixes the classes, and vanishes where the network is sure."""
    for step in reversed(steps):
        if any(value is scores for _, value in step.tops) and step.type in ("Softmax", "Sigmoid") and step.bottoms:
            return step.bottoms[0][1]
    return scores
