"""A trained Caffe model that answers: the network of ``deploy.prototxt``, its pictures prepared as in validation."""

from __future__ import annotations

import torch

from digits.core.jobfolder import JobFolder
from digits.core.settings import Device
from digits.core.work import WorkerSettings
from digits.training.caffe_deploy import open_deploy, python_layers_of
from digits.training.caffe_transform import answering_param, read_train_val, transform_of
from digits.training.inference import Built, Predictor
from digits.training.modelfacts import ModelFacts


def open_predictor(folder: JobFolder, epoch: float | None = None, device: Device = "auto") -> Predictor:
    """Load the snapshot of ``epoch``, or the newest.

    Raises:
        NotFoundError: the model has no such snapshot.
        DigitsError: its files cannot be used.
    """

    def build(facts: ModelFacts, place: torch.device) -> Built:
        net = open_deploy(folder, place)
        return net, transform_of(
            answering_param(read_train_val(folder)), folder.path, device=place, whiten=facts.whitening
        )

    with python_layers_of(folder, allowed=WorkerSettings.from_environment().python_layers):
        return Predictor.load(folder, epoch, device, build)
