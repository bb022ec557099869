"""The mean picture as a tensor."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from digits.core.errors import TrainingError
from digits.data.mean import read_mean
from digits.training.dataset import Mean


def mean_of(path: Path, kind: Mean) -> Tensor | None:
    """Return what is taken off each picture: the mean picture [C, H, W], the mean colour [C, 1, 1], or nothing; BGR.

    Raises:
        TrainingError: there is no mean file.
    """
    if kind == "none":
        return None
    if not path.is_file():
        raise TrainingError(
            "The dataset has no mean picture.", where=str(path), hint="Choose 'None' for Subtract Mean."
        )
    mean_CHW = torch.from_numpy(read_mean(path))
    return mean_CHW.mean(dim=(1, 2), keepdim=True) if kind == "pixel" else mean_CHW
