"""What a trained model needs to know of its dataset, so that it answers without it. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MODEL_FILE = "model.json"


@dataclass(frozen=True)
class ModelFacts:
    """``model.json``: what a trained model needs to know of its dataset, so that it answers without it."""

    target_kind: str
    channels: int
    height: int
    width: int
    resize_mode: str
    seed: int
    """The dataset's, of the noise that some resize modes pad with."""
    use_mean: str
    crop_size: int
    data_blob: str
    whitening: bool = False
    ignore_label: int | None = None
    """Of masks: the value of pixels that have no class."""
    palette: Sequence[Sequence[int]] | None = None
    """Of masks: the colour of each class, red, green and blue."""
