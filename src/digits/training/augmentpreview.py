"""Pictures of a dataset as a training with some augmentation might see them, to be looked at while the form is filled in."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digits.core.errors import NotFoundError
from digits.core.extensions import extension, load
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import Augmentation
from digits.data.images import encode_png, visible
from digits.data.reader import DatasetReader
from digits.training.augment import Augmenter
from digits.training.transform import Places, cut

VERSIONS = 4
PICTURES = 2


def preview(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``PICTURES`` pictures of train, each as it is and in ``VERSIONS`` versions, as data addresses.

    Args:
        question: ``extension`` and ``folder`` of the dataset; ``augmentation``; ``crop_px`` (0: none); ``seed``, another one for others.

    Raises:
        NotFoundError: the dataset has no picture.
        DigitsError: such pictures cannot be changed so.
    """
    reader: DatasetReader = load(extension("datasets", question["extension"]).reader)(
        JobFolder(Path(question["folder"])), "train"
    )
    if not len(reader):
        raise NotFoundError("The dataset has no training pictures.")
    spec, seed = Augmentation.model_validate(question["augmentation"]), int(question["seed"])
    chance = np.random.default_rng(seed)
    picked = [reader[int(index)].image_HWC for index in chance.integers(0, len(reader), PICTURES)]
    images = torch.stack([_planes(image) for image in picked for _ in range(VERSIONS)])
    side_px = min(int(question["crop_px"]), *images.shape[2:])
    places = _places(images, side_px, chance) if side_px else None
    augmenter = Augmenter(spec, seed=seed, device=torch.device("cpu"), crop_px=side_px)
    if places is not None and not augmenter.warps:
        images = cut(images, torch.arange(len(images)), places.tops_px, places.lefts_px, side_px)
    made = augmenter(images, places, 0).round().to(torch.uint8)
    versions = [_address(_picture(each)) for each in made]
    return {
        "pictures": [
            {"original": _address(image), "versions": versions[number * VERSIONS : (number + 1) * VERSIONS]}
            for number, image in enumerate(picked)
        ]
    }


def _places(images: Tensor, side_px: int, chance: np.random.Generator) -> Places:
    tops, lefts = (torch.from_numpy(chance.integers(0, each - side_px + 1, len(images))) for each in images.shape[2:])
    return Places(tops, lefts)


def _planes(image_HWC: NDArray[np.uint8]) -> Tensor:
    """Return a picture as trainings have it: [C, H, W], blue first."""
    planes = torch.from_numpy(np.ascontiguousarray(image_HWC)).permute(2, 0, 1)
    return (planes.flip(0) if len(planes) == 3 else planes).contiguous()


def _picture(planes: Tensor) -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = (planes.flip(0) if len(planes) == 3 else planes).permute(1, 2, 0).contiguous().numpy()
    return picture


def _address(image_HWC: NDArray[np.uint8]) -> str:
    return f"data:image/png;base64,{base64.b64encode(encode_png(visible(image_HWC))).decode()}"
