"""Kind ``class``: one class id a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.training.outputs import single_numbers


class ClassTarget:
    """Class ids are floats on their way in, as all blobs of Caffe; probabilities on their way out."""

    def collate(self, targets: NDArray[Any]) -> Tensor:
        """Return [N] float32."""
        return torch.from_numpy(np.asarray(targets, np.float32))

    def measure(self, outputs: Mapping[str, Tensor], targets: Tensor) -> dict[str, Tensor]:  # noqa: ARG002 - the protocol's
        """Return the losses and accuracies that the network itself computes."""
        return single_numbers(outputs)

    def predict(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return [N, classes]: the last output, as DIGITS takes it, with places beyond the classes averaged."""
        scores = list(outputs.values())[-1]
        probabilities: NDArray[Any] = scores.reshape(*scores.shape[:2], -1).mean(axis=2)
        return probabilities


TARGET = ClassTarget()
