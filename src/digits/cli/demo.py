"""``digits demo [mnist|streets]``: the main job through the real server and the client, from pictures to a tested classifier.

A server is started for it (or the one that runs on this root is used), MNIST is fetched and written as class folders, a dataset is
built, LeNet is trained for three epochs, every test digit is classified, and one table says how it went. ``demostreets`` does the same for
segmentation.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from digits.cli import demostreets
from digits.cli.connect import root_option
from digits.cli.demodata import Prepared, prepare
from digits.cli.output import facts, seconds, table
from digits.cli.ownserver import serving
from digits.cli.waiting import step, wait_for_job
from digits.client import Client
from digits.core import platform
from digits.core.errors import DigitsError
from digits.core.settings import Settings, load_settings

EPOCHS = 3
QUICK_COUNT = 6_000
GOAL, QUICK_GOAL = 98.0, 93.0
CHUNK = 1_000  # digits a request: the bar moves every second or so
SEED = 1


@dataclass
class Report:
    """What the table at the end says."""

    data: Prepared
    facts: dict[str, Any] = field(default_factory=dict)
    accuracy: float = 0.0

    def passed(self, goal: float) -> bool:
        """Whether the figure is good enough; that of drawn digits says nothing about handwriting and is not judged."""
        return self.data.is_drawn or self.accuracy >= goal


@click.command()
@click.argument("which", type=click.Choice(["mnist", "streets"]), default="mnist")
@click.option("--exit", "leave", is_flag=True, help="Stop the server at the end; exit status 1 below the goal.")
@click.option(
    "--quick",
    is_flag=True,
    help=f"Take {QUICK_COUNT:,} pictures; the goal is {QUICK_GOAL:g} % instead of {GOAL:g} %. Streets: few scenes.",
)
@click.option("--mnist", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Folder with MNIST's four idx files, gzip or not.")  # fmt: skip
@click.option("-p", "--port", type=click.IntRange(0, 65535), help="Port of the server; a free one if 5000 is taken.")
@root_option
def demo(which: str, leave: bool, quick: bool, mnist: Path | None, port: int | None, root: Path | None) -> None:
    """Do the main job: MNIST becomes a dataset, LeNet learns it, and every test digit is classified.

    With "streets", segmentation: scenes are drawn, a network from scratch fails on them, and a pretrained one learns them.

    The server goes on serving, so that all of it can be looked at in a browser; --exit stops it.
    """
    platform.on_stop(_interrupt)
    settings = load_settings(root=root)
    began = time.monotonic()
    with serving(settings, port) as (address, process), Client(address) as client:
        if which == "streets":
            story = demostreets.tell(client, _fresh(settings.cache / "streets"), quick=quick)
            demostreets.show(story, address, time.monotonic() - began)
            passed = story.passed
        else:
            passed = _digits(client, settings, mnist, address, began, quick=quick)
        if leave or process is None:
            if not passed:
                raise SystemExit(1)
            return
        click.echo(f"{address}/ goes on serving; Ctrl-C ends it.")
        with suppress(KeyboardInterrupt):
            process.wait()


def _digits(client: Client, settings: Settings, mnist: Path | None, address: str, began: float, *, quick: bool) -> bool:
    report = Report(prepare(settings, mnist, limit=QUICK_COUNT if quick else None))
    dataset_id = build(client, report)
    model_id = train(client, dataset_id, report)
    evaluate(client, model_id, report)
    classify_ten(client, model_id, report)
    goal = QUICK_GOAL if quick else GOAL
    show(report, address, goal, time.monotonic() - began)
    return report.passed(goal)


def _fresh(folder: Path) -> Path:
    """Return ``folder`` without what an earlier demo drew there."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _interrupt() -> None:
    raise KeyboardInterrupt


def build(client: Client, report: Report) -> str:
    """Make the dataset, and return its id."""
    with step("Building the dataset") as at:
        made = client.dataset.create(
            {
                "dataset_name": report.data.name, "folder_train": str(report.data.train_folder), "method": "folder",
                "resize_channels": 1, "resize_width": 28, "resize_height": 28, "encoding": "png", "random_seed": SEED,
            }
        )  # fmt: skip
        wait_for_job(client, made.id, at)
        shown = client.dataset.show(made.id).as_json()
        counts = {str(task["name"]): int(task["entries"]) for task in shown.get("CreateDbTasks", [])}
        at.result = ", ".join(f"{count:,} {_short(name)}" for name, count in counts.items())
    report.facts |= {f"Pictures for {_short(name)}": f"{count:,}" for name, count in counts.items()}
    report.facts["Seconds to build the dataset"] = round(at.elapsed_s, 1)
    return made.id


def _short(task: str) -> str:
    words = {"train": "training", "val": "validation", "test": "testing"}
    return next((word for part, word in words.items() if part in task), task)


def train(client: Client, dataset_id: str, report: Report) -> str:
    """Train LeNet with DIGITS' defaults, and return the model's id."""
    with step(f"Training LeNet for {EPOCHS} epochs") as at:
        made = client.model.create(
            {
                "model_name": f"LeNet on {report.data.name}", "dataset": dataset_id, "method": "standard",
                "standard_networks": "lenet", "framework": "caffe", "train_epochs": EPOCHS, "random_seed": SEED,
                "shuffle": True,
            }
        )[0]  # fmt: skip
        wait_for_job(client, made.id, at)
        parameters = num_parameters(client, made.id)
        at.result = f"{parameters:,} learned parameters"
    report.facts["Learned parameters"] = f"{parameters:,}"
    report.facts["Seconds to train"] = round(at.elapsed_s, 1)
    return made.id


def num_parameters(client: Client, model_id: str) -> int:
    """Return the number of learned parameters, as the training said it; 0 where it did not."""
    said = [event.get("facts", {}).get("parameters") for event in client.job.logs(model_id)]
    return next((int(each) for each in reversed(said) if each), 0)


def evaluate(client: Client, model_id: str, report: Report) -> None:
    """Classify every test digit, and count those that are right."""
    lines = report.data.test_list.read_text(encoding="utf-8").splitlines()
    right = 0
    with step(f"Classifying the {len(lines):,} test digits") as at:
        for start in range(0, len(lines), CHUNK):
            part = report.data.test_list.with_name(f".part-{start}.txt")
            part.write_text("\n".join(lines[start : start + CHUNK]) + "\n", encoding="utf-8")
            try:
                found = client.model.classify_many(model_id, part).classifications
            finally:
                part.unlink()
            right += sum(1 for path, best in found.items() if best and best[0][0] == Path(path).parent.name)
            at.update(min(start + CHUNK, len(lines)), len(lines), f"{right:,} right")
        report.accuracy = 100 * right / max(1, len(lines))
        at.result = f"{right:,} right"
    report.facts["Test digits right"] = f"{right:,} of {len(lines):,}"
    report.facts["Seconds to classify them"] = round(at.elapsed_s, 1)


def classify_ten(client: Client, model_id: str, report: Report) -> None:
    """Classify the first test digit of each class, one request each, and print what the network sees in it."""
    rows = []
    for label in "0123456789":
        picture = next(iter(sorted((report.data.test_folder / label).glob("*.png"))), None)
        if picture is None:
            raise DigitsError(f"There is no test digit {label}.", where=str(report.data.test_folder))
        best = client.model.classify(model_id, picture).predictions
        rows.append(
            [f"{label}/{picture.name}", label, best[0][0], f"{best[0][1]:.2f}", "" if best[0][0] == label else "wrong"]
        )
    click.echo()
    table(["Test digit", "Is", "Seen as", "%", ""], rows, right=["%"])


def show(report: Report, address: str, goal: float, total_s: float) -> None:
    """Print the table at the end."""
    judged = "not judged: drawn digits" if report.data.is_drawn else f"goal {goal:g} %"
    click.echo()
    facts(
        {
            "Pictures from": report.data.origin,
            **report.facts,
            "Accuracy": f"{report.accuracy:.2f} %  ({judged}{'' if report.passed(goal) else ': missed'})",
            "In all": seconds(total_s),
            "Address": address,
        }
    )
