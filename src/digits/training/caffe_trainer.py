"""A Caffe network made ready to train: DIGITS' rules, its files in the job folder, both networks on the device. Then ``parts.go``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

import torch

from digits.caffeproto.caffe_pb2 import LayerParameter, NetParameter, SolverParameter
from digits.caffeproto.files import read_weights_file
from digits.core.errors import TrainingError
from digits.core.events import Emit
from digits.core.files import write_text
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import StandardNetwork, TrainSpec
from digits.core.work import StopCheck, WorkerSettings
from digits.data.reader import Records
from digits.networks.caffe import data_layers
from digits.networks.caffe import definition as rules
from digits.networks.caffe.answering import answering
from digits.networks.caffe.build import build
from digits.networks.caffe.definition import CaffeDefinition
from digits.networks.caffe.net import CaffeNet
from digits.networks.caffe.solver_text import solver_text
from digits.networks.caffe.weighing import can_weigh, show_scores, weigh
from digits.training import caffe_boxes, devices, parts
from digits.training.caffe_deploy import DEPLOY_FILE, placed, python_layers_of
from digits.training.caffe_transform import TRAIN_VAL_FILE, transform_of
from digits.training.dataset import MEAN_FILE
from digits.training.finetune import copy_weights
from digits.training.mean import mean_of
from digits.training.outputs import SCORES
from digits.training.parts import Side, Training
from digits.training.run import Run
from digits.training.world import ALONE, World

ORIGINAL_FILE, SOLVER_FILE = "original.prototxt", "solver.prototxt"
LOG_FILE = "caffe_output.log"


def train(spec: TrainSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck) -> dict[str, Any]:
    """Train the model of the job ``folder`` and return its facts.

    Raises:
        StoppedError: it was asked to stop, and a snapshot is on disk.
        DigitsError: the network, the dataset or the training cannot be used, in words.
    """

    def first(run: Run) -> None:
        assert isinstance(run.net, CaffeNet)
        copy_weights(run.net, folder, emit, run.log, read_weights_file)

    with python_layers_of(folder, allowed=settings.python_layers):
        return parts.go(
            folder,
            settings,
            lambda begun, world: prepare(spec, folder, settings, emit, stop, begun=begun, world=world),
            first,
        )


def prepare(
    spec: TrainSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck, *, begun: float = 0.0,
    world: World = ALONE,
) -> Run:  # fmt: skip
    """Build the networks, write the files that DIGITS users know, and decode the pictures; ``begun`` epochs are done already."""
    job = Training(spec, folder, settings, emit, stop, world)
    definition = _definition(job)
    compiled = job.can_compile() and not _has_python(job, definition)
    for warning in definition.warnings:
        job.warn(warning)
    if job.target_kind == "boxes":
        caffe_boxes.check_classes(job, definition.train)
    databases = parts.readers(job, validates=definition.val is not None)
    solver_file = parts.solver_file(
        job, *databases, batch_train=definition.batch_size_train, batch_val=definition.batch_size_val
    )
    if world.leads:
        _write_texts(folder, definition, solver_file)

    _weigh(job, definition, databases[0])
    devices.seed_everything(job.seed)
    net, train = _side(job, definition.train, "TRAIN", definition.batch_size_train, compiled=compiled)
    parts.write_facts(
        job, name=net.name, parameters=net.num_parameters, layers=[asdict(layer) for layer in net.layers],
        crop_size=definition.crop_size or 0, data_blob=definition.deploy.layer[0].top[0],
    )  # fmt: skip
    val = None
    if databases[1] is not None and definition.val is not None and spec.val_interval:
        _, val = _side(job, definition.val, "TEST", definition.batch_size_val, share=net, compiled=compiled)
    return parts.assemble(
        job, train, val, databases=databases, solver_file=solver_file, parameters=net.num_parameters, log_file=LOG_FILE, begun=begun
    )  # fmt: skip


def _side(
    job: Training, message: NetParameter, phase: Literal["TRAIN", "TEST"], batch_size: int, *, compiled: bool, share: CaffeNet | None = None
) -> tuple[CaffeNet, Side]:  # fmt: skip
    """Build a network on the device with what feeds it; with ``share`` it has the weights of that one."""
    layer: LayerParameter = data_layers.data_layer_of(message)
    channels, height, width = job.dataset.size
    side_px = layer.transform_param.crop_size
    size = (side_px or height, side_px or width)
    label_shape: list[int] = job.dataset.facts.get("label_shape") or []
    planes = label_shape[2] if len(label_shape) == 3 else channels
    answer = data_layers.answer_shape(job.target_kind, len(job.dataset.labels), size, planes)
    inputs = data_layers.inputs_of(message, (batch_size, channels, *size), answer)
    target_blob = next(iter(list(inputs)[1:]), "")
    has_boxes = job.target_kind == "boxes" and bool(target_blob)
    if phase == "TEST" and has_boxes:
        caffe_boxes.show_lists(message)
    elif phase == "TEST" and target_blob:
        show_scores(message, target_blob, SCORES)
    generator = torch.Generator().manual_seed(job.seed)
    net = build(message, inputs, phase=phase, where=ORIGINAL_FILE, generator=generator, share=share)
    transform = transform_of(
        layer.transform_param, job.folder.path, device=job.device, whiten=job.spec.augmentation.whitening
    )
    net = placed(net, job.device, compiled=compiled)
    if has_boxes:
        caffe_boxes.feed_tables(net, target_blob, job.dataset.facts)
    return net, Side(net, transform, batch_size, layer.top[0], target_blob)


def _weigh(job: Training, definition: CaffeDefinition, train: Records) -> None:
    """Put class weights into the training's losses if they are asked for; validation stays as it is.

    Raises:
        TrainingError: the network has no loss that takes them.
    """
    weights = job.class_weights(train)
    if weights is None:
        return
    if not can_weigh(definition.train):
        raise TrainingError(
            "Class weights count in a SoftmaxWithLoss, and this network has none.", hint="Choose balanced sampling."
        )
    labels = list(data_layers.inputs_of(definition.train, (1,), ()))[1]
    if others := weigh(definition.train, weights.tolist(), labels):
        job.warn(
            f"Class weights do not count in {', '.join(others)}.", "They count in each SoftmaxWithLoss of the labels."
        )


def _has_python(job: Training, definition: CaffeDefinition) -> bool:
    """Return whether layers are written in Python, and so nothing can be compiled; say so."""
    found = any(layer.type == "Python" for layer in definition.train.layer)
    if found:
        job.warn("The network is not compiled: it has layers written in Python.")
    return found


def _definition(job: Training) -> CaffeDefinition:
    """Apply DIGITS' rules to the network that was chosen; labels and the mean picture are copied beside it first."""
    job.keep_dataset_files()
    spec, dataset = job.spec, job.dataset
    mean = mean_of(job.folder.path / MEAN_FILE, spec.use_mean)
    channels, height, width = dataset.size
    text = answering(job.text(), job.target_kind) if isinstance(spec.network, StandardNetwork) else job.text()
    return rules.prepare(
        text, where=ORIGINAL_FILE, num_classes=len(dataset.labels), channels=channels, height=height, width=width,
        crop_size=spec.crop_size, batch_size=spec.batch_size, use_mean=spec.use_mean,
        mean_values=mean.flatten().tolist() if mean is not None and spec.use_mean == "pixel" else (),
        mean_file=MEAN_FILE, train_db=str(dataset.database("train")), backend=dataset.backend,
        val_db=str(dataset.database("val")) if dataset.has("val") else None,
        target_kind=job.target_kind, ignore_label=dataset.facts.get("ignore_label"),
    )  # fmt: skip


def _write_texts(folder: JobFolder, definition: CaffeDefinition, solver_file: SolverParameter) -> None:
    """Write the four files that DIGITS users know."""
    texts = {
        ORIGINAL_FILE: definition.original_text, TRAIN_VAL_FILE: definition.train_val_text,
        DEPLOY_FILE: definition.deploy_text, SOLVER_FILE: solver_text(solver_file, net=TRAIN_VAL_FILE),
    }  # fmt: skip
    for name, text in texts.items():
        write_text(folder.path / name, text)
