"""A snapshot of a model in Python as a file for others; see ``caffe_export`` for what each function takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from digits.core.errors import NotFoundError
from digits.core.files import read_json
from digits.core.jobfolder import JobFolder
from digits.core.work import WorkerSettings
from digits.networks.caffe.export.preprocessing import Preprocessing
from digits.networks.torch.export import TorchExport, write_onnx, write_pt2
from digits.networks.torch.text import NETWORK_FILE
from digits.training.dataset import LABELS_FILE, MEAN_FILE, Mean
from digits.training.mean import mean_of
from digits.training.modelfacts import MODEL_FILE, ModelFacts
from digits.training.snapshots import find_snapshot, read_weights
from digits.training.torch_predictor import answering


def onnx(folder: JobFolder, epoch: float | None, stem: Path) -> Path:
    """Write an ONNX file."""
    return _write(write_onnx, folder, epoch, stem.with_name(f"{stem.name}.onnx"))


def pt2(folder: JobFolder, epoch: float | None, stem: Path) -> Path:
    """Write a file of ``torch.export``."""
    return _write(write_pt2, folder, epoch, stem.with_name(f"{stem.name}.pt2"))


def _write(write: Callable[[TorchExport, Path], None], folder: JobFolder, epoch: float | None, path: Path) -> Path:
    try:
        write(_model(folder, epoch), path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _model(folder: JobFolder, epoch: float | None) -> TorchExport:
    """Read a snapshot with all that goes out with it.

    Raises:
        NotFoundError: there is no such snapshot.
        DigitsError: the model's files are not what they were, or its code may not run here.
    """
    place = find_snapshot(folder, epoch)
    try:
        facts = ModelFacts(**read_json(folder.path / MODEL_FILE))
    except FileNotFoundError as error:
        raise NotFoundError("The model has no network yet.", where=str(folder.path)) from error
    allowed = WorkerSettings.from_environment().python_layers
    net, _ = answering(folder, facts, torch.device("cpu"), allowed=allowed)
    own, weights = net.state(), read_weights(place)
    net.load_state({name: value for name, value in weights.items() if name in own})
    cast(Any, net.module).to(memory_format=torch.contiguous_format)  # torch's types lack it
    sides = (facts.crop_size,) * 2 if facts.crop_size else (facts.height, facts.width)
    return TorchExport(
        net=net,
        input_CHW=(facts.channels, *sides),
        preprocessing=Preprocessing(
            resize_HW=(facts.height, facts.width),
            resize_mode=facts.resize_mode,
            crop_px=facts.crop_size,
            mean=mean_going_out(folder, facts),
            rgb=True,
            whitening=facts.whitening,
        ),
        labels=tuple((folder.path / LABELS_FILE).read_text(encoding="utf-8", errors="replace").splitlines()),
        where=NETWORK_FILE,
    )


def mean_going_out(folder: JobFolder, facts: ModelFacts) -> NDArray[np.float32] | None:
    """Return what is taken off: a colour [C] or a picture [C, H, W], RGB."""
    found = mean_of(folder.path / MEAN_FILE, cast(Mean, facts.use_mean))
    if found is None:
        return None
    mean_CHW = found.numpy()[::-1] if facts.channels == 3 else found.numpy()
    return np.ascontiguousarray(mean_CHW[:, 0, 0] if facts.use_mean == "pixel" else mean_CHW)
