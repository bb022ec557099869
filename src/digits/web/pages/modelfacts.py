"""What is known of a training: its numbers, the facts beside its curves, its snapshots with the best one, and a word on its health."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digits.core.extensions import FrameworkExtension, installed
from digits.core.files import folder_bytes
from digits.core.states import JobState
from digits.core.trainspec import MEANS
from digits.web.pages import joblists, words

if TYPE_CHECKING:
    from digits.store import Job, SnapshotRow, Task

POLICIES = {
    "fixed": "Fixed", "step": "Step Down", "multistep": "Step Down (arbitrary steps)", "exp": "Exponential Decay",
    "inv": "Inverse Decay", "poly": "Polynomial Decay", "sigmoid": "Sigmoid Decay",
}  # fmt: skip
LOWER_RATE = "Try decreasing your learning rate"
STUCK_MARGIN = 1.25
"""Accuracy below so many times that of guessing, after two validations, is worth a word."""


@dataclass(frozen=True)
class Run:
    """A training in numbers; None where nothing is known yet."""

    epochs: int
    epoch: float
    step: int | None
    iterations: int | None
    steps_per_epoch: int | None
    parameters: int | None
    batch_size: int | None
    rate: float | None
    done_at: float | None


@dataclass(frozen=True)
class SnapshotLine:
    """A row of the table of snapshots."""

    epoch: str
    values: list[str]
    size: str
    latest: bool
    best: bool


@dataclass(frozen=True)
class Snapshots:
    """The table of snapshots, newest first; ``heads`` names its measured columns."""

    heads: list[str]
    rows: list[SnapshotLine]


@dataclass(frozen=True)
class Word:
    """Something about the training that a person should know, and what to do."""

    kind: str
    fact: str
    text: str


def run_of(job: Job, tasks: Sequence[Task]) -> Run:
    """Return the numbers of a training from what its worker said last."""
    known: dict[str, Any] = dict(job.facts)
    for task in tasks:  # what was said last: a resumed training may have another end than when it was Done
        known |= task.facts
    epochs = int(job.spec.get("train_epochs", 0))
    done = job.state is JobState.DONE
    epoch = float(epochs) if done else next((task.done for task in tasks if task.total), job.progress * epochs)
    iterations = known.get("iterations")
    step = iterations if done else known.get("step")
    per_epoch = known.get("steps_per_epoch")
    if step is None and per_epoch:
        step = round(epoch * per_epoch)
    eta = job.eta_s
    return Run(
        epochs, epoch, step, iterations, per_epoch, known.get("parameters"), known.get("batch_size"),
        job.rate if job.state is JobState.RUNNING else None, None if eta is None else time.time() + eta,
    )  # fmt: skip


def network_title(spec: dict[str, Any]) -> str:
    """Return "LeNet", or "Custom"."""
    from digits.networks.standard import standard_networks

    network = spec.get("network") or {}
    name = str(network.get("name", ""))
    card = standard_networks(suffix=None).get(name)
    return card.title if card else str(network.get("method", "")).capitalize()


def facts_of(job: Job, run: Run) -> list[tuple[str, str]]:
    """Return the rows under "Job information"."""
    rows = [("Framework", joblists.framework(job)), ("Network", network_title(job.spec))]
    if run.parameters:
        rows.append(("Parameters", words.commas(run.parameters)))
    rows.append(("Device", joblists.device(job)))
    rows.append(("Disk size", words.size(folder_bytes(job.folder.path))))
    return rows


def dataset_rows(job: Job, dataset: Job | None) -> list[tuple[str, str]]:
    """Return the rows under "Dataset"."""
    rows = []
    if dataset is not None and dataset.facts:
        image = dataset.facts["image"]
        kind = "grayscale" if image["channels"] == 1 else "color"
        rows.append(("Size", f"{image['width']} × {image['height']}, {kind}"))
        titles = {"train": "Training", "val": "Validation", "test": "Testing"}
        rows += [(titles.get(name, name), words.commas(db["entries"])) for name, db in dataset.facts["dbs"].items()]
    content = str((dataset.facts.get("content_hash") if dataset else "") or job.facts.get("content_hash", ""))
    rows.append(("Content", words.brief_hash(content)))
    rows.append(("Mean", MEANS.get(str(job.spec.get("use_mean")), "")))
    if job.spec.get("crop_size"):
        rows.append(("Crop", f"{job.spec['crop_size']} × {job.spec['crop_size']}"))
    return [(name, value) for name, value in rows if value]


def solver_rows(job: Job, run: Run) -> list[tuple[str, str]]:
    """Return the rows under "Solver"."""
    spec = job.spec
    batch = run.batch_size or spec.get("batch_size")
    rows = [
        ("Type", str(spec.get("solver_type", ""))),
        ("Epochs", words.commas(run.epochs)),
        (
            "Batch size",
            f"{batch}" + (f" × {spec['batch_accumulation']}" if spec.get("batch_accumulation") else "")
            if batch
            else "network's",
        ),
        ("Base learning rate", words.plain(spec.get("learning_rate"))),
        ("Policy", policy_text(spec.get("lr") or {})),
        ("Snapshot every", _every(spec.get("snapshot_interval"), "at the end")),
        ("Validation every", _every(spec.get("val_interval"), "never")),
        ("Random seed", str(spec["random_seed"]) if spec.get("random_seed") is not None else "none"),
    ]
    return [(name, value) for name, value in rows if value]


def policy_text(policy: dict[str, Any]) -> str:
    """Return "step, 33 %, gamma 0.1"."""
    parts = [str(policy.get("policy", ""))]
    for name, value in policy.items():
        if name == "size" or (name == "step" and value is not None):
            parts.append(f"{words.plain(value)} %")
        elif name == "values":
            parts.append(f"{value} %")
        elif name != "policy":
            parts.append(f"{name} {words.plain(value)}")
    return ", ".join(parts)


def _every(interval: Any, never: str) -> str:
    if not interval:
        return never
    return f"{words.plain(interval)} epoch{'s' if interval > 1 else ''}"


def snapshots_of(rows: Sequence[SnapshotRow]) -> Snapshots:
    """Return the table of snapshots, newest first, with the best by validation accuracy, else by validation loss."""
    names = sorted(
        {name for row in rows for name in row.metrics if name.endswith("/val")},
        key=lambda name: ("loss" not in name, name),
    )
    names = names[:4]
    best = best_of(rows)
    lines = [
        SnapshotLine(
            epoch=words.epoch(row.epoch),
            values=[_value(name, row.metrics.get(name)) for name in names],
            size=words.size(row.bytes),
            latest=row is rows[-1],
            best=row is best,
        )
        for row in reversed(rows)
    ]
    heads = [joblists.series_title(name) + (", %" if joblists.is_accuracy(name) else "") for name in names]
    return Snapshots(heads, lines)


EXPORTS = {
    "caffemodel": ("Caffe, OpenCV", "caffemodel and prototxt, in a zip"),
    "onnx": ("ONNX", "for ONNX Runtime, TensorRT, OpenVINO"),
    "pt2": ("PyTorch", "torch.export (.pt2); needs torch alone"),
    "safetensors": ("safetensors", "weights, with the network's text"),
}
"""What formats are called, and what they are for."""


def exports_of(job: Job) -> list[tuple[str, str, str]]:
    """Return the formats in which a model can go out: name in the address, title, remark."""
    framework: FrameworkExtension | None = installed("frameworks").get(job.extension)
    return [(name, *EXPORTS.get(name, (name, ""))) for name in (framework.exports if framework else ())]


def best_of(rows: Sequence[SnapshotRow]) -> SnapshotRow | None:
    """Return the best of several snapshots, None where nothing tells."""
    if len(rows) < 2:
        return None
    for matches, sign in ((joblists.is_accuracy, 1.0), (lambda name: "loss" in name, -1.0)):
        names = sorted(
            {name for row in rows for name in row.metrics if name.endswith("/val") and matches(name)}, key=len
        )
        scored = (
            [(sign * value, row) for row in rows for value in [row.metrics.get(names[0])] if value is not None]
            if names
            else []
        )
        if scored:
            return max(scored, key=lambda pair: pair[0])[1]
    return None


def _value(name: str, value: float | None) -> str:
    return words.percent(value) if joblists.is_accuracy(name) else words.figure(value)


def words_on(job: Job, points: dict[str, list[float | None]], num_classes: int) -> list[Word]:
    """Return what should be said of a diverged or stuck training.

    Args:
        job: the training.
        points: values of its validation curves so far.
        num_classes: of its dataset; 0 where unknown.
    """
    error = f"{job.error}" if job.error else ""
    if any(sign in error for sign in ("NaN", "nan", "infinit", "diverge")):
        return [] if LOWER_RATE in error else [Word("bad", "The training diverged.", f"{LOWER_RATE}.")]
    accuracy = next(
        (values for name, values in points.items() if joblists.is_accuracy(name) and len(values) >= 2), None
    )
    if not accuracy or num_classes < 2:
        return []
    share, guess = accuracy[-1], 1 / num_classes
    if share is not None and share < guess * STUCK_MARGIN and share < 0.9:
        text = f"Its accuracy of {words.percent(share)} % is that of guessing one of {num_classes} classes"
        loss = next((values[-1] for name, values in points.items() if "loss" in name and values), None)
        if loss is not None and abs(loss - math.log(num_classes)) < 0.1:
            text += f", its loss that of knowing nothing (ln {num_classes} = {math.log(num_classes):.2f})"
        return [
            Word("warn", "The network has learned nothing so far.", f"{text}. {LOWER_RATE}, or give it more epochs.")
        ]
    return []
