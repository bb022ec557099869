"""Weights and a network in Python made into a model's folder."""

from __future__ import annotations

from typing import Any

from digits.core.files import write_text
from digits.core.jobfolder import JobFolder
from digits.networks.torch.definition import define
from digits.networks.torch.describe import layer_rows
from digits.networks.torch.net import DATA, TorchNet
from digits.networks.torch.text import NETWORK_FILE
from digits.networks.torch.weights import read_weights
from digits.training.inference import Predictor
from digits.training.pretrained import Intake, Network, take_in
from digits.training.torch_model import crop_of, params_of
from digits.training.torch_predictor import open_predictor

_CLASSES = 1000
"""What a network is told where nobody gave labels: those of ImageNet."""


def take(intake: Intake) -> dict[str, Any]:
    """Take a network in Python in with its weights, and return the job's facts.

    Raises:
        DigitsError: the files do not hold together, or the code may not run here; in words.
    """
    return take_in(intake, read_weights, _build, _opened)


def _opened(folder: JobFolder) -> Predictor:
    return open_predictor(folder, None, "cpu")


def _build(intake: Intake, num_labels: int) -> Network:
    spec, size = intake.spec, intake.size
    params = params_of(size, num_labels or _CLASSES, spec.crop_size)
    text = intake.text()
    definition = define(text, params, allowed=intake.settings.python_layers, where=NETWORK_FILE)
    write_text(intake.folder.path / NETWORK_FILE, text)
    crop_px = crop_of(definition, size, spec.crop_size)
    net = TorchNet(definition, spec.target_kind, "TEST")
    seen = (crop_px, crop_px) if crop_px else size[1:]
    return Network(
        name=type(definition.model).__name__,
        net=net,
        num_classes=num_labels or _CLASSES,
        parameters=net.num_parameters,
        layers=layer_rows(definition, (size[0], *seen)),
        crop_size=crop_px,
        data_blob=DATA,
        use_mean=definition.use_mean or spec.use_mean,
    )
