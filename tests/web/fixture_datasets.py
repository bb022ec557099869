"""Datasets on disk: made up ones with MNIST's counts, and real ones that the builder made of drawn digits."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from digits.core.events import Done, EventWriter, Progress
from digits.core.files import write_bytes, write_json, write_text
from digits.core.settings import Settings
from tests.web.fixture_jobs import LABELS, Made, journal, make, say

TRAIN_COUNTS = [4442, 5057, 4469, 4598, 4382, 4066, 4439, 4699, 4388, 4462]
VAL_COUNTS = [1481, 1685, 1489, 1533, 1460, 1355, 1479, 1566, 1463, 1487]
TASKS = {
    "parse_folder": "Parse Folder (train/val)", "create_train_db": "Create DB (train)", "create_val_db": "Create DB (val)",
}  # fmt: skip


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
