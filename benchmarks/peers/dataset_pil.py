"""The usual way to bring pictures to one size: Pillow in a pool of threads, one file out for each file in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from PIL import Image


def convert(
    pictures: list[Path], out: Path, *, side_px: int, encoding: Literal["png", "jpg"], num_threads: int
) -> None:
    """Write each picture to ``out`` as RGB of ``side_px`` squared: bilinear, PNG of level 6 (Pillow's default) or JPEG of quality 90."""
    out.mkdir(parents=True, exist_ok=True)

    def one(numbered: tuple[int, Path]) -> None:
        number, path = numbered
        with Image.open(path) as image:
            small = image.convert("RGB").resize((side_px, side_px), Image.Resampling.BILINEAR)
        if encoding == "png":
            small.save(out / f"{number:06d}.png", compress_level=6)
        else:
            small.save(out / f"{number:06d}.jpg", quality=90)

    with ThreadPoolExecutor(num_threads) as pool:
        for _ in pool.map(one, enumerate(pictures)):
            pass
