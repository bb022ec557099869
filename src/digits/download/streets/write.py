"""Drawn streets as files that the form of a segmentation dataset takes.

``<out>/train/images/00000.png``, ``<out>/train/labels/00000.png`` (class ids with a palette), the same below ``val``;
``<out>/labels.txt`` (a class a line) and ``<out>/colours.txt`` (``R G B name`` a line).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digits.core.errors import SetupError
from digits.core.files import write_text
from digits.data.encode import encode_indexed_png, encode_png
from digits.download.streets.classes import CLASSES, COLOURS
from digits.download.streets.scene import draw_street

PHASES = ("train", "val")


@dataclass(frozen=True)
class WrittenStreets:
    """What was written: scenes of each part, and the pixels of each class over all of them."""

    counts: dict[str, int]
    pixels: NDArray[np.int64]


def write_streets(
    out: Path,
    counts: dict[str, int],
    *,
    width: int,
    height: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> WrittenStreets:
    """Draw ``counts`` scenes ("train", "val") of ``width`` x ``height`` pixels below ``out``.

    The same seed and size give the same files, on any number of threads; a scene of a larger count begins with those of a smaller one.

    Raises:
        SetupError: the disk is full, or the folder may not be written to.
    """
    pixels = np.zeros(len(CLASSES), np.int64)
    jobs = [(phase, index) for phase in PHASES for index in range(counts.get(phase, 0))]

    def make(phase: str, index: int) -> NDArray[np.int64]:
        street = draw_street(width, height, seed=(seed, PHASES.index(phase), index))
        place = out / phase
        (place / "images" / f"{index:05d}.png").write_bytes(encode_png(street.image_HWC))
        (place / "labels" / f"{index:05d}.png").write_bytes(encode_indexed_png(street.label_HW, COLOURS))
        return np.bincount(street.label_HW.ravel(), minlength=len(CLASSES))

    cv2.setNumThreads(1)  # the threads are ours: one a scene
    try:
        for phase in {phase for phase, _ in jobs}:
            for part in ("images", "labels"):
                (out / phase / part).mkdir(parents=True, exist_ok=True)
        num_threads = os.cpu_count() or 1
        with ThreadPoolExecutor(num_threads) as threads:
            ahead: deque[Future[NDArray[np.int64]]] = deque()
            for done, job in enumerate(jobs):
                ahead.append(threads.submit(make, *job))
                if len(ahead) > 2 * num_threads:
                    pixels += ahead.popleft().result()
                if progress:
                    progress(done + 1, len(jobs))
            for each in ahead:
                pixels += each.result()
        write_text(out / "labels.txt", "".join(f"{name}\n" for name in CLASSES))
        rows = zip(COLOURS.tolist(), CLASSES, strict=True)
        write_text(out / "colours.txt", "".join(f"{red} {green} {blue} {name}\n" for (red, green, blue), name in rows))
    except OSError as error:
        raise SetupError(f"The scenes could not be written: {error.strerror or error}.", where=str(out)) from error
    return WrittenStreets(dict(counts), pixels)
