"""A network in Python of a job folder: its text run for the job's dataset, on a device, with what it does to pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch

from digits.networks.torch.definition import TorchDefinition
from digits.networks.torch.params import Params
from digits.training.dataset import MEAN_FILE, Mean
from digits.training.mean import mean_of
from digits.training.transform import Transform


def params_of(size: tuple[int, int, int], num_classes: int, crop_size: int | None, *, ngpus: int = 0) -> Params:
    """Return what a network is told of pictures of ``size`` (channels, height, width); the form's crop is cut down to them."""
    channels, height, width = size
    crop = min(crop_size, height, width) if crop_size else None
    return Params(num_classes, (channels, crop or height, crop or width), ngpus, crop)


def crop_of(definition: TorchDefinition, size: tuple[int, int, int], crop_size: int | None) -> int:
    """Return the side that is cut from each picture, 0 for none: the form's, else the network's; neither is larger than the picture."""
    wanted = crop_size or definition.crop_size
    return min(wanted, *size[1:]) if wanted else 0


def placed(definition: TorchDefinition, device: torch.device, *, compiled: bool = False) -> None:
    """Move the model to its device, the channels innermost where it has no volumes: faster there (see ``caffe_deploy.placed``)."""
    model = definition.model.to(device=device)
    if device.type != "mps" and all(each.dim() <= 4 for each in model.parameters()):
        cast(Any, model).to(memory_format=torch.channels_last)  # torch's types lack it
    if compiled:
        model.compile()


def transform_for(
    folder: Path, use_mean: str, crop_px: int, device: torch.device, *, whiten: bool = False
) -> Transform:
    """Return what happens to pictures: cut, minus the mean, then RGB, as PyTorch's own networks have it; values 0 to 255."""
    mean = mean_of(folder / MEAN_FILE, cast(Mean, use_mean))
    return Transform(mean_CHW=mean, crop_px=crop_px, device=device, rgb=True, whiten=whiten)
