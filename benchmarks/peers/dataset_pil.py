"""The usual way to make a dataset of pictures: Pillow in a pool of threads, one file out for each file in, and their mean by numpy."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def convert(
    pictures: list[Path],
    out: Path,
    *,
    side_px: int,
    encoding: Literal["png", "jpg"],
    num_threads: int,
    with_mean: bool = True,
) -> NDArray[np.float64]:
    """Write each picture to ``out`` as RGB of ``side_px`` squared, in a folder for each class, and return the mean picture.

    Bilinear; PNG of level 6 (Pillow's default) or JPEG of quality 90.
    """
    total = np.zeros((side_px, side_px, 3), np.float64)
    lock = threading.Lock()
    for name in {path.parent.name for path in pictures}:
        (out / name).mkdir(parents=True, exist_ok=True)

    def one(path: Path) -> None:
        with Image.open(path) as image:
            small = image.convert("RGB").resize((side_px, side_px), Image.Resampling.BILINEAR)
        place = out / path.parent.name / path.stem
        if encoding == "png":
            small.save(place.with_suffix(".png"), compress_level=6)
        else:
            small.save(place.with_suffix(".jpg"), quality=90)
        if with_mean:
            pixels = np.asarray(small)
            with lock:
                np.add(total, pixels, out=total)

    with ThreadPoolExecutor(num_threads) as pool:
        for _ in pool.map(one, pictures):
            pass
    return total / max(len(pictures), 1)
