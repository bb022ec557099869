"""A snapshot of a model in Python as a file for others; see ``caffe_export`` for what each function takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch

from digits.core.jobfolder import JobFolder
from digits.core.work import WorkerSettings
from digits.networks.torch.export import TorchExport, write_onnx, write_pt2
from digits.networks.torch.text import NETWORK_FILE
from digits.training.goingout import facts_of, labels_of, preprocessing_of, written
from digits.training.snapshots import find_snapshot, read_weights
from digits.training.torch_predictor import answering


def onnx(folder: JobFolder, epoch: float | None, stem: Path) -> Path:
    """Write an ONNX file."""
    return written(write_onnx, _model(folder, epoch), stem.with_name(f"{stem.name}.onnx"))


def pt2(folder: JobFolder, epoch: float | None, stem: Path) -> Path:
    """Write a file of ``torch.export``."""
    return written(write_pt2, _model(folder, epoch), stem.with_name(f"{stem.name}.pt2"))


def _model(folder: JobFolder, epoch: float | None) -> TorchExport:
    """Read a snapshot with all that goes out with it.

    Raises:
        NotFoundError: there is no such snapshot.
        DigitsError: the model's files are not what they were, or its code may not run here.
    """
    place, facts = find_snapshot(folder, epoch), facts_of(folder)
    allowed = WorkerSettings.from_environment().python_layers
    if facts.target_kind == "boxes":  # what turns the grid into boxes is no part of the file: its output is the grid
        facts = replace(facts, target_kind="vector")
    net, _ = answering(folder, facts, torch.device("cpu"), allowed=allowed)
    own, weights = net.state(), read_weights(place)
    net.load_state({name: value for name, value in weights.items() if name in own})
    cast(Any, net.module).to(memory_format=torch.contiguous_format)  # torch's types lack it
    sides = (facts.crop_size,) * 2 if facts.crop_size else (facts.height, facts.width)
    return TorchExport(
        net=net, input_CHW=(facts.channels, *sides), preprocessing=preprocessing_of(folder, facts), labels=labels_of(folder),
        where=NETWORK_FILE,
    )  # fmt: skip
