"""What is known of a training: its numbers, the facts beside its curves, its snapshots with the best one, why it ended early."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from digits.core import measures
from digits.core.extensions import FrameworkExtension, installed
from digits.core.files import folder_bytes
from digits.core.states import JobState
from digits.core.trainspec import MEANS, PRECISIONS
from digits.web.pages import joblists, words

if TYPE_CHECKING:
    from digits.store import Job, SnapshotRow, Task

POLICIES = {
    "fixed": "Fixed", "step": "Step Down", "multistep": "Step Down (arbitrary steps)", "exp": "Exponential Decay",
    "inv": "Inverse Decay", "poly": "Polynomial Decay", "sigmoid": "Sigmoid Decay", "cosine": "Cosine Decay",
}  # fmt: skip


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
    processes: int = 1
    """How many train together, each on a GPU of its own."""


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
    best_by: str
    """What the best one was chosen by; "" where none was."""


def run_of(job: Job, tasks: Sequence[Task]) -> Run:
    """Return the numbers of a training from what its worker said last."""
    known: dict[str, Any] = dict(job.facts)
    for task in tasks:  # what was said last: a resumed training may have another end than when it was Done
        known |= task.facts
    epochs = int(job.spec.get("train_epochs", 0))
    done = job.state is JobState.DONE
    ended = job.facts.get("stopped_early") if done else None
    epoch = (
        float(ended["epoch"] if ended else epochs)
        if done
        else next((task.done for task in tasks if task.total), job.progress * epochs)
    )
    iterations = known.get("iterations")
    step = iterations if done and not ended else known.get("step")
    per_epoch = known.get("steps_per_epoch")
    if step is None and per_epoch:
        step = round(epoch * per_epoch)
    eta = job.eta_s
    return Run(
        epochs, epoch, step, iterations, per_epoch, known.get("parameters"), known.get("batch_size"),
        job.rate if job.state is JobState.RUNNING else None, None if eta is None else time.time() + eta,
        known.get("processes", 1),
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
    if run.processes > 1:
        rows.append(("Processes", f"{run.processes}, sharing each batch"))
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
        ("Snapshots kept", _kept(spec.get("keeping") or {})),
        ("Stops early after", _patience(spec.get("early_stop") or {})),
        ("Precision", PRECISIONS.get(str(spec.get("precision")), "") if spec.get("precision") != "float32" else ""),
        ("Random seed", str(spec["random_seed"]) if spec.get("random_seed") is not None else "none"),
    ]
    return [(name, value) for name, value in rows if value]


def _kept(keeping: dict[str, Any]) -> str:
    count = keeping.get("keep_snapshots")
    return f"the newest {count:,} and the best" if count else ""


def _patience(stop: dict[str, Any]) -> str:
    count = stop.get("patience")
    return f"{count:,} validation{'s' if count != 1 else ''} without a new best" if count else ""


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


def early_end(job: Job) -> str:
    """Return why a training ended before its time, in a sentence; "" for one that did not."""
    end = job.facts.get("stopped_early") if job.state is JobState.DONE else None
    if not end:
        return ""
    measure = str(end["measure"])
    value = _value(measure, end["best"]) + (" %" if joblists.is_accuracy(measure) else "")
    count = int(end["validations"])
    since = "the validation after it was" if count == 1 else f"the {count:,} validations after it were"
    return (
        f"Its {joblists.series_title(measure)} was best at epoch {words.epoch(end['best_epoch'])} with {value}; "
        f"{since} no better, so it ended at epoch {words.epoch(end['epoch'])} of {words.commas(int(job.spec['train_epochs']))}."
    )


def best_of(rows: Sequence[SnapshotRow], measure: str) -> SnapshotRow | None:
    """Return the best of several snapshots by a measure, by the validation loss where that is blank; None where nothing tells."""
    place = measures.best_of([row.metrics for row in rows], measure) if len(rows) > 1 else None
    return None if place is None else rows[place]


def snapshots_of(rows: Sequence[SnapshotRow], wanted: str = "") -> Snapshots:
    """Return the table of snapshots, newest first, with the best one by the measure ``wanted``."""
    names = sorted(
        {name for row in rows for name in row.metrics if name.endswith("/val") and measures.of_class(name) is None},
        key=lambda name: ("loss" not in name, name),
    )
    names = names[:4]
    best = best_of(rows, wanted)
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
    by = measures.chosen(wanted, names) if best is not None else None
    return Snapshots(heads, lines, joblists.series_title(by) if by else "")


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


def _value(name: str, value: float | None) -> str:
    return words.percent(value) if joblists.is_accuracy(name) else words.figure(value)
