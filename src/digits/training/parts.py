"""What the trainer of any framework makes a ``Run`` of: the dataset's files, the decoded pictures, the facts, and the loop around it all."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.caffeproto.caffe_pb2 import SolverParameter
from digits.core.balance import unbalanced
from digits.core.beginning import Beginning
from digits.core.errors import TrainingError
from digits.core.events import Emit, Warned
from digits.core.extensions import FrameworkExtension, extension, load
from digits.core.files import write_json
from digits.core.jobfolder import JobFolder
from digits.core.metrics import MetricsWriter, NoMetrics
from digits.core.trainspec import CustomNetwork, LentNetwork, StandardNetwork, TrainSpec
from digits.core.work import StopCheck, StoppedError, WorkerSettings
from digits.data.reader import Records, TargetKind
from digits.networks.caffe.solver_text import solver
from digits.training import course, devices, ranks
from digits.training.augment import Augmenter
from digits.training.balance import class_weights, pixel_weights
from digits.training.caffelog import CaffeLog
from digits.training.course import choose_seed
from digits.training.dataset import LABELS_FILE, MEAN_FILE, Dataset
from digits.training.frames import Pictures, load_frames
from digits.training.loop import TorchRun
from digits.training.modelfacts import MODEL_FILE, ModelFacts
from digits.training.policies import Schedule
from digits.training.reporting import Report
from digits.training.run import Network, Run, TestSet
from digits.training.solvers import make_solver
from digits.training.sources import TrainingSource
from digits.training.targets import Answers, Target, target
from digits.training.tensorboard import FOLDER as TENSORBOARD
from digits.training.tensorboard import TensorBoardMetrics
from digits.training.transform import Transform
from digits.training.world import ALONE, World

NETWORK_FILE = "network.json"


@dataclass
class Training:
    """A training that was asked for, and what is around it."""

    spec: TrainSpec
    folder: JobFolder
    settings: WorkerSettings
    emit: Emit
    stop: StopCheck
    world: World = ALONE

    def __post_init__(self) -> None:
        self.device = devices.choose_device(self.spec.device, self.settings.device)
        self.dataset = Dataset.open(self.folder, self.spec.dataset)
        self.seed = choose_seed(self.folder, self.spec)
        if not self.dataset.has("train"):
            raise TrainingError("The dataset has no training pictures.", hint="Build the dataset anew.")
        if problem := unbalanced(self.spec.class_balance, self.target_kind):
            raise TrainingError(problem, hint="Choose another class balance.")

    @property
    def target_kind(self) -> TargetKind:
        """What the dataset's pictures are answered with."""
        found: TargetKind = self.dataset.facts.get("target_kind", "class")
        return found

    def class_weights(self, train: Records) -> NDArray[np.float32] | None:
        """Return what each class's loss is multiplied by, None for nothing."""
        if self.spec.class_balance != "weights":
            return None
        if self.target_kind == "class":
            return class_weights(train.targets(), len(self.dataset.labels))
        found = self.dataset.facts["dbs"]["train"]
        return pixel_weights(found["class_pixels"], found["class_counts"])

    def text(self) -> str:
        """Return the network's definition."""
        match self.spec.network:
            case StandardNetwork(name=name):
                framework: FrameworkExtension = extension("frameworks", self.spec.framework)
                found: str = load(framework.standard)(name)
                return found
            case CustomNetwork(text=text):
                return text
            case LentNetwork():
                return Beginning.read(self.folder).text

    def keep_dataset_files(self) -> None:
        """Copy labels and the mean picture beside the network; of several processes the leader does it."""
        if not self.world.leads:
            return
        for name in (LABELS_FILE, MEAN_FILE):
            if (self.dataset.folder.path / name).is_file():
                shutil.copyfile(self.dataset.folder.path / name, self.folder.path / name)

    def warn(self, message: str, hint: str = "") -> None:
        """Tell a person something that the training goes on with."""
        self.emit(Warned(message=message, hint=hint))

    def can_compile(self) -> bool:
        """Return whether networks are to be compiled; say why not where that was asked for."""
        if not self.spec.compile_model:
            return False
        if not devices.can_compile(self.device):
            self.warn("The network is not compiled: no C++ compiler was found.", "Install g++ or clang++.")
            return False
        return True


@dataclass(frozen=True)
class Side:
    """The network in training or in validation, with what feeds it."""

    net: Network
    transform: Transform
    batch_size: int
    data_blob: str
    target_blob: str


def readers(job: Training, *, validates: bool) -> tuple[Records, Records | None]:
    """Return the training's database and, where there is something to validate with, that of validation."""
    train = job.dataset.reader("train")
    return train, job.dataset.reader("val") if validates and job.dataset.has("val") else None


def solver_file(
    job: Training,
    train: Records,
    val: Records | None,
    *,
    batch_train: int,
    batch_val: int,
    solver_type: str | None = None,
) -> SolverParameter:
    """Return the solver with its intervals in iterations; every framework's schedule is worked out by it.

    ``solver_type``, where given, is Caffe's solver in the place of one that Caffe has not.
    """
    made = solver(
        job.spec, num_train=len(train), num_val=len(val) if val else 0, batch_train=batch_train, batch_val=batch_val,
        solver_type=solver_type,
    )  # fmt: skip
    weight_decay = extension("frameworks", job.spec.framework).weight_decay
    if weight_decay is not None and job.spec.solver_type != "ADAMW":  # its decay is of another kind
        made.weight_decay = weight_decay
    return made


def write_facts(
    job: Training,
    *,
    name: str,
    parameters: int,
    layers: Sequence[dict[str, Any]],
    crop_size: int,
    data_blob: str,
) -> None:
    """Write ``network.json``, the table of layers, and ``model.json``, what answering needs to know of the dataset."""
    if not job.world.leads:
        return
    write_json(job.folder.path / NETWORK_FILE, {"name": name, "parameters": parameters, "layers": list(layers)})
    found = job.dataset.facts
    channels, height, width = job.dataset.size
    facts = ModelFacts(
        target_kind=found["target_kind"], channels=channels, height=height, width=width,
        resize_mode=found["resize_mode"] or "squash", seed=found.get("random_seed", 0), use_mean=job.spec.use_mean,
        crop_size=crop_size, data_blob=data_blob, whitening=job.spec.augmentation.whitening,
        ignore_label=found.get("ignore_label"), palette=found.get("palette"),
    )  # fmt: skip
    write_json(job.folder.path / MODEL_FILE, asdict(facts))


@dataclass(frozen=True)
class Fed:
    """What a training sees, and how it tells of it."""

    kind: Target
    source: TrainingSource
    val: Pictures | None
    course: Mapping[str, Any]
    """Fields of ``Course``."""


def feed(
    job: Training,
    *,
    transform: Transform,
    batch_size: int,
    databases: tuple[Records, Records | None],
    solver_file: SolverParameter,
    parameters: int,
    log_file: str,
    begun: float,
) -> Fed:
    """Decode the pictures; ``begun`` epochs are done already."""
    train, val = databases
    if batch_size < job.world.size:
        raise TrainingError(
            f"A batch of {batch_size} pictures is too small for {job.world.size} GPUs: each of them learns a part of it.",
            hint="Choose a larger batch size, or fewer GPUs.",
        )
    if train.sample_shape is None and batch_size != 1:
        raise TrainingError(
            "The pictures of the dataset differ in size, so the batch size must be 1.",
            hint="Set the batch size to 1 and let gradients add up over several (Batch Accumulation), or build the dataset with one size.",
        )
    steps_per_epoch = math.ceil(len(train) / batch_size)
    facts = {
        "content_hash": job.dataset.facts.get("content_hash"),
        "parameters": parameters,
        "iterations": solver_file.max_iter,
        "steps_per_epoch": steps_per_epoch,
        "batch_size": batch_size,
        "device": job.device.type,
        "seed": job.seed,
    }
    if not job.world.is_alone:
        facts["processes"] = job.world.size
    metrics = _metrics(job)
    report = Report(
        job.emit, metrics, steps_per_epoch=steps_per_epoch, epochs=job.spec.train_epochs, facts=facts, begun=begun
    )
    val_frames = _frames(job, "val", val, report) if val is not None else None
    kind = target(train.target_kind, Answers.of(job.dataset.facts, rgb=transform.rgb))
    source = TrainingSource(
        _frames(job, "train", train, report), transform, kind.collate,
        batch_size=batch_size, seed=job.seed, shuffle=job.spec.shuffle, balanced=job.spec.class_balance == "sampling",
        augmenter=_augmenter(job, transform.crop_px), move=kind.move, unit=kind.unit, world=job.world,
    )  # fmt: skip
    course = {
        "spec": job.spec, "folder": job.folder, "emit": job.emit, "seed": job.seed,
        "world": job.world, "stop": lambda: job.world.any(job.stop()),
        "schedule": Schedule.from_solver(solver_file), "batch_size": batch_size, "max_iter": solver_file.max_iter,
        "display": solver_file.display, "test_interval": solver_file.test_interval, "snapshot_interval": solver_file.snapshot,
        "report": report, "metrics": metrics, "log": CaffeLog(job.folder.path / log_file if job.world.leads else Path(os.devnull)), "facts": facts,
    }  # fmt: skip
    return Fed(kind, source, val_frames, course)


def assemble(
    job: Training,
    train: Side,
    val: Side | None,
    *,
    databases: tuple[Records, Records | None],
    solver_file: SolverParameter,
    parameters: int,
    log_file: str,
    begun: float,
) -> Run:
    """Decode the pictures, and return the training by torch, ready to begin; ``begun`` epochs are done already."""
    fed = feed(
        job, transform=train.transform, batch_size=train.batch_size, solver_file=solver_file,
        databases=databases if val is not None else (databases[0], None),
        parameters=parameters, log_file=log_file, begun=begun,
    )  # fmt: skip
    test = None
    if val is not None and fed.val is not None:
        test = TestSet(val.net, fed.val, val.transform, val.batch_size, val.data_blob, val.target_blob)
    return TorchRun(
        **fed.course, device=job.device, kind=fed.kind, net=train.net, test=test, source=fed.source,
        data_blob=train.data_blob, target_blob=train.target_blob, solver=make_solver(solver_file, train.net.parameters),
    )  # fmt: skip


def go(
    folder: JobFolder,
    settings: WorkerSettings,
    prepare: Callable[[float, World], course.Course],
    first: Callable[[Any], object],
) -> dict[str, Any]:
    """Train from where the job stands to the end.

    Args:
        folder: the job's.
        settings: say which other processes train with this one.
        prepare: makes the training, told how many epochs are done already, and by whom it is done together.
        first: called before the first step of a training that begins anew; of several processes in the leader alone.

    Raises:
        StoppedError: it was asked to stop, and a snapshot is on disk.
        DigitsError: the network, the dataset or the training cannot be used, in words.
    """
    with devices.denormals_flushed(), ranks.joined(settings) as world:
        return course.go(folder, lambda begun: prepare(begun, world), first, world)


def _augmenter(job: Training, crop_px: int) -> Augmenter | None:
    spec = job.spec.augmentation
    return Augmenter(spec, seed=job.seed, device=job.device, crop_px=crop_px) if spec.varies else None


def _metrics(job: Training) -> MetricsWriter:
    if not job.world.leads:
        return NoMetrics()
    if job.spec.tensorboard:
        return TensorBoardMetrics(job.folder.metrics, job.folder.path / TENSORBOARD)
    return MetricsWriter(job.folder.metrics)


def _frames(job: Training, db: str, reader: Records, report: Report) -> Pictures:
    """Decode a database; may be stopped meanwhile."""

    def reading(done: int, total: int) -> None:
        if job.stop():
            raise StoppedError("Stopped before the training began.")
        report.reading(done, total)

    # Several processes read one file, which the system keeps in memory once for all of them.
    budget_bytes = None if job.world.is_alone else 0
    return load_frames(
        reader, cache=job.dataset.cache, key=job.dataset.key(db), budget_bytes=budget_bytes, progress=reading
    )
