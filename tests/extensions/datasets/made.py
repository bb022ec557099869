"""A dataset of any installed kind, built in this process from the fields of its form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from digits.caffeproto import caffe_pb2
from digits.core.events import Event
from digits.core.extensions import DatasetExtension, extension, load
from digits.core.jobfolder import JobFolder
from digits.core.settings import Settings
from digits.core.work import WorkerSettings
from digits.data.records import RecordFile
from digits.data.refused import read_refused
from digits.web.forms import by_flat_name, parse

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


class Made:
    """A finished dataset; ``fields`` are the form's, by DIGITS' flat names."""

    def __init__(self, kind: str, folder: Path, **fields: object) -> None:
        folder.mkdir()
        self.kind: DatasetExtension = extension("datasets", kind)
        given = {"dataset_name": "test", "random_seed": 1} | fields
        parsed = parse(self.kind.spec, {name: [str(value)] for name, value in given.items()})
        assert parsed.spec is not None, parsed.problems
        assert load(self.kind.check)(parsed.spec, Settings()) == {}
        self.path, self.folder, self.events = folder, JobFolder(folder), list[Event]()
        build = load(self.kind.build)
        self.facts = build(parsed.spec, self.folder, WorkerSettings(), self.events.append, lambda: False)

    def reader(self, db: str = "train") -> Any:
        return load(self.kind.reader)(self.folder, db)

    def datums(self, name: str) -> list[Any]:
        """The records of an LMDB, as protobuf reads them."""
        with RecordFile(self.path / name) as records:
            return [caffe_pb2.Datum.FromString(record) for record in records.records()]

    @property
    def refused(self) -> dict[str, str]:
        """Reasons by file name."""
        return {Path(row.path).name: row.reason for row in read_refused(self.path / "refused.csv")}


def problems(kind: str, **fields: object) -> dict[str, str]:
    """What a form is refused with, by field; "" where it is not."""
    installed: DatasetExtension = extension("datasets", kind)
    parsed = parse(installed.spec, {name: [str(value)] for name, value in ({"dataset_name": "test"} | fields).items()})
    found = parsed.problems
    if parsed.spec is not None:
        found = by_flat_name(parsed.spec, load(installed.check)(parsed.spec, Settings()))
    return {name: " ".join(texts) for name, texts in found.items()}


def draw(folder: Path, count: int, *, shape: tuple[int, ...] = (10, 14, 3), seed: int = 0) -> list[Pixels]:
    """Write pictures of noise, 00.png and so on, and return their pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    pictures = [rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(count)]
    for index, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(folder / f"{index:02d}.png")
    return pictures
