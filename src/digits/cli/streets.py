"""Drawn streets through the real server: scenes, their dataset, and trainings on it, as ``digits demo streets`` and the shipped store need them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import digits
from digits.cli.making import SEED, Trained, build_dataset, train_model
from digits.cli.waiting import step, wait_for_job
from digits.client import Client
from digits.core.errors import NotFoundError
from digits.data.decode import Limits
from digits.data.masks import read_label
from digits.download.streets import CLASSES, write_streets
from digits.scoring import masks
from digits.scoring.masks import Floor

DATASETS, MODELS = "images/segmentation", "images/generic"
WIDTH_PX, HEIGHT_PX = 240, 180
ENTRY = "fcn-8s-small-on-drawn-streets"
"""Of the shipped store."""
FAILING = Path(__file__).with_name("failing.prototxt")
"""The definition of a network that says one class everywhere."""
LEARNING: dict[str, str | int | float] = {
    "solver_type": "ADAMW", "learning_rate": 0.003, "lr_policy": "cosine", "use_mean": "none", "batch_size": 8, "aug_flip": "fliplr",
}  # fmt: skip
"""How a network for scenes learns: fields of the form of a new model."""


def small_fcn() -> str:
    """Return the definition of the shipped entry for Caffe."""
    return (Path(digits.__file__).parent / "modelstore" / ENTRY / "original.prototxt").read_text(encoding="utf-8")


def failing() -> dict[str, Any]:
    """Return the fields of a training that fails: random weights, plain SGD at a small fixed rate."""
    return {
        "framework": "caffe", "method": "custom", "custom_network": FAILING.read_text(encoding="utf-8"), "solver_type": "SGD",
        "learning_rate": 1e-4, "lr_policy": "fixed", "use_mean": "none", "batch_size": 8,
    }  # fmt: skip


def draw(folder: Path, train: int, val: int) -> None:
    """Draw scenes below ``folder``."""
    with step("Drawing streets") as at:
        write_streets(
            folder, {"train": train, "val": val}, width=WIDTH_PX, height=HEIGHT_PX, seed=SEED, progress=at.update
        )
        at.result = f"{train:,} scenes for training and {val:,} for validation in {folder}"


def build(client: Client, folder: Path) -> str:
    """Make the dataset of drawn scenes, and return its id."""
    parts = {
        "feature_folder": "train/images", "label_folder": "train/labels",
        "validation_feature_folder": "val/images", "validation_label_folder": "val/labels", "class_labels_file": "labels.txt",
    }  # fmt: skip
    fields = {name: str(folder / part) for name, part in parts.items()} | {"has_val_folder": "true"}
    return build_dataset(client, DATASETS, "Drawn streets", fields)


def train(client: Client, dataset_id: str, title: str, fields: Mapping[str, Any]) -> Trained:
    """Train a model of the dataset with ``fields`` of its form."""
    return train_model(client, MODELS, title, dataset_id, fields)


def shipped(client: Client) -> str:
    """Bring in the network that the shipped store has, and return its id as a pretrained model.

    Raises:
        NotFoundError: the server offers other stores alone.
    """
    entries = [entry for each in client.store.ls().values() for entry in each.model_list]
    entry = next((each for each in entries if each.dir_name == ENTRY), None)
    if entry is None:
        raise NotFoundError(f"No store offers {ENTRY}.", hint="Let the server offer the shipped store.")
    made = client.store.get(entry.id)
    with step(f"Importing {made.name}") as at:
        wait_for_job(client, made.id, at)
    return made.id


def reached(trained: Trained) -> tuple[float, float]:
    """Return the share of the validation pixels that is right, and the mean IoU."""
    return trained.metrics["pixel_accuracy/val"], trained.metrics["mean_iou/val"]


def says(trained: Trained, least: Floor) -> str:
    """Return the class that a model says everywhere, or nothing."""
    is_floor = all(
        abs(a - b) < 5e-4 for a, b in zip(reached(trained), (least.pixel_accuracy, least.mean_iou), strict=True)
    )
    return least.label if is_floor else ""


def floor(labels: Path) -> Floor:
    """Return what the most frequent class of the labels in ``labels`` would score, said of every pixel of them."""
    counts = [np.bincount(label_of(path).ravel(), minlength=len(CLASSES)) for path in labels.glob("*.png")]
    found = masks.floor(CLASSES, np.sum(counts, axis=0, dtype=np.int64))
    assert found is not None, "labels have pixels"
    return found


def label_of(path: Path) -> NDArray[np.uint8]:
    """Return the class of each pixel [H,W] of a drawn label."""
    return read_label(path.read_bytes(), limits=Limits()).values


def answered(client: Client, model_id: str, picture: Path) -> NDArray[np.int64]:
    """Return the class [H,W] that a model says of each pixel of a picture."""
    outputs = client.model.infer(model_id, picture).outputs
    scores_1CHW = np.asarray(next(iter(outputs.values())), np.float32)
    said: NDArray[np.int64] = scores_1CHW[0].argmax(axis=0)
    return said
