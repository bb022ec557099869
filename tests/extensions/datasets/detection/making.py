"""Small sets of pictures with boxes, and datasets made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from digits.core.events import Event, Warned
from digits.core.jobfolder import JobFolder
from digits.core.work import WorkerSettings
from digits.data.boxreader import RecordBoxReader
from digits.data.refused import Refused, read_refused
from digits.extensions.datasets.detection.build import build
from digits.extensions.datasets.detection.reader import open_reader
from digits.extensions.datasets.detection.spec import DetectionSpec

Boxes = dict[str, list[tuple[str, float, float, float, float]]]
"""By the picture's stem: name, left, top, right, bottom."""
UNPADDED: dict[str, Any] = {"padding_image_width": None, "padding_image_height": None}


class Made:
    """A finished dataset."""

    def __init__(self, folder: Path, images: Path, labels: Path | str, **fields: Any) -> None:
        folder.mkdir()
        spec = {"name": "test", "random_seed": 1, "train_image_folder": str(images), "train_label_folder": str(labels)}
        self.path, self.folder, self.events = folder, JobFolder(folder), list[Event]()
        self.facts = build(
            DetectionSpec.model_validate(spec | fields),
            self.folder,
            WorkerSettings(),
            self.events.append,
            lambda: False,
        )

    def reader(self, db: str = "train") -> RecordBoxReader:
        return open_reader(self.folder, db)

    def boxes(self, db: str = "train") -> dict[str, list[list[float]]]:
        """Rows of class id, left, top, right, bottom, ignore by the picture's stem."""
        reader = self.reader(db)
        found = {}
        for sample in reader:
            rows = [[round(value, 2) for value in row] for row in sample.label.tolist() if row[0] >= 0]
            found[Path(sample.source).stem] = rows
        return found

    def named_boxes(self, db: str = "train") -> dict[str, list[tuple[str, list[float]]]]:
        """The same with the classes' names; VOC's files do not number them."""
        labels = self.facts["labels"]
        return {stem: [(labels[int(row[0])], row[1:]) for row in rows] for stem, rows in self.boxes(db).items()}

    @property
    def refused(self) -> list[Refused]:
        return list(read_refused(self.path / "refused.csv"))

    @property
    def words(self) -> str:
        """All warnings."""
        return " ".join(each.message for each in self.events if isinstance(each, Warned))


def draw(folder: Path, stems: list[str], size: tuple[int, int] = (40, 60)) -> Path:
    """Write a picture of noise for each stem; ``size`` is (height, width)."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for stem in stems:
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(folder / f"{stem}.png")
    return folder


def kitti_line(name: str, box: tuple[float, float, float, float], *, z: float = 0, alpha: float = 0) -> str:
    """Return a line of KITTI with distinct numbers in the columns beside the box."""
    edges = " ".join(f"{value:.2f}" for value in box)
    return f"{name} 0.5 1 {alpha} {edges} 1.5 1.6 3.7 -2 1.4 {z} 0.3\n"


def write_kitti(folder: Path, boxes: Boxes) -> Path:
    """Write a text for each picture."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, rows in boxes.items():
        (folder / f"{stem}.txt").write_text("".join(kitti_line(name, edges) for name, *edges in rows))  # type: ignore[arg-type] # four edges
    return folder
