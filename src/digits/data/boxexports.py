"""A finished dataset of boxes as files that other programs read: COCO, Pascal VOC, YOLO.

Coordinates are pixels of the stored picture, as they were taken in. Ignored boxes go out under the class "dontcare", as COCO's crowds and VOC's
difficult ones; YOLO has no such thing, and is written without them.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from digits.core.files import write_json
from digits.data.boxes import box_targets
from digits.data.labels import datum_label
from digits.data.reader import Answer
from digits.data.records import LABELS, RecordFile
from digits.data.stored import StoredDb, StoredPicture

DONTCARE = "dontcare"
_UNSAFE = re.compile(r"[^\w.\-]")
Row = tuple[int, list[float], bool]
"""A class id, left, top, right and bottom, and whether it is to be ignored."""


class BoxSink(ABC):
    """What the formats have in common: where pictures go and what they are called, and the boxes of each."""

    pictures = ""
    """Folder of the pictures below that of the export; {db} is the database."""

    def __init__(self, folder: Path, stored: StoredDb) -> None:
        self.folder, self.stored, self.db = folder, stored, stored.db
        self._place = folder / self.pictures.format(db=stored.db)
        self._place.mkdir(parents=True, exist_ok=True)
        self._used = {each.stem for each in self._place.iterdir()}
        self._labels = RecordFile(stored.folder / f"{stored.db}_db" / LABELS)
        self._places = {number: place for place, number in enumerate(stored.facts["class_ids"])}
        self._most = int(stored.facts["max_boxes"])

    def add(self, row: int, key: str, answer: Answer, picture: StoredPicture) -> None:
        """Write one picture with its boxes."""
        del answer
        stem = _UNSAFE.sub("_", os.path.splitext(os.path.basename(os.fsdecode(self.stored.index.paths[row])))[0])
        if stem in self._used:
            stem = f"{stem}_{self.db}_{key}"
        self._used.add(stem)
        name = f"{stem}.{picture.suffix}"
        (self._place / name).write_bytes(picture.file())
        height, width, channels = picture.image_HWC.shape
        self.put(name, (height, width, channels), list(self._boxes(key)))

    def _boxes(self, key: str) -> Iterator[Row]:
        record = self._labels.get(key.encode())
        assert record is not None, key
        targets = box_targets(datum_label(record, "boxes"), self._places, self._most)
        for class_id, *edges, ignored in targets[targets[:, 0] >= 0].tolist():
            yield int(class_id), [round(edge, 2) for edge in edges], bool(ignored)

    @abstractmethod
    def put(self, name: str, shape: tuple[int, int, int], boxes: list[Row]) -> None:
        """Write what is in the picture ``name`` of shape (height, width, channels)."""

    def close(self) -> None:
        """Write what is left."""
        self._labels.close()


class Coco(BoxSink):
    """``<db>/`` with the pictures, ``annotations/instances_<db>.json``."""

    pictures = "{db}"

    def __init__(self, folder: Path, stored: StoredDb) -> None:
        super().__init__(folder, stored)
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def put(self, name: str, shape: tuple[int, int, int], boxes: list[Row]) -> None:
        """Remember one picture; category ids count from 1."""
        number = len(self._images) + 1
        self._images.append({"id": number, "file_name": name, "width": shape[1], "height": shape[0]})
        for class_id, (left, top, right, bottom), ignored in boxes:
            width, height = round(right - left, 2), round(bottom - top, 2)
            category = len(self.stored.labels) if ignored else class_id
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1, "image_id": number, "category_id": category + 1,
                    "bbox": [left, top, width, height], "area": round(width * height, 2), "iscrowd": int(ignored),
                }
            )  # fmt: skip

    def close(self) -> None:
        """Write the JSON file."""
        super().close()
        names = [*self.stored.labels, *([DONTCARE] if any(each["iscrowd"] for each in self._annotations) else [])]
        categories = [{"id": number, "name": name, "supercategory": ""} for number, name in enumerate(names, 1)]
        place = self.folder / "annotations"
        place.mkdir(exist_ok=True)
        write_json(
            place / f"instances_{self.db}.json",
            {
                "info": {},
                "licenses": [],
                "images": self._images,
                "annotations": self._annotations,
                "categories": categories,
            },
        )


class Voc(BoxSink):
    """``JPEGImages/``, ``Annotations/*.xml``, ``ImageSets/Main/<db>.txt``."""

    pictures = "JPEGImages"

    def __init__(self, folder: Path, stored: StoredDb) -> None:
        super().__init__(folder, stored)
        self._stems: list[str] = []
        for name in ("Annotations", "ImageSets/Main"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def put(self, name: str, shape: tuple[int, int, int], boxes: list[Row]) -> None:
        """Write one XML file."""
        stem = Path(name).stem
        self._stems.append(stem)
        size = zip(("width", "height", "depth"), (shape[1], shape[0], shape[2]), strict=True)
        lines = ["<annotation>", "  <folder>JPEGImages</folder>", f"  <filename>{escape(name)}</filename>", "  <size>"]
        lines += [f"    <{what}>{value}</{what}>" for what, value in size]
        lines.append("  </size>")
        for class_id, edges, ignored in boxes:
            label = DONTCARE if ignored else self.stored.labels[class_id]
            lines += ["  <object>", f"    <name>{escape(label)}</name>", "    <pose>Unspecified</pose>"]
            lines += ["    <truncated>0</truncated>", f"    <difficult>{int(ignored)}</difficult>", "    <bndbox>"]
            sides = zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True)
            lines += [f"      <{side}>{_plain(value)}</{side}>" for side, value in sides]
            lines += ["    </bndbox>", "  </object>"]
        text = "\n".join([*lines, "</annotation>", ""])
        (self.folder / "Annotations" / f"{stem}.xml").write_text(text, encoding="utf-8", errors="replace")

    def close(self) -> None:
        """Write the list of the database."""
        super().close()
        text = "".join(f"{stem}\n" for stem in self._stems)
        (self.folder / "ImageSets" / "Main" / f"{self.db}.txt").write_text(text, encoding="utf-8")


class Yolo(BoxSink):
    """``images/<db>/``, ``labels/<db>/*.txt``, ``data.yaml``."""

    pictures = "images/{db}"

    def __init__(self, folder: Path, stored: StoredDb) -> None:
        super().__init__(folder, stored)
        self._texts = folder / "labels" / stored.db
        self._texts.mkdir(parents=True)

    def put(self, name: str, shape: tuple[int, int, int], boxes: list[Row]) -> None:
        """Write one text."""
        height, width, _ = shape
        lines = []
        for class_id, (left, top, right, bottom), ignored in boxes:
            if not ignored:
                x, y = (left + right) / 2 / width, (top + bottom) / 2 / height
                lines.append(f"{class_id} {x:.8f} {y:.8f} {(right - left) / width:.8f} {(bottom - top) / height:.8f}\n")
        (self._texts / f"{Path(name).stem}.txt").write_text("".join(lines), encoding="utf-8")

    def close(self) -> None:
        """Write the names of the classes and where pictures lie."""
        super().close()
        names = "".join(f"  {number}: '{_quoted(name)}'\n" for number, name in enumerate(self.stored.labels))
        places = "".join(f"{db}: images/{db}\n" for db in self.stored.facts["dbs"])
        (self.folder / "data.yaml").write_text(f"path: .\n{places}names:\n{names}", encoding="utf-8", errors="replace")


def _quoted(name: str) -> str:
    return name.replace("'", "''").replace("\n", " ")


def _plain(value: float) -> str:
    """Return 12 for 12.0: many readers of VOC expect whole numbers."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


SINKS = {"coco": Coco, "voc": Voc, "yolo": Yolo}
