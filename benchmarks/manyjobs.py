"""A root of many jobs, as real workers leave it: job folders with records, journals, events and curves; and its index."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

from digits.core.events import Done, Metric, Progress, Snapshot
from digits.core.jobfolder import JobFolder, JobRecord, TaskPlan
from digits.core.metrics import RECORD, series_file
from digits.core.settings import Settings
from digits.core.trainspec import StandardNetwork, StepPolicy, TrainSpec
from digits.store import Store

STATES = ("Done",) * 8 + ("Aborted", "Error")
POINTS = {
    "loss/train": 256,
    "lr": 256,
    "loss/val": 30,
    "accuracy/val": 30,
}  # a LeNet's 30 epochs, every eighth step told
GAP_S = 421.0  # between two jobs: 10,000 of them are seven weeks of a busy machine


def fill(root: Path, *, num_models: int, num_datasets: int) -> Store:
    """Make ``root`` unless it is there already; return its store."""
    settings = Settings(root=root)
    if (root / "filled").exists():
        return Store(settings)
    rng, now = random.Random(1), time.time()
    total = num_models + num_datasets
    datasets: list[str] = []
    for index in range(total):
        created = now - (total - index) * GAP_S
        if len(datasets) * total <= index * num_datasets:
            datasets.append(_dataset(settings, len(datasets), created, rng))
        else:
            _model(settings, index, rng.choice(datasets), created, rng)
    store = Store(settings)
    store.reindex()
    (root / "filled").touch()
    return store


def _folder(settings: Settings, created: float, rng: random.Random) -> JobFolder:
    name = time.strftime("%Y%m%d-%H%M%S-", time.localtime(created)) + f"{rng.randrange(65536):04x}"
    folder = JobFolder(settings.jobs / name)
    folder.path.mkdir(parents=True)
    return folder


def _write(folder: JobFolder, record: JobRecord, events: list[object], state: str, seconds: float) -> None:
    folder.record_file.write_text(record.model_dump_json())
    folder.events_file.write_text("".join(event.model_dump_json() + "\n" for event in events))  # type: ignore[attr-defined]  # events of several classes
    size = folder.events_file.stat().st_size
    lines = [
        {"time": record.created, "what": "submit", "by": record.username, "events": 0},
        {"time": record.created + 1, "what": "state", "state": "Running", "reason": "", "events": 0},
        {"time": record.created + 1 + seconds, "what": "state", "state": state, "reason": "", "events": size},
    ]
    folder.journal_file.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _dataset(settings: Settings, index: int, created: float, rng: random.Random) -> str:
    folder = _folder(settings, created, rng)
    spec = {
        "name": f"dataset {index}", "folder_train": f"/data/pictures/{index}", "folder_pct_val": 25, "folder_pct_test": 0,
        "resize_channels": 3, "resize_width": 256, "resize_height": 256, "resize_mode": "squash", "encoding": "png",
        "backend": "lmdb", "method": "folder", "compression": "none", "random_seed": index,
    }  # fmt: skip
    count = rng.randrange(1000, 60_000)
    facts = {
        "backend": "lmdb", "encoding": "png", "labels": [f"class {each}" for each in range(rng.choice((2, 10, 20, 100)))],
        "dbs": {"train": {"entries": count * 3}, "val": {"entries": count}}, "bytes": count * 4000,
        "image": {"height": 256, "width": 256, "channels": 3},
    }  # fmt: skip
    state = rng.choice(STATES)
    record = JobRecord(
        id=folder.id, kind="dataset", extension="image-classification", title="Image Classification Dataset",
        name=f"dataset {index}", username=rng.choice(("ana", "fred", "")), created=created, worker="build",
        tasks=(TaskPlan(name="create_train_db", title="Create DB (train)"),), spec=spec,
    )  # fmt: skip
    end = Done(time=created + 90, facts=facts) if state == "Done" else Progress(task="create_train_db", done=1, total=2)
    _write(folder, record, [end], state, 90)
    return folder.id


def _model(settings: Settings, index: int, dataset: str, created: float, rng: random.Random) -> None:
    folder = _folder(settings, created, rng)
    sweep, rate = index // 8, 10.0 ** -(1 + index % 4)
    group = f"sweep {sweep}" if sweep % 3 == 0 else ""
    name = f"LeNet {sweep} learning_rate:{rate:g}"
    spec = TrainSpec(
        dataset=dataset, name=name, group=group, train_epochs=30, learning_rate=rate,
        network=StandardNetwork(name="lenet"), lr=StepPolicy(),
    ).model_dump(mode="json")  # fmt: skip
    folder.metrics.mkdir()
    newest = {}
    for series, points in POINTS.items():
        values = [rng.random() / (1 + point) if "loss" in series else rng.random() for point in range(points)]
        newest[series] = values[-1]
        data = b"".join(
            RECORD.pack(step * 88, step * 30 / points, created + step, value) for step, value in enumerate(values)
        )
        series_file(folder.metrics, series).write_bytes(data)
    state, seconds = rng.choice(STATES), rng.uniform(60, 6000)
    facts = {"parameters": 431_080, "iterations": 21_120, "steps_per_epoch": 704, "batch_size": 64, "device": "cpu"}
    events: list[object] = [
        *(Snapshot(epoch=epoch, step=epoch * 704, file=f"snapshots/epoch_{epoch}", bytes=1_724_320, metrics=newest)
          for epoch in (10, 20, 30)),
        Metric(step=21_120, epoch=30, values=newest),
        Progress(task="train", done=30, total=30, unit="epochs", rate=3690, text="Epoch 30.0 of 30", facts=facts),
    ]  # fmt: skip
    if state == "Done":
        events.append(Done(facts=facts | {"labels": [str(each) for each in range(10)]}))
    record = JobRecord(
        id=folder.id, kind="model", extension="caffe", title="Image Classification Model", name=name, group=group,
        username=rng.choice(("ana", "fred", "")), created=created, depends_on=dataset, worker="train",
        tasks=(TaskPlan(name="train", title="Train Caffe Model"),), spec=spec,
    )  # fmt: skip
    _write(folder, record, events, state, seconds)
