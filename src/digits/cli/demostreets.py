"""``digits demo streets``: the second half of the tutorial, from drawn scenes to a network that tells their classes pixel by pixel.

A fully convolutional AlexNet is trained from random weights with plain SGD, and says one class everywhere; then an FCN-8s is trained that
begins with weights from elsewhere: the published ones of ImageNet if they are installed, else those of the shipped store.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digits.cli import streets
from digits.cli.making import Trained
from digits.cli.output import facts, seconds, table
from digits.cli.waiting import step
from digits.client import Client
from digits.networks.standard import standard_networks
from digits.scoring.masks import Floor

PUBLISHED = "fcn8s_efficientnet_lite0"
MARGIN = 0.05  # of mean IoU above the floor: the network has learned something


@dataclass(frozen=True)
class Amount:
    """How much is done."""

    train: int
    val: int
    failing_epochs: int
    epochs: int


FULL, QUICK = Amount(160, 40, 1, 6), Amount(24, 8, 1, 2)


@dataclass(frozen=True)
class Story:
    """What came of it."""

    floor: Floor
    failing: Trained
    learned: Trained
    begun_with: str
    picture: Path
    right: float
    """Share of the pixels of ``picture`` that the second network tells rightly."""

    @property
    def passed(self) -> bool:
        """Whether the first network failed as it should, and the second learned."""
        return (
            bool(streets.says(self.failing, self.floor))
            and streets.reached(self.learned)[1] > self.floor.mean_iou + MARGIN
        )


def tell(client: Client, folder: Path, *, quick: bool) -> Story:
    """Draw scenes below ``folder``, train both networks on them, and test the second with one scene.

    Raises:
        DigitsError: a job failed.
    """
    amount = QUICK if quick else FULL
    streets.draw(folder, amount.train, amount.val)
    dataset_id = streets.build(client, folder)
    failing = streets.train(
        client,
        dataset_id,
        "FCN-AlexNet from scratch",
        streets.failing() | {"train_epochs": amount.failing_epochs, "val_interval": 0.5},
    )
    begun_with, fields = _beginning(client, quick=quick)
    fields |= {"train_epochs": amount.epochs, "val_interval": 2, "lr_warmup": 100 / (2 * amount.epochs)}
    learned = streets.train(client, dataset_id, f"FCN-8s from {begun_with}", streets.LEARNING | fields)
    picture = folder / "val" / "images" / "00000.png"
    with step("Testing one scene") as at:
        said = streets.answered(client, learned.id, picture)
        right = float((said == streets.label_of(folder / "val" / "labels" / picture.name)).mean())
        at.result = f"{right:.3f} of its pixels are right"
    return Story(streets.floor(folder / "val" / "labels"), failing, learned, begun_with, picture, right)


def _beginning(client: Client, *, quick: bool) -> tuple[str, dict[str, Any]]:
    """Return where the weights of the second network come from, and the fields that say so."""
    published = standard_networks(suffix="py")[PUBLISHED].pretrained
    if not quick and published is not None and published.path() is not None:
        network = {"method": "standard", "standard_networks": PUBLISHED, "standard_pretrained": "true"}
        return "the published weights of ImageNet", {"framework": "torch"} | network
    return "the shipped store", {
        "framework": "caffe",
        "method": "pretrained",
        "pretrained_networks": streets.shipped(client),
    }


def show(story: Story, address: str, total_s: float) -> None:
    """Print what each network reached beside the floor, and where to look."""
    floor, failing, learned = story.floor, story.failing, story.learned
    one = streets.says(failing, floor)
    rows = [
        [f"{floor.label} everywhere, no network", f"{floor.pixel_accuracy:.3f}", f"{floor.mean_iou:.3f}", "", ""],
        ["FCN-AlexNet from scratch", *_figures(failing), f"It says {one} everywhere." if one else ""],
        [f"FCN-8s from {story.begun_with}", *_figures(learned), ""],
    ]
    numbers = ["Pixels right", "Mean IoU", "Trained"]
    table(["Network", *numbers, ""], rows, right=numbers)
    facts(
        {
            "One scene": f"{story.right:.3f} of the pixels of {story.picture} are right",
            "Judged": "" if story.passed else "missed: the first should say one class everywhere, and the second learn",
            "In all": seconds(total_s),
            "The one that fails": f"{address}/models/{failing.id}",
            "The one that learned": f"{address}/models/{learned.id}  (test it with the scene above)",
        }
    )


def _figures(trained: Trained) -> list[str]:
    return [*(f"{value:.3f}" for value in streets.reached(trained)), seconds(trained.seconds)]
