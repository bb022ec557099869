"""What a source holds, told before a dataset is made of it: pairs, sizes, classes with their share of the pixels, pictures with their masks."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DataError
from digits.core.work import StopCheck, StoppedError, WorkerSettings
from digits.data.encode import encode_jpeg
from digits.data.example import data_url
from digits.data.images import Limits, decode, read_file, to_channels
from digits.data.masks import LabelPicture, read_label
from digits.data.refused import RefusedWriter, read_refused
from digits.data.resize import scale
from digits.extensions.datasets.building.pairs import Pair, find_parts
from digits.extensions.datasets.paths import printable
from digits.extensions.datasets.segmentation.colours import Classes, find_classes
from digits.extensions.datasets.segmentation.recognise import recognise
from digits.extensions.datasets.segmentation.spec import SegmentationSpec

LOOKED_AT = 100
"""Labels that are read, evenly spread; the build reads all."""
_SHOWN_REFUSED, _SHOWN = 100, 6
_SIDE_PX = 320
_MASK = 0.55  # of a picture's brightness, where its mask lies over it
_REPORT_S = 0.5
_VALUES = 256


@dataclass(frozen=True)
class Sample:
    """One picture of a source: its file as it is, and small with its mask over it."""

    name: str
    data: bytes
    image: str
    """A data URL."""


@dataclass(frozen=True)
class _Looked:
    """Pairs whose label was read."""

    pairs: list[Pair]
    labels: list[LabelPicture]


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
        progress: told the number of files seen, about twice a second.
        stop: asked for each file.

    Returns:
        ``format``, ``words``, ``classes`` (label, count of pixels, colour), ``count`` (of pictures), ``pixels`` (counted, of the labels that
        were read), ``looked_at`` (how many those are), ``dbs`` (pictures by database), ``notes``, ``refused`` (the first 100),
        ``refused_count``, ``sizes``, ``samples``, ``seconds``, and ``fields`` where a path was recognised.

    Raises:
        DataError: it cannot be read, there is no pair, or not one label fits.
        StoppedError: asked to stop.
    """
    started = time.monotonic()
    limits = Limits(max_pixels=(settings or WorkerSettings()).max_image_pixels)
    recognised: dict[str, Any] = {}
    if source is None:
        recognised = recognise(Path(path))
        source = {"name": "-", **{name: texts[0] for name, texts in recognised["fields"].items()}}
    spec = SegmentationSpec.model_validate(source)
    with tempfile.TemporaryDirectory(prefix="digits-look-") as folder:
        file = Path(folder) / "refused.csv"
        refused = RefusedWriter(file)
        try:
            parts = find_parts(spec, spec.random_seed or 0, refused, _ticker(progress, stop))
            looked = _read(parts["train"], limits, refused, stop)
            classes = find_classes(spec, looked.labels)
            pixels, fits = _count(looked, classes, refused)
        finally:
            refused.close()
        rows = list(itertools.islice(read_refused(file), _SHOWN_REFUSED))
    labels = classes.labels(int(np.flatnonzero(pixels).max(initial=0)))
    palette, counts = classes.palette(len(labels)), pixels[: len(labels)].tolist()
    count = sum(map(len, parts.values()))
    samples = list(_drawn(fits[:: max(1, len(fits) // _SHOWN)][:_SHOWN], classes, limits))
    return {
        "format": "masks", "count": count, "pixels": sum(counts), "looked_at": len(fits),
        "words": f"{count:,} pictures with labels; the pixels of {len(fits):,} labels are counted",
        "classes": [
            {"label": label, "count": number, "sample": "", "thumb": "", "colour": "#{:02x}{:02x}{:02x}".format(*colour)}
            for label, number, colour in zip(labels, counts, palette.tolist(), strict=True)
        ],
        "dbs": {db: len(pairs) for db, pairs in parts.items()}, "class_dbs": {},
        "notes": _notes(labels, counts), "sizes": _sizes(looked.labels),
        "refused": [
            {"path": printable(row.path), "line": row.line, "rule": row.rule, "reason": row.reason} for row in rows
        ],
        "refused_count": refused.count,
        "samples": [{"class": 0, "name": each.name, "image": each.image} for each in samples],
        "fetch": {}, "unpacked_bytes": 0, "seconds": round(time.monotonic() - started, 3),
        **({"fields": recognised["fields"]} if recognised else {}),
    }, samples  # fmt: skip


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


def _read(pairs: Sequence[Pair], limits: Limits, refused: RefusedWriter, stop: StopCheck) -> _Looked:
    looked = _Looked([], [])
    for pair in pairs[:: max(1, len(pairs) // LOOKED_AT)][:LOOKED_AT]:
        if stop():
            raise StoppedError
        try:
            looked.labels.append(read_label(read_file(pair[1]), limits=limits))
            looked.pairs.append(pair)
        except DataError as error:
            refused.add("", pair[1], error)
    return looked


def _count(
    looked: _Looked, classes: Classes, refused: RefusedWriter
) -> tuple[NDArray[np.int64], list[tuple[Pair, NDArray[np.uint8]]]]:
    """Return the pixels of each value, none of what is ignored, and the masks of the labels that fit."""
    pixels, fits = np.zeros(_VALUES, np.int64), []
    trouble: DataError | None = None
    for pair, label in zip(looked.pairs, looked.labels, strict=True):
        try:
            mask_HW = classes.ids(label)
        except DataError as error:
            refused.add("", pair[1], error)
            trouble = trouble or error
            continue
        pixels += np.bincount(mask_HW.ravel(), minlength=_VALUES)
        fits.append((pair, mask_HW))
    if not fits and trouble is not None:
        raise trouble
    if classes.ignore_label is not None:
        pixels[classes.ignore_label] = 0
    return pixels, fits


def _notes(labels: Sequence[str], counts: Sequence[int]) -> list[str]:
    """Return what should be known before training: how far a network comes that says one class alone."""
    total, present = sum(counts), sum(count > 0 for count in counts)
    if not total or present < 2:
        return ["All pixels are of one class: there is nothing to tell apart"] if total else []
    most = max(range(len(counts)), key=counts.__getitem__)
    share = counts[most] / total
    absent = [label for label, count in zip(labels, counts, strict=True) if not count]
    text = (
        f"{labels[most]} is the most frequent class: a network that says only {labels[most]} scores a pixel accuracy of about {100 * share:.1f} % and a "
        f"mean IoU of about {100 * share / present:.1f} %"
    )
    return [text, *([f"No pixel of the labels that were read is {', '.join(absent)}"] if absent else [])]


def _sizes(labels: Sequence[LabelPicture]) -> dict[str, list[int]]:
    """Return the smallest, the largest and the median of the labels, as [width, height]."""
    sizes = sorted((label.size for label in labels), key=lambda size: size[0] * size[1])
    chosen = {"min": sizes[0], "max": sizes[-1], "median": sizes[len(sizes) // 2]} if sizes else {}
    return {name: [width, height] for name, (height, width) in chosen.items()}


def _drawn(fits: Sequence[tuple[Pair, NDArray[np.uint8]]], classes: Classes, limits: Limits) -> Iterator[Sample]:
    palette = classes.palette(_VALUES)
    for (picture, _), mask_HW in fits:
        try:
            data = read_file(picture)
            image_HWC = to_channels(decode(data, limits=limits).image_HWC, 3)
        except DataError:  # the build will say so; a look need not
            continue
        if image_HWC.shape[:2] != mask_HW.shape:
            continue
        ratio = min(1.0, _SIDE_PX / max(mask_HW.shape))
        size = max(1, round(mask_HW.shape[0] * ratio)), max(1, round(mask_HW.shape[1] * ratio))
        colours_HWC = palette[mask_HW]
        if classes.ignore_label is not None:
            ignored = mask_HW == classes.ignore_label
            colours_HWC[ignored] = image_HWC[ignored]
        over = (image_HWC * (1 - _MASK) + colours_HWC * _MASK).astype(np.uint8)
        yield Sample(printable(picture), data, data_url(encode_jpeg(scale(over, size))))
