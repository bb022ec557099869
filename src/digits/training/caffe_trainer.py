"""A Caffe network made ready to train: DIGITS' rules, its files in the job folder, networks, data. Then ``loop.train``."""

from __future__ import annotations

import math
import shutil
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from digits.caffeproto.caffe_pb2 import LayerParameter, NetParameter, SolverParameter
from digits.core.beginning import Beginning
from digits.core.errors import TrainingError
from digits.core.events import Emit, Warned
from digits.core.files import write_json, write_text
from digits.core.jobfolder import JobFolder
from digits.core.metrics import MetricsWriter
from digits.core.trainspec import CustomNetwork, PreviousNetwork, StandardNetwork, TrainSpec
from digits.core.work import StopCheck, StoppedError, WorkerSettings
from digits.data.reader import DatasetReader
from digits.networks.caffe import data_layers
from digits.networks.caffe import definition as rules
from digits.networks.caffe.build import build
from digits.networks.caffe.definition import CaffeDefinition
from digits.networks.caffe.net import CaffeNet
from digits.networks.caffe.solver_text import solver, solver_text
from digits.networks.standard import standard_text
from digits.training import devices, loop, snapshots
from digits.training.caffe_deploy import DEPLOY_FILE, placed, python_layers_of
from digits.training.caffe_finetune import copy_weights
from digits.training.caffe_transform import TRAIN_VAL_FILE, transform_of
from digits.training.caffelog import CaffeLog
from digits.training.dataset import LABELS_FILE, MEAN_FILE, Dataset, mean_of
from digits.training.inference import MODEL_FILE, ModelFacts
from digits.training.policies import Schedule
from digits.training.reporting import Report
from digits.training.run import Run, TestSet, choose_seed, snapshot_to_go_on_from
from digits.training.solvers import make_solver
from digits.training.sources import Frames, TrainingSource, load_frames
from digits.training.targets import target
from digits.training.transform import Transform

ORIGINAL_FILE, SOLVER_FILE = "original.prototxt", "solver.prototxt"
NETWORK_FILE = "network.json"
LOG_FILE = "caffe_output.log"


def train(spec: TrainSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck) -> dict[str, Any]:
    """Train the model of the job ``folder`` and return its facts.

    Raises:
        StoppedError: it was asked to stop, and a snapshot is on disk.
        DigitsError: the network, the dataset or the training cannot be used, in words.
    """
    with devices.denormals_flushed(), python_layers_of(folder, allowed=settings.python_layers):
        snapshot = snapshot_to_go_on_from(folder)
        begun = snapshots.read_facts(snapshot).epoch if snapshot else 0.0
        run = prepare(spec, folder, settings, emit, stop, begun=begun)
        try:
            run.begin(snapshot)
            if not run.first_step:
                assert isinstance(run.net, CaffeNet)
                copy_weights(run.net, folder, emit, run.log)
            return loop.train(run)
        finally:
            run.close()


def prepare(
    spec: TrainSpec, folder: JobFolder, settings: WorkerSettings, emit: Emit, stop: StopCheck, *, begun: float = 0.0
) -> Run:
    """Build the networks, write the files that DIGITS users know, and decode the pictures; ``begun`` epochs are done already."""
    device = devices.choose_device(spec.device, settings.device)
    dataset = Dataset.open(folder, spec.dataset)
    definition = _definition(spec, folder, dataset)
    compiled = spec.compile_model and _can_compile(definition, device, emit)
    for warning in definition.warnings:
        emit(Warned(message=warning))
    train_reader = dataset.reader("train")
    test_reader = dataset.reader("val") if definition.val is not None else None
    solver_file = solver(
        spec, num_train=len(train_reader), num_val=len(test_reader) if test_reader else 0,
        batch_train=definition.batch_size_train, batch_val=definition.batch_size_val,
    )  # fmt: skip
    _write_texts(folder, definition, solver_file)

    seed = choose_seed(folder, spec)
    devices.seed_everything(seed)
    train_side = _Side(definition.train, "TRAIN", definition.batch_size_train, folder, dataset, device)
    net = train_side.build(seed=seed, compiled=compiled)
    steps_per_epoch = math.ceil(len(train_reader) / definition.batch_size_train)
    facts = {
        "content_hash": dataset.facts.get("content_hash"),
        "parameters": net.num_parameters,
        "iterations": solver_file.max_iter,
        "steps_per_epoch": steps_per_epoch,
        "batch_size": definition.batch_size_train,
        "device": device.type,
        "seed": seed,
    }
    _write_facts(spec, folder, dataset, definition, net)
    metrics = MetricsWriter(folder.metrics)
    report = Report(emit, metrics, steps_per_epoch=steps_per_epoch, epochs=spec.train_epochs, facts=facts, begun=begun)
    kind = target(train_reader.target_kind)

    test = None
    if test_reader is not None and definition.val is not None and spec.val_interval:
        side = _Side(definition.val, "TEST", definition.batch_size_val, folder, dataset, device)
        test_net = side.build(seed=seed, share=net, compiled=compiled)
        frames = _frames(dataset, "val", test_reader, report, stop)
        test = TestSet(test_net, frames, side.transform, side.batch_size, side.data_blob, side.target_blob)
    source = TrainingSource(
        _frames(dataset, "train", train_reader, report, stop), train_side.transform, kind.collate,
        batch_size=train_side.batch_size, seed=seed, shuffle=spec.shuffle,
    )  # fmt: skip
    return Run(
        spec=spec, folder=folder, emit=emit, stop=stop, device=device, seed=seed, kind=kind, net=net, test=test,
        source=source, data_blob=train_side.data_blob, target_blob=train_side.target_blob,
        solver=make_solver(solver_file, net.parameters), schedule=Schedule.from_solver(solver_file),
        batch_size=train_side.batch_size, max_iter=solver_file.max_iter, display=solver_file.display,
        test_interval=solver_file.test_interval, snapshot_interval=solver_file.snapshot, report=report,
        metrics=metrics, log=CaffeLog(folder.path / LOG_FILE), facts=facts,
    )  # fmt: skip


@dataclass(frozen=True)
class _Side:
    """The training or the validation network with what feeds it."""

    message: NetParameter
    phase: Literal["TRAIN", "TEST"]
    batch_size: int
    folder: JobFolder
    dataset: Dataset
    device: torch.device

    @property
    def layer(self) -> LayerParameter:
        """The data layer."""
        return data_layers.data_layer_of(self.message)

    @property
    def data_blob(self) -> str:
        """The blob of the pictures."""
        return self.layer.top[0]

    @property
    def target_blob(self) -> str:
        """The blob of the answers; of no use where the network takes none."""
        return self.layer.top[1] if len(self.layer.top) > 1 else ""

    @property
    def answer_shape(self) -> tuple[int, ...]:
        """The shape of one picture's answer: one number for a class, else a row of classes or numbers."""
        return () if self.dataset.facts.get("target_kind", "class") == "class" else (len(self.dataset.labels),)

    @property
    def transform(self) -> Transform:
        """What the data layer does to pictures."""
        return transform_of(self.layer.transform_param, self.folder.path, device=self.device)

    def build(self, *, seed: int, share: CaffeNet | None = None, compiled: bool = False) -> CaffeNet:
        """Build the network on the device; with ``share`` it has the weights of that one."""
        channels, height, width = self.dataset.size
        side_px = self.layer.transform_param.crop_size
        data = (self.batch_size, channels, side_px or height, side_px or width)
        answers = (self.batch_size, *self.answer_shape)
        inputs = dict(zip(self.layer.top, (data, answers), strict=False))
        generator = torch.Generator().manual_seed(seed)
        net = build(self.message, inputs, phase=self.phase, where=ORIGINAL_FILE, generator=generator, share=share)
        return placed(net, self.device, compiled=compiled)


def _frames(dataset: Dataset, db: str, reader: DatasetReader, report: Report, stop: StopCheck) -> Frames:
    """Decode a database; may be stopped meanwhile."""

    def reading(done: int, total: int) -> None:
        if stop():
            raise StoppedError("Stopped before the training began.")
        report.reading(done, total)

    return load_frames(reader, cache=dataset.cache, key=dataset.key(db), progress=reading)


def _can_compile(definition: CaffeDefinition, device: torch.device, emit: Emit) -> bool:
    """Return whether the network can be compiled; say why not."""
    if any(layer.type == "Python" for layer in definition.train.layer):
        emit(Warned(message="The network is not compiled: it has layers written in Python."))
        return False
    if not devices.can_compile(device):
        emit(Warned(message="The network is not compiled: no C++ compiler was found.", hint="Install g++ or clang++."))
        return False
    return True


def _definition(spec: TrainSpec, folder: JobFolder, dataset: Dataset) -> CaffeDefinition:
    """Apply DIGITS' rules to the network that was chosen; labels and the mean picture are copied beside it first."""
    for name in (LABELS_FILE, MEAN_FILE):
        if (dataset.folder.path / name).is_file():
            shutil.copyfile(dataset.folder.path / name, folder.path / name)
    if not dataset.has("train"):
        raise TrainingError("The dataset has no training pictures.", hint="Build the dataset anew.")
    mean = mean_of(folder.path / MEAN_FILE, spec.use_mean)
    channels, height, width = dataset.size
    return rules.prepare(
        _text(spec, folder), where=ORIGINAL_FILE, num_classes=len(dataset.labels), channels=channels, height=height, width=width,
        crop_size=spec.crop_size, batch_size=spec.batch_size, use_mean=spec.use_mean,
        mean_values=mean.flatten().tolist() if mean is not None and spec.use_mean == "pixel" else (),
        mean_file=MEAN_FILE, train_db=str(dataset.database("train")), backend=dataset.backend,
        val_db=str(dataset.database("val")) if dataset.has("val") else None,
        one_class=dataset.facts.get("target_kind", "class") == "class",
    )  # fmt: skip


def _text(spec: TrainSpec, folder: JobFolder) -> str:
    match spec.network:
        case StandardNetwork(name=name):
            return standard_text(name)
        case CustomNetwork(text=text):
            return text
        case PreviousNetwork():
            return Beginning.read(folder).text


def _write_texts(folder: JobFolder, definition: CaffeDefinition, solver_file: SolverParameter) -> None:
    """Write the four files that DIGITS users know."""
    texts = {
        ORIGINAL_FILE: definition.original_text, TRAIN_VAL_FILE: definition.train_val_text,
        DEPLOY_FILE: definition.deploy_text, SOLVER_FILE: solver_text(solver_file, net=TRAIN_VAL_FILE),
    }  # fmt: skip
    for name, text in texts.items():
        write_text(folder.path / name, text)


def _write_facts(
    spec: TrainSpec, folder: JobFolder, dataset: Dataset, definition: CaffeDefinition, net: CaffeNet
) -> None:
    """Write the table of layers for the page, and what the model needs to answer without its dataset."""
    layers = [asdict(layer) for layer in net.layers]
    write_json(folder.path / NETWORK_FILE, {"name": net.name, "parameters": net.num_parameters, "layers": layers})
    channels, height, width = dataset.size
    facts = ModelFacts(
        target_kind=dataset.facts["target_kind"], channels=channels, height=height, width=width,
        resize_mode=dataset.facts["resize_mode"], seed=dataset.facts.get("random_seed", 0), use_mean=spec.use_mean,
        crop_size=definition.crop_size or 0, data_blob=definition.deploy.layer[0].top[0],
    )  # fmt: skip
    write_json(folder.path / MODEL_FILE, asdict(facts))
