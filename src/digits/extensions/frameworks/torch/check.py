"""What is wrong with a training in Python before any job exists. It runs in the web process: nothing of the text runs, no torch here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from digits.core.errors import NetworkError, NotFoundError
from digits.core.trainspec import CustomNetwork, StandardNetwork, TrainSpec
from digits.networks.torch.text import check_text, standard_text


def check(spec: TrainSpec, dataset_facts: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return problems by dotted field path.

    Args:
        spec: what was asked for.
        dataset_facts: ``dataset.json``; while the dataset is being made perhaps only its "image", or nothing.
    """
    image = dataset_facts.get("image") or {}
    height, width = int(image.get("height") or 0), int(image.get("width") or 0)
    problems: dict[str, list[str]] = {}
    if spec.crop_size and height and spec.crop_size > min(height, width):
        problems["crop_size"] = [f"Crop size {spec.crop_size} is larger than the pictures of {width} x {height}."]
    if isinstance(spec.network, StandardNetwork):
        try:
            standard_text(spec.network.name)
        except NotFoundError as error:
            problems["network.name"] = [str(error)]
    elif isinstance(spec.network, CustomNetwork):
        try:
            check_text(spec.network.text)
        except NetworkError as error:
            problems["network.text"] = [f"Bad network: {error}"]
    return problems
