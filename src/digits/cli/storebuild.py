"""The models of the shipped store, trained through the product: LeNet on MNIST, and a small FCN on drawn streets."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path

import click

import digits
from digits.cli import streets
from digits.cli.demodata import prepare
from digits.cli.making import SEED
from digits.cli.storeentry import add_entry
from digits.cli.waiting import step, wait_for_job
from digits.client import Client
from digits.core.errors import DigitsError
from digits.core.settings import Settings

LENET_EPOCHS, FCN_EPOCHS = 10, 30
SCENES, VAL_SCENES = 400, 100
CHUNK = 1_000


def build_lenet(client: Client, settings: Settings, folder: Path, mnist: Path | None, epochs: int) -> Path:
    """Train LeNet, test it with every test digit, and add it to the store ``folder``.

    Raises:
        DigitsError: MNIST cannot be had, or the training failed.
    """
    data = prepare(settings, mnist, limit=None)
    if data.is_drawn:
        raise DigitsError("MNIST cannot be had here.", hint="Name its folder with --mnist.")
    model_id = _train(client, data.train_folder, epochs)
    right, count = _right(client, model_id, data.test_list)
    record = {
        "made by": f"digits store build --only lenet --epochs {epochs}", "digits version": digits.__version__, "random seed": SEED, "epochs": epochs,
        "username": "OpenDIGITS", "accuracy": right / count, "tested on": f"{count:,} test digits of MNIST, {right:,} right",
    }  # fmt: skip
    place = add_entry(
        client, model_id, folder, name="LeNet on MNIST", dataset="MNIST", licence="BSD-3-Clause", safetensors=True, more=record,
        note=f"Handwritten digits, 28 x 28 grayscale, black on white. {100 * right / count:.2f} % of the test digits are right.",
    )  # fmt: skip
    click.echo(f"{place}: {right:,} of {count:,} right")
    return place


def build_fcn(client: Client, folder: Path, epochs: int) -> Path:
    """Train the small FCN on drawn streets, of which the validation scenes say how good it is, and add it to the store ``folder``.

    Its definition is that of the entry that is shipped.

    Raises:
        DigitsError: the training failed.
    """
    with tempfile.TemporaryDirectory() as scenes:
        streets.draw(Path(scenes), SCENES, VAL_SCENES)
        dataset_id = streets.build(client, Path(scenes))
        fields = streets.LEARNING | {"framework": "caffe", "method": "custom", "custom_network": streets.small_fcn()}
        trained = streets.train(
            client,
            dataset_id,
            f"FCN-8s, small, for {epochs} epochs",
            fields | {"train_epochs": epochs, "val_interval": 5},
        )
        accuracy, mean_iou = streets.reached(trained)
        least = streets.floor(Path(scenes) / "val" / "labels")
    record = {
        "made by": f"digits store build --only fcn --epochs {epochs}", "digits version": digits.__version__, "random seed": SEED,
        "epochs": epochs, "username": "OpenDIGITS", "pixel accuracy": round(accuracy, 4), "mean IoU": round(mean_iou, 4),
        "tested on": f"{VAL_SCENES:,} drawn scenes that it was not trained on", "trained on": f"{SCENES:,} drawn scenes",
        "minutes": round(trained.seconds / 60, 1), "floor": asdict(least),
    }  # fmt: skip
    place = add_entry(
        client, trained.id, folder, name="FCN-8s, small, on drawn streets", dataset="Drawn streets", licence="BSD-3-Clause", safetensors=True,
        more=record, note=f"Eleven classes of street scenes, any size. {100 * accuracy:.1f} % of the pixels of unseen scenes are "
        f"right, mean IoU {mean_iou:.2f}; {least.label} everywhere would be {100 * least.pixel_accuracy:.1f} % and {least.mean_iou:.2f}.",
    )  # fmt: skip
    click.echo(f"{place}: {accuracy:.4f} of the pixels right, mean IoU {mean_iou:.4f}")
    return place


def _train(client: Client, pictures: Path, epochs: int) -> str:
    fields: dict[str, str | int] = {
        "resize_channels": 1,
        "resize_width": 28,
        "resize_height": 28,
        "encoding": "png",
        "random_seed": SEED,
    }
    with step("Building the dataset") as at:
        dataset = client.dataset.create(
            fields | {"dataset_name": "MNIST", "method": "folder", "folder_train": str(pictures), "folder_pct_val": 5}
        )
        wait_for_job(client, dataset.id, at)
    with step(f"Training LeNet for {epochs} epochs") as at:
        model = client.model.create(
            {"model_name": "LeNet on MNIST", "dataset": dataset.id, "method": "standard", "standard_networks": "lenet", "framework": "caffe",
             "train_epochs": epochs, "random_seed": SEED, "snapshot_interval": 0}
        )[0]  # fmt: skip
        wait_for_job(client, model.id, at)
    return model.id


def _right(client: Client, model_id: str, listed: Path) -> tuple[int, int]:
    """Return how many of the pictures of a list are taken for what their folder says, and how many there are."""
    lines = listed.read_text(encoding="utf-8").splitlines()
    right = 0
    with step(f"Classifying {len(lines):,} pictures") as at, tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(lines), CHUNK):
            part = Path(folder) / "part.txt"
            part.write_text("\n".join(lines[start : start + CHUNK]) + "\n", encoding="utf-8")
            found = client.model.classify_many(model_id, part).classifications
            right += sum(1 for path, best in found.items() if best and best[0][0] == Path(path).parent.name)
            at.update(min(start + CHUNK, len(lines)), len(lines), f"{right:,} right")
    return right, len(lines)
