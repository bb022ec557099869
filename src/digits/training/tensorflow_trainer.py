"""A Keras network made ready to train: its text run, its files in the job folder, its optimizer. Then ``course.go``."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from digits.core.beginning import Beginning
from digits.core.events import Emit
from digits.core.files import write_text
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import TrainSpec
from digits.core.work import StopCheck, WorkerSettings
from digits.data.reader import Records
from digits.networks.tensorflow.definition import DATA, LOSSES, KerasDefinition
from digits.networks.tensorflow.net import KerasNet
from digits.networks.tensorflow.params import AnswerKind
from digits.networks.tensorflow.table import layer_rows
from digits.networks.tensorflow.text import NETWORK_FILE
from digits.networks.tensorflow.weights import read_weights
from digits.training import course, parts
from digits.training.caffelog import CaffeLog
from digits.training.finetune import copy_weights
from digits.training.parts import Training
from digits.training.tensorflow_model import crop_of, defined, set_up
from digits.training.tensorflow_run import KerasRun, Validation, optimizer_of
from digits.training.torch_model import transform_for

LOG_FILE = "tensorflow_output.log"
BATCH_SIZE = 16
"""DIGITS' own, where neither the form nor the network says one."""
_OTHER_SOLVERS = {"MOMENTUM": "SGD", "FTRL": "ADAGRAD"}
"""Solvers that only Keras has, and the one of Caffe whose schedule they follow."""


def train(spec: TrainSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck) -> dict[str, Any]:
    """Train the model of the job ``folder`` and return its facts.

    Raises:
        StoppedError: it was asked to stop, and a snapshot is on disk.
        DigitsError: the network, the dataset or the training cannot be used, in words.
    """
    return course.go(folder, lambda begun: prepare(spec, folder, settings, emit, stop, begun=begun), lambda _: None)


def prepare(
    spec: TrainSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck, *, begun: float = 0.0
) -> KerasRun:
    """Run the network's text, write its files, and decode the pictures; ``begun`` epochs are done already."""
    job = Training(spec, folder, settings, emit, stop)
    job.keep_dataset_files()
    text = job.text()
    write_text(folder.path / NETWORK_FILE, text)
    set_up(job.seed, settings.num_threads, precision=spec.precision)
    kind = cast(AnswerKind, job.target_kind)
    databases = parts.readers(job, validates=bool(spec.val_interval))
    definition = defined(
        text, job.dataset.size, len(job.dataset.labels), kind, spec.crop_size, allowed=settings.python_layers
    )
    net = KerasNet(definition)
    if not begun:
        _copy(job, net)
    crop_px = crop_of(definition, job.dataset.size)
    batch_train = spec.batch_size or definition.train_batch_size or BATCH_SIZE
    batch_val = spec.batch_size or definition.val_batch_size or batch_train
    _write_facts(job, definition, net, crop_px)
    transform = transform_for(folder.path, spec.use_mean, crop_px, job.device, whiten=spec.augmentation.whitening)
    solver_file = parts.solver_file(
        job, *databases, batch_train=batch_train, batch_val=batch_val, solver_type=_OTHER_SOLVERS.get(spec.solver_type)
    )
    fed = parts.feed(
        job, transform=transform, batch_size=batch_train, databases=databases, solver_file=solver_file,
        parameters=net.num_parameters, log_file=LOG_FILE, begun=begun,
    )  # fmt: skip
    validation = None
    if fed.val is not None:
        validation = Validation(frames=fed.val, transform=transform, kind=fed.kind, batch_size=batch_val)
    return KerasRun(
        **fed.course, net=net, source=fed.source, optimizer=optimizer_of(spec), validation=validation,
        iter_size=spec.batch_accumulation or 1, class_weights=_class_weights(job, definition, databases[0]),
    )  # fmt: skip


def _class_weights(job: Training, definition: KerasDefinition, train: Records) -> NDArray[np.float32] | None:
    weights = job.class_weights(train)
    if weights is not None and LOSSES not in definition.training.output:
        job.warn(
            "Class weights do not count: the network's own loss gives one number.",
            "Let it give one for each picture, as digits.classification_loss does, or choose balanced sampling.",
        )
        return None
    return weights


def _copy(job: Training, net: KerasNet) -> None:
    """Copy the weights that the training begins with, if any."""
    if not Beginning.read(job.folder).weights:
        return
    log = CaffeLog(job.folder.path / LOG_FILE)
    copy_weights(net, job.folder, job.emit, log, read_weights)
    log.close()


def _write_facts(job: Training, definition: KerasDefinition, net: KerasNet, crop_px: int) -> None:
    rows = [{name: value for name, value in row.items() if name != "above"} for row in layer_rows(definition)]
    parts.write_facts(
        job, name=definition.name, parameters=net.num_parameters, layers=rows, crop_size=crop_px, data_blob=DATA
    )
