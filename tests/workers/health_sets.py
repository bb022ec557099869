"""A dataset of drawn pictures with faults planted in it, built by the real builder; and the check of it by the real worker's code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.events import Event, EventWriter
from digits.core.files import read_json
from digits.core.healthspec import HealthSpec, tasks
from digits.core.jobfolder import JobFolder, JobRecord
from digits.core.work import WorkerSettings
from digits.extensions.datasets.classification.build import build
from digits.extensions.datasets.classification.spec import ClassificationSpec
from digits.workers.health import check_health

SIDE = 48
EACH = 20
DATASET, CHECK = "20261124-041512-7f3a", "20261124-041530-0001"


def scene(seed: int) -> NDArray[np.uint8]:
    """Draw a picture in colour with broad forms and detail."""
    rng = np.random.default_rng(seed)
    image = np.full((SIDE, SIDE, 3), rng.integers(60, 190, 3), np.uint8)
    for _ in range(25):
        centre = tuple(int(each) for each in rng.integers(0, SIDE, 2))
        colour = tuple(int(each) for each in rng.integers(0, 255, 3))
        cv2.circle(image, centre, int(rng.integers(2, 9)), colour, -1)
    return image


def draw_faulty(folder: Path) -> Path:
    """Draw class folders a, b and c for training and validation, with one fault of each kind."""
    for part, first in (("train", 0), ("val", 1000)):
        for number, label in enumerate("abc"):
            place = folder / part / label
            place.mkdir(parents=True)
            for index in range(EACH if part == "train" else 4):
                cv2.imwrite(str(place / f"{index:02d}.png"), scene(first + 100 * number + index))
    train, val = folder / "train", folder / "val"
    (train / "a" / "copy.png").write_bytes((train / "a" / "00.png").read_bytes())  # exact, one class
    (train / "b" / "wrong.png").write_bytes((train / "a" / "01.png").read_bytes())  # exact, two classes
    cv2.imwrite(str(val / "c" / "cut.png"), scene(205)[2:-2, 2:-2])  # near, leaks
    cv2.imwrite(str(train / "b" / "again.jpg"), scene(107), [cv2.IMWRITE_JPEG_QUALITY, 60])  # near, one class
    cv2.imwrite(str(train / "c" / "black.png"), np.zeros((SIDE, SIDE, 3), np.uint8))
    cv2.imwrite(str(train / "c" / "blue.png"), np.full((SIDE, SIDE, 3), (200, 80, 10), np.uint8))
    cv2.imwrite(str(train / "c" / "tiny.png"), cv2.resize(scene(500), (12, 12), interpolation=cv2.INTER_AREA))
    cv2.imwrite(str(train / "c" / "long.png"), np.hstack([scene(seed) for seed in range(510, 514)])[:36])
    (train / "c" / "page.png").write_text("<!doctype html>")
    return folder


def spec_of(folder: Path, **more: Any) -> ClassificationSpec:
    """Return the form of the dataset."""
    source = {"train": str(folder / "train"), "has_val_folder": True, "val": str(folder / "val")}
    asked = {"name": "faulty", "resize_width": SIDE, "resize_height": SIDE, "random_seed": 1, "source": source}
    return ClassificationSpec.model_validate(asked | more)


def built(jobs: Path, spec: ClassificationSpec) -> JobFolder:
    """Build the dataset in this process."""
    folder = JobFolder(jobs / DATASET)
    folder.write(
        JobRecord(id=DATASET, kind="dataset", extension="image-classification", title="", name=spec.name, created=0,
                  worker="build", spec=spec.model_dump(mode="json"))
    )  # fmt: skip
    emit = EventWriter(folder.events_file)
    build(spec, folder, WorkerSettings(), emit, lambda: False)
    emit.close()
    return folder


def checked(
    dataset: JobFolder, *, model: str = "", said: list[Event] | None = None
) -> tuple[dict[str, Any], JobFolder]:
    """Check the dataset in this process; return the findings and the check's folder."""
    spec = HealthSpec(model=model)
    folder = JobFolder(dataset.path.parent / CHECK)
    record = JobRecord(id=CHECK, kind="health", extension="image-classification", title="", name="", created=0,
                       worker="health", parent=dataset.id, tasks=tasks(spec), spec=spec.model_dump(mode="json"))  # fmt: skip
    folder.write(record)
    events: list[Event] = [] if said is None else said
    check_health(record, folder, events.append, lambda: False, WorkerSettings())
    return read_json(folder.path / "findings.json"), folder
