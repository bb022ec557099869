"""Kill a training at random moments, let it go on, and compare with one that was never killed: weights, solver and curves, to the bit.

A LeNet with Dropout, BatchNorm and random crops, a real worker process, SIGKILL. By turns the kill comes at any time from the start of the
process to its end, at any step, and while a snapshot is being written. Bar: every one bit-equal, every curve without gap or repeat.

    nice python -m benchmarks.kill_resume --times 30
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from digits.core.events import Resumed, read_events
from digits.core.jobfolder import JobFolder, JobRecord, new_job_id
from digits.core.metrics import RECORD, series_file, series_names
from digits.core.platform import worker_environment
from digits.core.trainspec import CustomNetwork, TrainSpec
from digits.core.work import WorkerSettings
from digits.extensions.datasets.classification.sources.folder.spec import FolderSource
from digits.extensions.datasets.classification.spec import ClassificationSpec
from digits.networks.standard import standard_text

RECORD_FILE = Path(__file__).parent / "records" / "kill_resume.json"
MOMENTS = ("any time", "any step", "in a write")
CLASSES, PER_CLASS = 10, 120
POINT = np.dtype([("step", "<i8"), ("epoch", "<f8"), ("time", "<f8"), ("value", "<f8")])
assert POINT.itemsize == RECORD.size
ADDED = """
layer { name: "bn1" type: "BatchNorm" bottom: "pool1" top: "pool1" }
layer { name: "drop1" type: "Dropout" bottom: "pool1" top: "pool1" dropout_param { dropout_ratio: 0.3 } }
layer {
  name: "conv2\""""
NETWORK = standard_text("lenet").replace('\nlayer {\n  name: "conv2"', ADDED)


@dataclass(frozen=True)
class Kill:
    """One training that was killed and went on; ``resumed_epoch`` is None where no snapshot was there yet."""

    moment: str
    killed_after_s: float
    killed_at_step: int
    resumed_epoch: float | None
    bit_equal: bool
    points: int
    points_equal: bool


def main() -> None:
    """Kill, compare, print the table and keep it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--accumulate", type=int, default=1, help="batches a step")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        record = measure(Path(root), arguments)
    RECORD_FILE.write_text(json.dumps(record, indent=2) + "\n")
    equal = sum(row["bit_equal"] and row["points_equal"] for row in record["kills"])
    print(f"{equal} of {len(record['kills'])} are equal to the training that was never killed")


def measure(root: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return all kills with what they are compared to."""
    settings = WorkerSettings(num_threads=arguments.threads, device="cpu", spool=str(root / "spool"))
    environment = {**os.environ, **worker_environment(arguments.threads), **settings.to_environment()}
    jobs = root / "jobs"
    dataset = build(jobs, root / "pictures", environment)
    whole = new_model(jobs, dataset, arguments.epochs, arguments.accumulate)
    began = time.monotonic()
    finish(whole, environment)
    seconds = time.monotonic() - began
    print(f"unbroken: {seconds:.1f} s, {len(points(whole)['lr'])} points of the rate\n{HEAD}")
    chance, kills = random.Random(arguments.seed), list[Kill]()
    while len(kills) < arguments.times:
        broken = new_model(jobs, dataset, arguments.epochs, arguments.accumulate)
        moment = MOMENTS[len(kills) % len(MOMENTS)]
        due = {
            "any time": after(chance.uniform(0, seconds)),
            "any step": at_step(broken, chance.uniform(0, last_step(whole))),
            "in a write": in_a_write(broken, chance.randint(1, 2 * arguments.epochs - 1)),
        }[moment]
        found = kill(broken, whole, environment, moment, due)
        if found is not None:
            kills.append(found)
            print(line(found), flush=True)
    return {
        "when": time.strftime("%Y-%m-%d %H:%M:%S"),
        "machine": {
            "cores": os.cpu_count(), "threads": arguments.threads, "torch": torch.__version__, "python": platform.python_version(),
            "cpu": torch.backends.cpu.get_cpu_capability(),
        },
        "epochs": arguments.epochs, "batch_accumulation": arguments.accumulate, "unbroken_seconds": round(seconds, 1),
        "kills": [asdict(each) for each in kills],
    }  # fmt: skip


HEAD = "moment        after s  at step  resumed from  bit-equal  curve points"


def line(found: Kill) -> str:
    """Return a row of the table."""
    whence = "the start" if found.resumed_epoch is None else f"epoch {found.resumed_epoch:.4g}"
    points_ = f"{found.points:,} {'equal' if found.points_equal else 'DIFFER'}"
    equal = "yes" if found.bit_equal else "NO"
    return (
        f"{found.moment:12}  {found.killed_after_s:7.2f}  {found.killed_at_step:7}  {whence:12}  {equal:9}  {points_}"
    )


def after(seconds: float) -> Callable[[], bool]:
    """Return what is true so many seconds from now, the start of the process and its reading of pictures among them."""
    moment = time.monotonic() + seconds
    return lambda: time.monotonic() >= moment


def at_step(model: JobFolder, step: float) -> Callable[[], bool]:
    """Return what is true once the training's curves have come to ``step``."""
    return lambda: last_step(model) >= step


def in_a_write(model: JobFolder, number: int) -> Callable[[], bool]:
    """Return what is true while the training writes its snapshot ``number``, from 1."""
    return lambda: len(model.snapshot_folders()) >= number - 1 and any(model.snapshots.glob(".*.tmp/*"))


def kill(
    model: JobFolder, whole: JobFolder, environment: dict[str, str], moment: str, due: Callable[[], bool]
) -> Kill | None:
    """Kill the training when ``due``, let it go on to its end, and compare; None where it was done before."""
    began = time.monotonic()
    process = start(model, environment)
    while process.poll() is None and not due():
        time.sleep(0.001)
    if process.poll() is not None:
        return None
    process.kill()
    process.wait()
    after_s, step = time.monotonic() - began, last_step(model)
    model.note("resume", by="benchmark")
    finish(model, environment)
    resumed = next(event for _, event in read_events(model.events_file) if isinstance(event, Resumed))
    ours, theirs = points(model), points(whole)
    return Kill(
        moment, round(after_s, 2), step, resumed.epoch if resumed.step else None, bit_equal(model, whole),
        sum(map(len, ours.values())), ours == theirs,
    )  # fmt: skip


def last_step(model: JobFolder) -> int:
    """Return the last step of the curves so far, -1 before the first point."""
    rates = points(model).get("lr")
    return rates[-1][0] if rates else -1


def start(model: JobFolder, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start the worker of a training."""
    command = [sys.executable, "-m", "digits.workers.train", str(model.path)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def finish(model: JobFolder, environment: dict[str, str]) -> None:
    """Train to the end."""
    code = start(model, environment).wait()
    assert code == 0, (model.path, code)


def points(model: JobFolder) -> dict[str, list[tuple[int, float, float]]]:
    """Return step, epoch and value of every point of every curve; their times are of the clock."""
    found = {name: np.fromfile(series_file(model.metrics, name), POINT) for name in series_names(model.metrics)}
    return {name: curve[["step", "epoch", "value"]].tolist() for name, curve in found.items()}


def bit_equal(one: JobFolder, other: JobFolder) -> bool:
    """Whether the last snapshots are the same to the bit: weights, solver, generators."""
    files = ("weights.safetensors", "state.safetensors")
    last = [model.snapshot_folders()[-1] for model in (one, other)]
    return last[0].name == last[1].name and all(
        (last[0] / file).read_bytes() == (last[1] / file).read_bytes() for file in files
    )


def build(jobs: Path, pictures: Path, environment: dict[str, str]) -> str:
    """Build a dataset of patterns in noise, and return its id."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (CLASSES, 28, 28))
    for label in range(CLASSES):
        (pictures / str(label)).mkdir(parents=True)
        for number in range(PER_CLASS):
            picture = (patterns[label] + rng.integers(0, 256, (28, 28)) * 2) // 3
            cv2.imwrite(str(pictures / str(label) / f"{number:03d}.png"), picture.astype(np.uint8))
    folder = JobFolder(jobs / new_job_id(jobs))
    spec = ClassificationSpec(
        name="patterns", resize_channels=1, resize_width=28, resize_height=28, random_seed=1,
        source=FolderSource(train=str(pictures)),
    )  # fmt: skip
    folder.write(
        JobRecord(
            id=folder.id, kind="dataset", extension="image-classification", title="Dataset", name="patterns",
            created=time.time(), worker="build", spec=spec.model_dump(mode="json"),
        )
    )  # fmt: skip
    subprocess.run([sys.executable, "-m", "digits.workers.build", str(folder.path)], env=environment, check=True)
    return folder.id


def new_model(jobs: Path, dataset: str, epochs: int, accumulate: int) -> JobFolder:
    """Make the folder of one more such training."""
    folder = JobFolder(jobs / new_job_id(jobs))
    spec = TrainSpec(
        dataset=dataset, name="killed", train_epochs=epochs, network=CustomNetwork(text=NETWORK), random_seed=1, device="cpu",
        batch_size=32, batch_accumulation=accumulate, crop_size=24, use_mean="pixel", snapshot_interval=0.5, val_interval=0.25,
        solver_type="ADAM", learning_rate=0.001,
    )  # fmt: skip
    folder.write(
        JobRecord(
            id=folder.id, kind="model", extension="caffe", title="Model", name="killed", created=time.time(), worker="train",
            depends_on=dataset, spec=spec.model_dump(mode="json"),
        )
    )  # fmt: skip
    return folder


if __name__ == "__main__":
    main()
