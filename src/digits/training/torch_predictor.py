"""A trained PyTorch model that answers: the network of ``network.py``, its pictures prepared as in validation."""

from __future__ import annotations

import torch

from digits.core.jobfolder import JobFolder
from digits.core.settings import Device
from digits.core.work import WorkerSettings
from digits.networks.torch.definition import define
from digits.networks.torch.net import TorchNet
from digits.networks.torch.text import NETWORK_FILE
from digits.training.dataset import LABELS_FILE
from digits.training.inference import Predictor
from digits.training.modelfacts import ModelFacts
from digits.training.torch_model import params_of, placed, transform_for
from digits.training.transform import Transform


def open_predictor(folder: JobFolder, epoch: float | None = None, device: Device = "auto") -> Predictor:
    """Load the snapshot of ``epoch``, or the newest.

    Raises:
        NotFoundError: the model has no such snapshot.
        DigitsError: its files cannot be used, or its code may not run here.
    """
    allowed = WorkerSettings.from_environment().python_layers
    return Predictor.load(folder, epoch, device, lambda facts, place: answering(folder, facts, place, allowed=allowed))


def answering(
    folder: JobFolder, facts: ModelFacts, place: torch.device, *, allowed: bool
) -> tuple[TorchNet, Transform]:
    """Return the network of a job without its weights, and what it does to pictures."""
    crop_size = folder.record().spec.get("crop_size")  # of a training or of a pretrained model
    num_classes = len((folder.path / LABELS_FILE).read_text(encoding="utf-8", errors="surrogateescape").splitlines())
    params = params_of((facts.channels, facts.height, facts.width), num_classes, crop_size)
    text = (folder.path / NETWORK_FILE).read_text(encoding="utf-8")
    definition = define(text, params, allowed=allowed, where=NETWORK_FILE)
    placed(definition, place)
    net = TorchNet(definition, facts.target_kind, "TEST")
    return net, transform_for(folder.path, facts.use_mean, facts.crop_size, place, whiten=facts.whitening)
