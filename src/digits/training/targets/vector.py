"""Kind ``vector``: some numbers a picture, as in regression. The label blob is [N, numbers]: what ``EuclideanLoss`` takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.training.outputs import last_rows, of_targets, single_numbers


class VectorTarget:
    """Numbers in, numbers out."""

    def collate(self, targets: NDArray[Any]) -> Tensor:
        """Return [N, numbers] float32."""
        return torch.from_numpy(np.asarray(targets, np.float32))

    def measure(self, outputs: Mapping[str, Tensor], targets: Tensor) -> dict[str, Tensor]:
        """Return what the network computes itself, and the mean absolute error of an output that is as the targets are."""
        found = single_numbers(outputs)
        for values in of_targets(outputs, targets):
            found["mae"] = (values.detach() - targets).abs().mean()
        return found

    def predict(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return [N, numbers]: the last output."""
        return last_rows(outputs)


TARGET = VectorTarget()
