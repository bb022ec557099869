"""What goes out with a network in Python: what happens to pictures first, and the labels. Torch and TensorFlow share it; pictures are RGB there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import NotFoundError
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder
from digits.networks.caffe.export.preprocessing import Preprocessing
from digits.training.dataset import LABELS_FILE, MEAN_FILE, Mean
from digits.training.mean import mean_of
from digits.training.modelfacts import MODEL_FILE, ModelFacts

T = TypeVar("T")


def facts_of(folder: JobFolder) -> ModelFacts:
    """Return what the model knows of its pictures.

    Raises:
        NotFoundError: its training has not got so far.
    """
    try:
        return ModelFacts(**read_json(folder.path / MODEL_FILE))
    except FileNotFoundError as error:
        raise NotFoundError("The model has no network yet.", where=str(folder.path)) from error


def labels_of(folder: JobFolder) -> tuple[str, ...]:
    """Return the classes in order."""
    return tuple((folder.path / LABELS_FILE).read_text(encoding="utf-8", errors="replace").splitlines())


def preprocessing_of(folder: JobFolder, facts: ModelFacts) -> Preprocessing:
    """Return the way from a picture to the network."""
    return Preprocessing(
        resize_HW=(facts.height, facts.width),
        resize_mode=facts.resize_mode,
        crop_px=facts.crop_size,
        mean=mean_going_out(folder, facts),
        rgb=True,
        whitening=facts.whitening,
    )


def mean_going_out(folder: JobFolder, facts: ModelFacts) -> NDArray[np.float32] | None:
    """Return what is taken off: a colour [C] or a picture [C, H, W], RGB."""
    found = mean_of(folder.path / MEAN_FILE, cast(Mean, facts.use_mean))
    if found is None:
        return None
    mean_CHW = found.numpy()[::-1] if facts.channels == 3 else found.numpy()
    return np.ascontiguousarray(mean_CHW[:, 0, 0] if facts.use_mean == "pixel" else mean_CHW)


def written(write: Callable[[T, Path], None], model: T, path: Path) -> Path:
    """Write a file and return its path; what fails leaves none."""
    try:
        write(model, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
