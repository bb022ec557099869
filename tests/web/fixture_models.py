"""Trainings on disk: curves, snapshots and files of a LeNet in any state."""

from __future__ import annotations

import math
import random
from typing import Any

from digits.core.events import Done, Event, Failed, Metric, Progress, Snapshot
from digits.core.files import write_text
from digits.core.metrics import RECORD, series_file
from digits.core.settings import Settings
from digits.core.trainspec import CustomNetwork, StandardNetwork, StepPolicy, TrainSpec
from tests.web.fixture_jobs import LABELS, Made, journal, make, say


def train_spec(
    name: str, dataset: str, *, group: str = "", epochs: int = 10, rate: float = 0.01, **more: Any
) -> dict[str, Any]:
    """Return the spec of a training as ``job.json`` has it."""
    spec = TrainSpec(
        dataset=dataset, name=name, group=group, train_epochs=epochs, learning_rate=rate, batch_size=64, val_interval=0.5,
        network=StandardNetwork(name="lenet"), lr=StepPolicy(), **more,
    )  # fmt: skip
    return spec.model_dump(mode="json")


class TimedWriter:
    """Writes curves whose points carry the times at which they would have come."""

    def __init__(self, made: Made, seconds_per_epoch: float) -> None:
        self._folder, self._started, self._pace = made.folder.metrics, made.submitted + 1, seconds_per_epoch
        self._folder.mkdir(exist_ok=True)

    def append(self, name: str, *, step: int, epoch: float, value: float) -> None:
        """Append one point."""
        with series_file(self._folder, name).open("ab") as file:
            file.write(RECORD.pack(step, epoch, self._started + epoch * self._pace, value))


def curves(
    made: Made,
    *,
    epochs: float,
    total: int = 10,
    steps: int = 704,
    seconds: float = 78,
    best: float = 0.9902,
    seed: int = 3,
) -> None:
    """Write the curves of a LeNet that has come to ``epochs``."""
    rng = random.Random(seed)
    writer = TimedWriter(made, seconds / epochs)
    for index in range(1, int(epochs * 32) + 1):
        at = index / 32
        loss = (
            0.004 + 2.3 * math.exp(-at * 7) + 0.16 * math.exp(-at * 0.9) * (0.5 + rng.random()) + 0.004 * rng.random()
        )
        writer.append("loss/train", step=round(at * steps), epoch=at, value=loss)
        writer.append("lr", step=round(at * steps), epoch=at, value=0.01 * 0.1 ** int(at / total * 100 // 33))
    for half in range(1, int(epochs * 2) + 1):
        at = half / 2
        writer.append(
            "loss/val",
            step=round(at * steps),
            epoch=at,
            value=0.0312 + 0.12 * math.exp(-at * 1.1) + 0.003 * rng.random(),
        )
        accuracy = best - 0.035 * math.exp(-at * 1.3) - 0.0008 * rng.random()
        writer.append("accuracy/val", step=round(at * steps), epoch=at, value=accuracy)
    events: list[Event] = []
    for epoch in range(1, int(epochs) + 1):
        file = f"snapshots/epoch_{epoch}"
        (made.folder.path / file).mkdir(parents=True, exist_ok=True)
        accuracy = best - 0.012 * math.exp(-epoch * 0.8) - (0.0003 if epoch != 5 else 0)
        events.append(
            Snapshot(
                time=made.submitted + seconds * epoch / epochs,
                epoch=epoch,
                step=epoch * steps,
                file=file,
                bytes=1_724_320,
                metrics={"loss/val": 0.0313 + 0.03 / epoch, "accuracy/val": accuracy},
            )
        )
    last = {"loss/train": 0.0054, "loss/val": 0.0313, "accuracy/val": best, "lr": 0.001 if epochs > 3.3 else 0.01}
    say(made, *events, Metric(time=made.submitted + seconds, step=round(epochs * steps), epoch=epochs, values=last))


def model(
    settings: Settings, name: str, dataset: str, *, state: str, ago_s: float, epochs: float = 0, total: int = 10,
    seconds: float = 78, group: str = "", best: float = 0.9902, error: dict[str, str] | None = None, reason: str = "",
    custom: str = "", rate: float = 0.01, device: str = "cpu",
) -> Made:  # fmt: skip
    """Write a model in any state."""
    more = {"network": CustomNetwork(text=custom)} if custom else {}
    spec = train_spec(name, dataset, group=group, epochs=total, rate=rate) | {
        key: value.model_dump() for key, value in more.items()
    }
    made = make(
        settings,
        "model",
        name,
        spec=spec,
        ago_s=ago_s,
        group=group,
        depends_on=dataset,
        tasks={"train": "Train Caffe Model"},
    )
    facts = {
        "parameters": 431_080,
        "iterations": total * 704,
        "steps_per_epoch": 704,
        "batch_size": 64,
        "device": device,
        "step": round(epochs * 704),
    }
    for file in ("solver", "train_val", "deploy", "original"):
        write_text(made.folder.path / f"{file}.prototxt", f"# {file}\n" * 40)
    write_text(made.folder.path / "caffe_output.log", "I solver.cpp: Iteration 0\n" * 200)
    if state == "Waiting":
        journal(made, (1, {"what": "state", "state": "Waiting", "reason": reason}))
        return made
    journal(made, (1, {"what": "state", "state": "Running", "reason": ""}))
    if epochs:
        curves(made, epochs=epochs, total=total, seconds=seconds, best=best)
    say(
        made,
        Progress(
            time=made.submitted + seconds, task="train", done=epochs, total=total, unit="epochs", rate=3690,
            text=f"Epoch {epochs:.1f} of {total}", facts=facts,
        ),
    )  # fmt: skip
    if state == "Done":
        say(made, Done(time=made.submitted + seconds, facts=facts | {"labels": LABELS}))
        journal(made, (seconds, {"what": "state", "state": "Done", "reason": ""}))
    elif state == "Aborted":
        journal(made, (seconds, {"what": "state", "state": "Aborted", "reason": ""}))
    elif state == "Error":
        error = error or {
            "message": "The loss became NaN at epoch 0.4.",
            "where": "",
            "hint": "Try decreasing your learning rate.",
            "trace": "",
        }
        say(
            made,
            Failed(
                time=made.submitted + seconds,
                message=error["message"],
                where=error["where"],
                hint=error["hint"],
                trace=error["trace"],
            ),
        )
        journal(made, (seconds, {"what": "state", "state": "Error", "reason": "", "error": error}))
    return made
