"""What a source holds, told before a dataset is made of it: classes with their boxes, what would be refused, pictures with boxes drawn in."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from digits.core.errors import DataError
from digits.core.work import StopCheck, StoppedError, WorkerSettings
from digits.data.boxes import distinct_colours
from digits.data.encode import encode_jpeg
from digits.data.example import data_url
from digits.data.images import Limits, decode, read_file, to_channels
from digits.data.probe import picture_size
from digits.data.refused import RefusedWriter, read_refused
from digits.data.resize import scale
from digits.extensions.datasets.detection.formats import TITLES, Annotated
from digits.extensions.datasets.detection.gather import Gathered, gather
from digits.extensions.datasets.detection.recognise import recognise
from digits.extensions.datasets.detection.spec import DetectionSpec
from digits.extensions.datasets.paths import printable

_SHOWN_REFUSED = 100
_SHOWN = 6
"""Pictures."""
_MEASURED = 500
_SIDE_PX = 320
_REPORT_S = 0.5


@dataclass(frozen=True)
class Sample:
    """One picture of a source: its file as it is, and small with its boxes."""

    class_id: int
    name: str
    data: bytes
    image: str
    """A data URL."""


def inspect_source(
    *,
    path: str = "",
    source: Mapping[str, Any] | None = None,
    settings: WorkerSettings | None = None,
    progress: Callable[[int], None] | None = None,
    stop: StopCheck = lambda: False,
) -> tuple[dict[str, Any], list[Sample]]:
    """Return what a source holds, and some of its pictures.

    Args:
        path: a folder that is recognised, where ``source`` is not given.
        source: the whole form, nested.
        settings: what is too large.
        progress: told the number of pictures seen, about twice a second.
        stop: asked for each file.

    Returns:
        ``format``, ``words``, ``classes`` (label, count of boxes, colour), ``count`` (of pictures), ``boxes``, ``dbs`` and ``class_dbs``
        (pictures and boxes by database), ``names`` (boxes by the name that is written on them), ``notes``, ``refused`` (the first 100),
        ``refused_count``, ``sizes``, ``samples``, ``seconds``, and ``fields`` where a path was recognised.

    Raises:
        DataError: it cannot be read, is nothing that is known, or holds no box of a class that is asked for.
        StoppedError: asked to stop.
    """
    started = time.monotonic()
    limits = Limits(max_pixels=(settings or WorkerSettings()).max_image_pixels)
    recognised: dict[str, Any] = {}
    if source is None:
        recognised = recognise(Path(path))
        source = {"name": "-", **{name: texts[0] or None for name, texts in recognised["fields"].items()}}
    spec = DetectionSpec.model_validate(source)
    found, refused = _gathered(spec, _ticker(progress, stop))
    told = {
        "format": spec.annotation_format, "count": sum(map(len, found.parts.values())), "names": dict(found.counts.most_common()),
    }  # fmt: skip
    counted, samples, sizes = _counted(found), _samples(found, limits), _sizes(found, limits)
    colours = distinct_colours(len(found.ids)).tolist()
    return told | counted | refused | {
        "notes": [*found.notes, *_too_large(spec, sizes)],
        "words": f"{TITLES[spec.annotation_format]}: {counted['boxes']:,} boxes on {told['count']:,} pictures",
        "classes": [
            {"label": label, "count": count, "sample": "", "thumb": "", "colour": "#{:02x}{:02x}{:02x}".format(*colour)}
            for label, count, colour in zip(found.labels, counted["totals"], colours, strict=True)
        ],
        "sizes": sizes,
        "samples": [{"class": each.class_id, "name": each.name, "image": each.image} for each in samples],
        "fetch": {}, "unpacked_bytes": 0, "seconds": round(time.monotonic() - started, 3),
        **({"fields": recognised["fields"]} if recognised else {}),
    }, samples  # fmt: skip


def _gathered(spec: DetectionSpec, tick: Callable[[int], None]) -> tuple[Gathered, dict[str, Any]]:
    """Return what ``spec`` asks for, and ``refused`` (the first rows) and ``refused_count``."""
    with tempfile.TemporaryDirectory(prefix="digits-look-") as folder:
        file = Path(folder) / "refused.csv"
        refused = RefusedWriter(file)
        try:
            found = gather(spec, spec.random_seed or 0, refused, tick)
        finally:
            refused.close()
        rows = [
            {"path": printable(row.path), "line": row.line, "rule": row.rule, "reason": row.reason}
            for row in itertools.islice(read_refused(file), _SHOWN_REFUSED)
        ]
    return found, {"refused": rows, "refused_count": refused.count}


def _ticker(progress: Callable[[int], None] | None, stop: StopCheck) -> Callable[[int], None]:
    reported = time.monotonic()

    def tick(found: int) -> None:
        nonlocal reported
        if stop():
            raise StoppedError
        if progress and time.monotonic() - reported >= _REPORT_S:
            reported = time.monotonic()
            progress(found)

    return tick


def _counted(found: Gathered) -> dict[str, Any]:
    places, by_db = found.places(), {}
    for db, pictures in found.parts.items():
        counts: Counter[int | None] = Counter(
            places.get(-1 if (number := found.classes.id_of(box.label)) is None or box.ignore else number)
            for each in pictures
            for box in each.boxes
        )
        by_db[db] = [counts[place] for place in range(len(found.ids))]
    totals = [sum(each) for each in zip(*by_db.values(), strict=True)]
    return {
        "dbs": {db: len(pictures) for db, pictures in found.parts.items()},
        "class_dbs": by_db,
        "totals": totals,
        "boxes": sum(totals),
    }


def _sizes(found: Gathered, limits: Limits) -> dict[str, list[int]]:
    """Return the smallest, the largest and the median of some pictures, as [width, height]."""
    pictures = [each.picture for part in found.parts.values() for each in part]
    sizes = []
    for picture in pictures[:: max(1, len(pictures) // _MEASURED)][:_MEASURED]:
        try:
            sizes.append(picture_size(picture, limits=limits))
        except DataError:  # the build will say so
            continue
    sizes.sort(key=lambda size: size[0] * size[1])
    chosen = {"min": sizes[0], "max": sizes[-1], "median": sizes[len(sizes) // 2]} if sizes else {}
    return {name: [width, height] for name, (height, width) in chosen.items()}


def _too_large(spec: DetectionSpec, sizes: Mapping[str, list[int]]) -> list[str]:
    """Return a word on pictures that are larger than what they are to be padded to."""
    width, height = spec.padding_image_width, spec.padding_image_height
    if not (width and height and sizes) or (sizes["max"][0] <= width and sizes["max"][1] <= height):
        return []
    return [
        f"Pictures of {sizes['max'][0]} × {sizes['max'][1]} do not fit into the padding of {width} × {height}: leave it blank, or pad to more"
    ]


def _samples(found: Gathered, limits: Limits) -> list[Sample]:
    """Return some pictures with their boxes, so that each of the first classes is seen."""
    chosen: dict[bytes, tuple[int, Annotated]] = {}
    for place, number in enumerate(found.ids[:_SHOWN]):
        having = [each for each in found.parts["train"] if _has(each, found, number)]
        most = max(1, _SHOWN // min(len(found.ids), _SHOWN))
        for each in having[:: max(1, len(having) // most)][:most]:
            chosen.setdefault(each.picture, (place, each))
    samples = []
    for place, each in chosen.values():
        try:
            data = read_file(each.picture)
            samples.append(Sample(place, printable(each.picture), data, _drawn(data, each, found, limits)))
        except DataError:  # the build will say so; a look need not
            continue
    return samples


def _has(picture: Annotated, found: Gathered, number: int) -> bool:
    return any(found.classes.id_of(box.label) == number for box in picture.boxes)


def _drawn(data: bytes, picture: Annotated, found: Gathered, limits: Limits) -> str:
    """Return a picture with the boxes of its classes drawn in, small, as a data URL."""
    image_HWC = to_channels(decode(data, limits=limits).image_HWC, 3)
    height, width = image_HWC.shape[:2]
    ratio = min(1.0, _SIDE_PX / max(height, width))
    small = np.ascontiguousarray(scale(image_HWC, (max(1, round(height * ratio)), max(1, round(width * ratio)))))
    colours, places = distinct_colours(len(found.ids)), found.places()
    for box in picture.boxes:
        number = found.classes.id_of(box.label)
        if number is None or number not in places:
            continue
        corners = [(round(x * ratio), round(y * ratio)) for x, y in ((box.left, box.top), (box.right, box.bottom))]
        cv2.rectangle(small, corners[0], corners[1], colours[places[number]].tolist(), 2)
    return data_url(encode_jpeg(small))
