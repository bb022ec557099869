"""Kind ``class``: one class id a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class ClassTarget:
    """Class ids are floats on their way in, as all blobs of Caffe; probabilities on their way out."""

    def collate(self, targets: NDArray[Any]) -> Tensor:
        """Return [N] float32."""
        return torch.from_numpy(np.asarray(targets, np.float32))

    def measure(self, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the outputs that are one number: the losses and accuracies that the network itself computes."""
        return {name: output.detach() for name, output in outputs.items() if output.numel() == 1}

    def predict(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return [N, classes]: the last output, as DIGITS takes it, with places beyond the classes averaged."""
        scores = list(outputs.values())[-1]
        probabilities: NDArray[Any] = scores.reshape(*scores.shape[:2], -1).mean(axis=2)
        return probabilities


TARGET = ClassTarget()
