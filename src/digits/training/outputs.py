"""What several kinds of answer look for among a network's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def single_numbers(outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the outputs that are one number: the losses and accuracies that the network itself computes."""
    return {name: output.detach() for name, output in outputs.items() if output.numel() == 1}


def of_targets(outputs: Mapping[str, Tensor], targets: Tensor) -> list[Tensor]:
    """Return the last output that has a value for each of the targets [N, C], as [N, C]; none where the network ends in its loss."""
    found = [output for output in outputs.values() if output.ndim > 1 and output.numel() == targets.numel()]
    return [output.reshape(targets.shape) for output in found[-1:]]


def last_rows(outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the last output as [N, values]."""
    scores = list(outputs.values())[-1]
    return np.ascontiguousarray(scores.reshape(len(scores), -1))
