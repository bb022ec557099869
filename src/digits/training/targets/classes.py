"""Kind ``classes``: any number of classes a picture, each asked for by itself.

The network's label blob is [N, classes], 1 where a picture is of a class: what ``SigmoidCrossEntropyLoss`` takes. An output of that shape
(a ``Sigmoid`` that is left in training and validation) is measured; scores beyond 0..1 are taken through the sigmoid first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.training.outputs import last_rows, of_targets, single_numbers


class ClassesTarget:
    """Zeros and ones on their way in, a probability for each class on their way out."""

    def collate(self, targets: NDArray[Any]) -> Tensor:
        """Return [N, classes] float32 of 0 and 1."""
        return torch.from_numpy(np.asarray(targets, np.float32))

    def measure(self, outputs: Mapping[str, Tensor], targets: Tensor) -> dict[str, Tensor]:
        """Return what the network computes itself, the share of right answers over all labels, and F1.

        F1 is each picture's own, 1 where it has no class and none is found, and the mean of these.
        """
        found = single_numbers(outputs)
        for scores in of_targets(outputs, targets):
            probabilities, wanted = as_probabilities(scores), targets.bool()
            said = probabilities >= 0.5
            both, either = (said & wanted).sum(1), said.sum(1) + wanted.sum(1)
            f1 = torch.where(either > 0, 2 * both / either.clamp(min=1), torch.ones((), device=scores.device))
            found |= {"label_accuracy": (said == wanted).float().mean(), "label_f1": f1.mean()}
        return found

    def predict(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return [N, classes], each class's own probability: the last output."""
        return as_probabilities(torch.from_numpy(last_rows(outputs))).numpy()


def as_probabilities(scores: Tensor) -> Tensor:
    """Return scores through the sigmoid unless all are probabilities already."""
    scores = scores.detach()
    is_done = scores.numel() == 0 or (scores.min() >= 0 and scores.max() <= 1)
    return scores if is_done else torch.sigmoid(scores)


TARGET = ClassesTarget()
