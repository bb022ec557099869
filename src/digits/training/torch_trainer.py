"""A network in Python made ready to train: its text run, its files in the job folder, both faces of it. Then ``parts.go``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from digits.core.beginning import Beginning
from digits.core.events import Emit
from digits.core.files import write_text
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import TrainSpec
from digits.core.work import StopCheck, WorkerSettings
from digits.data.reader import Records
from digits.networks.torch.definition import TorchDefinition, define
from digits.networks.torch.describe import layer_rows
from digits.networks.torch.net import DATA, LABEL, TorchNet, main_output
from digits.networks.torch.text import NETWORK_FILE
from digits.networks.torch.weights import read_weights
from digits.training import devices, parts
from digits.training.caffelog import CaffeLog
from digits.training.finetune import copy_weights
from digits.training.parts import Side, Training
from digits.training.run import Run
from digits.training.torch_model import crop_of, params_of, placed, transform_for
from digits.training.world import ALONE, World

LOG_FILE = "torch_output.log"
BATCH_SIZE = 16
"""Where neither the form nor the network says one."""
_UNWEIGHED = (
    "Class weights do not count: the network's own loss gives one number.",
    "Let it give one for each picture (reduction='none'), or choose balanced sampling.",
)


def train(spec: TrainSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck) -> dict[str, Any]:
    """Train the model of the job ``folder`` and return its facts.

    Raises:
        StoppedError: it was asked to stop, and a snapshot is on disk.
        DigitsError: the network, the dataset or the training cannot be used, in words.
    """
    return parts.go(
        folder,
        settings,
        lambda begun, world: prepare(spec, folder, settings, emit, stop, begun=begun, world=world),
        lambda _: None,
    )


def prepare(
    spec: TrainSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck, *, begun: float = 0.0,
    world: World = ALONE,
) -> Run:  # fmt: skip
    """Run the network's text, write its files, and decode the pictures; ``begun`` epochs are done already."""
    job = Training(spec, folder, settings, emit, stop, world)
    job.keep_dataset_files()
    text = job.text()
    if world.leads:
        write_text(folder.path / NETWORK_FILE, text)
    devices.seed_everything(job.seed)
    definition = _defined(job, text)
    _begin(job, definition, is_first=not begun and world.leads)
    if definition.use_mean and spec.use_mean != definition.use_mean:
        if not begun:
            job.warn(
                "Nothing is subtracted from the pictures: the network scales them by itself.",
                "Choose Subtract Mean: None.",
            )
        spec = job.spec = spec.model_copy(update={"use_mean": definition.use_mean})
    crop_px = crop_of(definition, job.dataset.size, spec.crop_size)
    batch_train = spec.batch_size or definition.train_batch_size or BATCH_SIZE
    batch_val = spec.batch_size or definition.val_batch_size or batch_train

    databases = parts.readers(job, validates=bool(spec.val_interval))
    net = TorchNet(
        definition, job.target_kind, "TRAIN", class_weights=_weights(job, databases[0]), unweighed=lambda: job.warn(*_UNWEIGHED),
        ignore_label=job.dataset.facts.get("ignore_label"),
    )  # fmt: skip
    test = TorchNet(definition, job.target_kind, "TEST", ignore_label=job.dataset.facts.get("ignore_label"))
    seen = (crop_px, crop_px) if crop_px else job.dataset.size[1:]
    parts.write_facts(
        job, name=type(definition.model).__name__, parameters=net.num_parameters,
        layers=layer_rows(definition, (job.dataset.size[0], *seen)), crop_size=crop_px, data_blob=DATA,
    )  # fmt: skip
    _check_output(test, (job.dataset.size[0], *seen))
    placed(definition, job.device, compiled=job.can_compile())
    transform = transform_for(folder.path, spec.use_mean, crop_px, job.device, whiten=spec.augmentation.whitening)
    return parts.assemble(
        job,
        Side(net, transform, batch_train, DATA, LABEL),
        Side(test, transform, batch_val, DATA, LABEL),
        databases=databases,
        solver_file=parts.solver_file(job, *databases, batch_train=batch_train, batch_val=batch_val),
        parameters=net.num_parameters,
        log_file=LOG_FILE,
        begun=begun,
    )


@torch.inference_mode()
def _check_output(net: TorchNet, size_CHW: tuple[int, int, int]) -> None:
    """Refuse a network whose output cannot be learned from the dataset's answers, before the pictures are decoded."""
    net.module.eval()
    with net.definition.at_line("The network cannot run"):
        made = net.module(torch.zeros(1, *size_CHW))
    net.check(tuple(main_output(made).shape), (size_CHW[1], size_CHW[2]))


def _weights(job: Training, train: Records) -> Tensor | None:
    weights = job.class_weights(train)
    return None if weights is None else torch.from_numpy(weights).to(job.device)


def _defined(job: Training, text: str) -> TorchDefinition:
    num_gpus = 1 if job.device.type == "cuda" else 0
    params = params_of(job.dataset.size, len(job.dataset.labels), job.spec.crop_size, ngpus=num_gpus)
    return define(text, params, allowed=job.settings.python_layers, where=NETWORK_FILE)


def _begin(job: Training, definition: TorchDefinition, *, is_first: bool) -> None:
    """Copy the weights that the training begins with, then let the network's ``fine_tune_hook`` change what it likes, as freezing layers.

    A training that goes on has the weights of its snapshot; the hook is called then too, so that what was frozen stays so.
    """
    if not Beginning.read(job.folder).weights:
        return
    if is_first:
        log = CaffeLog(job.folder.path / LOG_FILE)
        net, num_classes = TorchNet(definition, job.target_kind, "TRAIN"), len(job.dataset.labels)
        copy_weights(net, job.folder, job.emit, log, read_weights, num_classes=num_classes)
        log.close()
    if definition.fine_tune_hook is not None:
        with definition.at_line("fine_tune_hook fails"):
            definition.fine_tune_hook(definition.model)
