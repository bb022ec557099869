"""A root with jobs of every kind and state, written as job folders and indexed by the store: what the pages' tests look at.

Times, rates and curves are made up; files and rows are what the real workers leave behind.
"""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digits.core.events import Done, Event, EventWriter, Failed, Metric, Progress, Snapshot, Warned
from digits.core.files import write_bytes, write_json, write_text
from digits.core.jobfolder import JobFolder, JobRecord, TaskPlan, new_job_id
from digits.core.metrics import RECORD, series_file
from digits.core.settings import Settings
from digits.core.trainspec import CustomNetwork, StandardNetwork, StepPolicy, TrainSpec
from digits.store import Store

LABELS = [str(digit) for digit in range(10)]
TRAIN_COUNTS = [4442, 5057, 4469, 4598, 4382, 4066, 4439, 4699, 4388, 4462]
VAL_COUNTS = [1481, 1685, 1489, 1533, 1460, 1355, 1479, 1566, 1463, 1487]
TASKS = {
    "parse_folder": "Parse Folder (train/val)", "create_train_db": "Create DB (train)", "create_val_db": "Create DB (val)",
}  # fmt: skip


@dataclass
class Made:
    """A job on disk, before it is indexed."""

    folder: JobFolder
    submitted: float


def make(
    settings: Settings, kind: str, name: str, *, spec: dict[str, Any], ago_s: float, user: str = "ana", group: str = "",
    depends_on: str = "", extension: str = "", title: str = "", tasks: dict[str, str] | None = None,
) -> Made:  # fmt: skip
    """Write a job folder as the web process leaves it, submitted ``ago_s`` seconds ago."""
    folder = JobFolder(settings.jobs / new_job_id(settings.jobs))
    submitted = time.time() - ago_s
    model = kind == "model"
    record = JobRecord(
        id=folder.id, kind="model" if model else "dataset", name=name, group=group, username=user, created=submitted,
        extension=extension or ("caffe" if model else "image-classification"),
        title=title or ("Image Classification Model" if model else "Image Classification Dataset"),
        depends_on=depends_on, worker="train" if model else "build", spec=spec,
        tasks=tuple(TaskPlan(name=key, title=text) for key, text in (tasks or {}).items()),
    )  # fmt: skip
    folder.write(record)
    return Made(folder, submitted)


def journal(made: Made, *lines: tuple[float, dict[str, Any]]) -> None:
    """Append journal lines, each at so many seconds after the job was submitted."""
    import json

    with made.folder.journal_file.open("a") as file:
        for after_s, line in lines:
            events = made.folder.events_file.stat().st_size if made.folder.events_file.exists() else 0
            file.write(json.dumps({"time": made.submitted + after_s, "events": events, **line}) + "\n")


def say(made: Made, *events: Event) -> None:
    """Append events, as the job's worker would."""
    writer = EventWriter(made.folder.events_file)
    for event in events:
        writer(event)
    writer.close()


def classification_spec(name: str, folder: str = "/data/mnist/train", **more: Any) -> dict[str, Any]:
    """Return the spec of a dataset as ``job.json`` has it."""
    return {
        "name": name, "group": "", "resize_channels": 1, "resize_width": 28, "resize_height": 28, "resize_mode": "squash",
        "backend": "lmdb", "encoding": "png", "random_seed": None,
        "source": {"method": "folder", "train": folder, "pct_val": 25, "pct_test": 0},
    } | more  # fmt: skip


def dataset_facts(**more: Any) -> dict[str, Any]:
    """Return what dataset.json holds, as the build worker writes it."""
    return {
        "labels": LABELS, "target_kind": "class", "image": {"width": 28, "height": 28, "channels": 1},
        "resize_mode": "squash", "backend": "lmdb", "encoding": "png", "compression": "none",
        "dbs": {
            "train": {"entries": 45_002, "bytes": 17_900_000, "input_file": "train.txt", "log_file": "create_train_db.log",
                      "class_counts": TRAIN_COUNTS, "seconds": 16.0},
            "val": {"entries": 14_998, "bytes": 6_000_000, "input_file": "val.txt", "log_file": "create_val_db.log",
                    "class_counts": VAL_COUNTS, "seconds": 6.0},
        },
        "parsed": {"label_count": 10, "train_count": 45_002, "val_count": 14_998, "test_count": 0},
        "mean": {"file": "mean.binaryproto", "picture": "mean.jpg", "values": [33.3], "min": 0, "max": 139, "std": 42.5},
        "refused": {"count": 3}, "bytes": 23_900_000,
    } | more  # fmt: skip


REFUSED = """db,path,line,rule,reason
train,train/5/59017 (copy).png,,IMG_EMPTY,The file is empty.
train,train/7/22418.png,,IMG_TRUNCATED,Ends early: 112 of 281 bytes.
train,train/9/00733.png,,IMG_UNKNOWN,Not a PNG inside: the content is HTML text.
"""


def done_dataset(
    settings: Settings, name: str, *, ago_s: float, facts: dict[str, Any] | None = None, **more: Any
) -> Made:
    """Write a dataset that is Done."""
    facts = facts or dataset_facts()
    made = make(settings, "dataset", name, spec=classification_spec(name), ago_s=ago_s, tasks=TASKS, **more)
    write_json(made.folder.path / "dataset.json", facts)
    write_text(made.folder.path / "labels.txt", "\n".join(facts["labels"]) + "\n")
    for db in facts["dbs"]:
        write_text(made.folder.path / f"{db}.txt", f"{name}/0/00001.png 0\n")
        write_text(made.folder.path / f"create_{db}_db.log", "done\n")
    write_text(made.folder.path / "refused.csv", REFUSED)
    write_bytes(made.folder.path / "mean.binaryproto", b"\x08\x01" + bytes(3136))
    mean_picture(made.folder.path / "mean.jpg", facts["image"])
    at = made.submitted
    journal(made, (1, {"what": "state", "state": "Running", "reason": ""}))
    db_tasks = [(f"create_{db}_db", each["entries"], each["seconds"]) for db, each in facts["dbs"].items()]
    total = sum(count for _, count, _ in db_tasks)
    moment = 1.0
    for task, count, seconds in [("parse_folder", total, 2.0), *db_tasks]:
        say(
            made,
            Progress(time=at + moment, task=task, done=0, total=count, unit="pictures"),
            Progress(
                time=at + moment + seconds,
                task=task,
                done=count,
                total=count,
                unit="pictures",
                rate=count / seconds,
                state="done",
            ),
        )
        moment += seconds
    say(made, Done(time=at + moment, facts=facts))
    journal(made, (moment, {"what": "state", "state": "Done", "reason": ""}))
    return made


def mean_picture(path: Path, image: dict[str, int]) -> None:
    """Write a mean picture: a blurred ring."""
    import numpy as np
    from PIL import Image

    height, width = image["height"], image["width"]
    y, x = np.mgrid[0:height, 0:width]
    radius = np.hypot((x - width / 2) / width * 3.2, (y - height / 2) / height * 2.4)
    ring = np.exp(-((radius - 0.5) ** 2) / 0.06) * 139
    grey = Image.fromarray(ring.astype(np.uint8))
    (grey if image["channels"] == 1 else grey.convert("RGB")).save(path, quality=90)


def draw_digits(folder: Path, *, count: int = 200) -> Path:
    """Write class folders of drawn digits, two broken files among them; return the folder of the classes."""
    from digits.download.drawn import digits
    from digits.download.folders import write_class_folders

    train = write_class_folders(digits(count, 10)[0], folder, "train", labels=LABELS).folder
    (train / "5" / "empty.png").write_bytes(b"")
    (train / "9" / "page.png").write_bytes(b"<!doctype html><title>no picture</title>")
    return train


def built_dataset(settings: Settings, name: str, pictures: Path, *, ago_s: float) -> Made:
    """Build a dataset from class folders, as the build worker does."""
    from digits.core.extensions import extension, load
    from digits.core.work import WorkerSettings

    kind = extension("datasets", "image-classification")
    spec = kind.spec.model_validate(classification_spec(name, str(pictures)))
    plans = {plan.name: plan.title for plan in load(kind.tasks)(spec)}
    made = make(settings, "dataset", name, spec=spec.model_dump(mode="json"), ago_s=ago_s, tasks=plans)
    journal(made, (0, {"what": "state", "state": "Running", "reason": ""}))
    writer = EventWriter(made.folder.events_file)
    facts = load(kind.build)(spec, made.folder, WorkerSettings.of(settings), writer, lambda: False)
    writer(Done(facts=facts))
    writer.close()
    journal(made, (time.time() - made.submitted, {"what": "state", "state": "Done", "reason": ""}))
    return made


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


def fill(settings: Settings, pictures: Path | None = None) -> dict[str, str]:
    """Make a whole site of jobs; return ids by a short name. With ``pictures`` (class folders) one dataset is a real one."""
    ids: dict[str, str] = {}
    day = 86_400.0
    mnist = done_dataset(settings, "MNIST 28 × 28", ago_s=1800)
    note = "Class folders 0 to 9, a quarter kept for validation. The 10,000 test pictures stay apart."
    journal(mnist, (60, {"what": "edit", "notes": note}))
    ids["mnist"] = mnist.folder.id
    ids["cifar"] = done_dataset(settings, "CIFAR-10 32 × 32", ago_s=2 * day).folder.id
    building = make(
        settings,
        "dataset",
        "Clothing 256",
        spec=classification_spec(
            "Clothing 256", "/data/clothing", resize_channels=3, resize_width=256, resize_height=256
        ),
        ago_s=8,
        tasks=TASKS,
    )
    journal(building, (1, {"what": "state", "state": "Running", "reason": ""}))
    at = building.submitted
    say(
        building,
        Progress(time=at + 1, task="parse_folder", done=0, total=0, unit="pictures"),
        Progress(time=at + 2, task="parse_folder", done=1036, total=1036, unit="pictures", rate=1036, state="done"),
        Progress(time=at + 2, task="create_train_db", done=0, total=850, unit="pictures"),
        Progress(time=at + 8, task="create_train_db", done=301, total=850, unit="pictures", rate=43, text="Create DB (train): 301 of 850 pictures"),
        Warned(message="Class 'hat' has only 2 pictures.", hint="Give it more, or leave it out."),
    )  # fmt: skip
    ids["building"] = building.folder.id
    broken = make(
        settings,
        "dataset",
        "Broken paths",
        spec=classification_spec("Broken paths", "/data/none"),
        ago_s=3 * day,
        tasks=TASKS,
    )
    journal(broken, (1, {"what": "state", "state": "Running", "reason": ""}))
    trouble = {
        "message": "The folder holds no picture.",
        "where": "/data/none",
        "hint": "Point to a folder with one subfolder for each class.",
        "trace": "Traceback (most recent call last):\n  …",
    }
    say(
        broken,
        Failed(
            time=broken.submitted + 2,
            message=trouble["message"],
            where=trouble["where"],
            hint=trouble["hint"],
            trace=trouble["trace"],
        ),
    )
    journal(broken, (2, {"what": "state", "state": "Error", "reason": "", "error": trouble}))
    ids["broken"] = broken.folder.id

    sweep = "MNIST learning rates"
    data = ids["mnist"]
    ids["slow"] = model(
        settings,
        "MNIST LeNet learning_rate:0.001",
        data,
        state="Done",
        ago_s=900,
        epochs=10,
        seconds=123,
        group=sweep,
        best=0.9761,
        rate=0.001,
    ).folder.id
    ids["done"] = model(
        settings,
        "MNIST LeNet learning_rate:0.005",
        data,
        state="Done",
        ago_s=700,
        epochs=10,
        seconds=122,
        group=sweep,
        best=0.9907,
        rate=0.005,
    ).folder.id
    ids["running"] = model(
        settings, "MNIST LeNet", data, state="Running", ago_s=79, epochs=6.4, seconds=78, group=sweep
    ).folder.id
    ids["waiting"] = model(
        settings, "MNIST LeNet learning_rate:0.1", data, state="Waiting", ago_s=12, group=sweep, rate=0.1,
        reason="Waiting: 1 of 1 training slots busy, first in the queue",
    ).folder.id  # fmt: skip
    ids["nan"] = model(
        settings,
        "Clothing AlexNet lr 0.1",
        ids["cifar"],
        state="Error",
        ago_s=2 * day,
        epochs=0.4,
        total=30,
        seconds=9,
        rate=0.1,
    ).folder.id
    ids["aborted"] = model(
        settings,
        "Street AlexNet from scratch",
        ids["cifar"],
        state="Aborted",
        ago_s=day,
        epochs=4.2,
        total=60,
        seconds=1260,
        best=0.35,
    ).folder.id
    ids["old"] = model(
        settings, "MNIST two-layer perceptron", data, state="Done", ago_s=5 * day, epochs=10, seconds=69, best=0.9792
    ).folder.id
    if pictures:
        ids["real"] = built_dataset(settings, "Digits 28 × 28", pictures, ago_s=600).folder.id
    store = Store(settings)
    store.reindex()
    store.close()
    return ids


if __name__ == "__main__":
    import shutil
    import sys

    root = Path(sys.argv[1])
    shutil.rmtree(root, ignore_errors=True)
    for key, value in fill(Settings(root=root), Path(sys.argv[2]) if len(sys.argv) > 2 else None).items():
        print(key, value)
