"""Training LeNet on MNIST: against the pure compute limit, against the usual way, and one picture classified warm and cold.

Bars: at least 0.95 of the compute limit, so that nothing but the network costs time; at least 1.7 times the DataLoader way in wall time of
a whole training with as many threads. Peers run in the same run, one after another in turn, each as a process of its own with the
same environment, and the median of the rounds counts; blocks of the compute limit take turns with real ones in one process.

    python -m benchmarks.bench_training --mnist FOLDER_OF_IDX_FILES [--framework torch] [--rounds 3] [--epochs 2]

Without MNIST, digits are not needed: noise of the same size takes as long to train on, and only the accuracy means nothing.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from digits.core.events import read_events
from digits.core.jobfolder import JobFolder, JobRecord, new_job_id
from digits.core.metrics import series_file
from digits.core.platform import worker_environment
from digits.core.trainspec import StandardNetwork, TrainSpec
from digits.core.work import WorkerSettings
from digits.extensions.datasets.classification.sources.folder.spec import FolderSource
from digits.extensions.datasets.classification.spec import ClassificationSpec

HERE = Path(__file__).parent
NUM_TRAIN, NUM_VAL = 45_000, 15_000  # DIGITS' MNIST: 60,000 with a quarter for validation
POINT = np.dtype([("step", "<i8"), ("epoch", "<f8"), ("time", "<f8"), ("value", "<f8")])


def main() -> None:
    """Build the dataset, run the rounds, print and keep the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mnist", type=Path, help="folder of the four idx files")
    parser.add_argument("--framework", choices=("caffe", "torch"), default="caffe")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        record = measure(Path(folder), arguments)
    print(json.dumps(record, indent=2))
    (HERE / "records").mkdir(exist_ok=True)
    name = "training_lenet" if arguments.framework == "caffe" else f"training_lenet_{arguments.framework}"
    (HERE / "records" / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")


def measure(root: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of all rounds and their ratios."""
    environment = {
        **os.environ,
        **worker_environment(arguments.threads),
        **WorkerSettings(num_threads=arguments.threads, device="cpu", spool=str(root / "spool")).to_environment(),
    }
    write_pictures(root / "pictures", *pixels(arguments.mnist))
    jobs = root / "jobs"
    dataset = build(jobs, root / "pictures", environment)
    rounds: dict[str, list[dict[str, float]]] = {"opendigits": [], "compute_limit": [], "dataloader": []}
    for _ in range(arguments.rounds):
        model = new_model(jobs, dataset, arguments.epochs, arguments.framework)
        rounds["opendigits"].append(train(model, environment))
        rounds["compute_limit"].append(peer("compute_limit", [str(model.path)], environment))
        folders = [str(root / "pictures" / "train"), str(root / "pictures" / "val")]
        rounds["dataloader"].append(
            peer("lenet_dataloader", [*folders, "--epochs", str(arguments.epochs)], environment)
        )
        print(json.dumps({name: each[-1] for name, each in rounds.items()}), flush=True)
    ours, limit, usual = (rounds[name] for name in ("opendigits", "compute_limit", "dataloader"))
    return {
        "when": time.strftime("%Y-%m-%d %H:%M:%S"),
        "machine": {
            "cores": os.cpu_count(), "threads": arguments.threads, "processor": platform.processor() or platform.machine(),
            "torch": torch.__version__, "python": platform.python_version(),
        },
        "framework": arguments.framework,
        "epochs": arguments.epochs,
        "rounds": rounds,
        "ratio_to_compute_limit": median(limit, "ratio"),
        "speed_up_over_dataloader_wall": median(usual, "wall_seconds") / median(ours, "wall_seconds"),
        "speed_up_over_dataloader_steps": median(ours, "images_per_second") / median(usual, "images_per_second"),
        "classify_one": classify_one(model, next((root / "pictures" / "val").rglob("*.png")), root, environment),
    }  # fmt: skip


def median(rounds: list[dict[str, float]], name: str) -> float:
    """Return the median of one figure over the rounds."""
    return statistics.median(each[name] for each in rounds)


def pixels(mnist: Path | None) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return 60,000 pictures of 28 x 28, black on white, and their classes."""
    if mnist is None:
        rng = np.random.default_rng(0)
        return rng.integers(0, 256, (NUM_TRAIN + NUM_VAL, 28, 28), np.uint8), rng.integers(
            0, 10, NUM_TRAIN + NUM_VAL, np.uint8
        )
    images = np.frombuffer(gzip.decompress((mnist / "train-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress((mnist / "train-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    return 255 - images.reshape(-1, 28, 28), labels


def write_pictures(folder: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
    """Write PNG files in class folders below train and val."""
    for db in ("train", "val"):
        for label in range(10):
            (folder / db / str(label)).mkdir(parents=True)
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        db = "train" if index < NUM_TRAIN else "val"
        cv2.imwrite(str(folder / db / str(label) / f"{index:05d}.png"), image)


def build(jobs: Path, pictures: Path, environment: dict[str, str]) -> str:
    """Build the dataset job and return its id."""
    folder = JobFolder(jobs / new_job_id(jobs))
    source = FolderSource(train=str(pictures / "train"), has_val_folder=True, val=str(pictures / "val"))
    spec = ClassificationSpec(name="mnist", resize_channels=1, resize_width=28, resize_height=28, source=source)
    folder.write(
        JobRecord(
            id=folder.id, kind="dataset", extension="image-classification", title="Dataset", name="mnist", created=time.time(),
            worker="build", spec=spec.model_dump(mode="json"),
        )
    )  # fmt: skip
    subprocess.run([sys.executable, "-m", "digits.workers.build", str(folder.path)], env=environment, check=True)
    return folder.id


def new_model(jobs: Path, dataset: str, epochs: int, framework: str = "caffe") -> JobFolder:
    """Make the folder of a LeNet with DIGITS' defaults."""
    folder = JobFolder(jobs / new_job_id(jobs))
    spec = TrainSpec(
        dataset=dataset, name="lenet", train_epochs=epochs, network=StandardNetwork(name="lenet"), random_seed=1, device="cpu",
        framework=framework,
    )  # fmt: skip
    folder.write(
        JobRecord(
            id=folder.id, kind="model", extension=framework, title="Model", name="lenet", created=time.time(), worker="train",
            depends_on=dataset, spec=spec.model_dump(mode="json"),
        )
    )  # fmt: skip
    return folder


def train(model: JobFolder, environment: dict[str, str]) -> dict[str, float]:
    """Train as a worker does, and return wall seconds of the process, pictures a second of the steps, accuracy."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "digits.workers.train", str(model.path)], env=environment, check=True)
    wall_s = time.perf_counter() - began
    done = [event for _, event in read_events(model.events_file) if event.type == "done"][-1]
    points = np.fromfile(series_file(model.metrics, "lr"), POINT)
    epoch = done.facts["steps_per_epoch"]
    seconds = steps = 0.0
    for first in range(
        0, done.facts["iterations"], epoch
    ):  # between the points of one epoch lies no validation, no snapshot
        inside = points[(points["step"] > first) & (points["step"] < first + epoch)]
        seconds += float(inside["time"][-1] - inside["time"][0])
        steps += float(inside["step"][-1] - inside["step"][0])
    rate = steps * done.facts["batch_size"] / seconds
    return {"wall_seconds": wall_s, "images_per_second": rate, "accuracy": done.facts["metrics"]["accuracy/val"]}


def peer(name: str, arguments: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Run a peer as a process and return what it printed, with the wall seconds of the process."""
    began = time.perf_counter()
    command = [sys.executable, str(HERE / "peers" / f"{name}.py"), *arguments]
    printed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    figures: dict[str, float] = json.loads(printed.splitlines()[-1])
    return figures | {"wall_seconds": time.perf_counter() - began}


def classify_one(model: JobFolder, picture: Path, root: Path, environment: dict[str, str]) -> dict[str, float]:
    """Return milliseconds from asking to the answer: of a warm worker, and with the worker's start."""
    folder = root / "service"
    folder.mkdir()
    began = time.perf_counter()
    command = [sys.executable, "-m", "digits.workers.infer", str(model.path), "--service", str(folder)]
    process = subprocess.Popen(command, env=environment)
    while not (folder / "ready.json").exists():
        time.sleep(0.005)
    ready = json.loads((folder / "ready.json").read_bytes())
    request = urllib.request.Request(
        f"http://127.0.0.1:{ready['port']}/classify",
        json.dumps({"paths": [str(picture)], "top": 5}).encode(),
        {"Authorization": f"Bearer {ready['token']}"},
    )
    times = []
    for _ in range(101):
        with urllib.request.urlopen(request) as answer:
            answer.read()
        times.append(time.perf_counter() - began)
        began = time.perf_counter()
    process.terminate()
    process.wait()
    cold, warm = times[0], statistics.median(times[1:])
    return {"cold_ms": cold * 1000, "warm_ms": warm * 1000, "speed_up": cold / warm}


if __name__ == "__main__":
    main()
