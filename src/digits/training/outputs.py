"""What several kinds of answer look for among a network's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

SCORES = "scores"
"""The name under which a network in training or validation gives the scores that its loss compares with the targets."""


def single_numbers(outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the outputs that are one number: the losses and accuracies that the network itself computes."""
    return {name: output.detach() for name, output in outputs.items() if output.numel() == 1 and name != SCORES}


def class_scores(outputs: Mapping[str, Tensor], count: int, num_classes: int) -> Tensor | None:
    """Return the scores of ``count`` pictures, [count, at least num_classes]; None where the network does not show them."""
    scores = outputs.get(SCORES)
    if scores is None or len(scores) != count or scores.numel() % count:
        return None
    rows = scores.detach().reshape(count, -1)
    return rows if rows.shape[1] >= num_classes else None


def pixel_scores(outputs: Mapping[str, Tensor], targets: Tensor) -> Tensor | None:
    """Return the scores of each pixel of masks [N, 1, H, W], [N, classes, H, W]; None where the network does not show them."""
    scores = outputs.get(SCORES)
    fits = (
        scores is not None
        and scores.ndim == 4
        and len(scores) == len(targets)
        and scores.shape[2:] == targets.shape[2:]
    )
    return scores.detach() if scores is not None and fits else None


def of_targets(outputs: Mapping[str, Tensor], targets: Tensor) -> list[Tensor]:
    """Return the last output that has a value for each of the targets, in their shape; none where the network ends in its loss.

    What the loss compares with the targets counts where there is nothing else: before a sigmoid it is not yet the answer.
    """
    order = sorted(outputs.items(), key=lambda each: each[0] != SCORES)
    found = [output for _, output in order if output.ndim > 1 and output.numel() == targets.numel()]
    return [output.reshape(targets.shape) for output in found[-1:]]


def last_rows(outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the last output as [N, values]."""
    scores = list(outputs.values())[-1]
    return np.ascontiguousarray(scores.reshape(len(scores), -1))
