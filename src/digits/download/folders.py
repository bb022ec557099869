"""Pictures in memory to class folders of PNG files, with the lists that DIGITS wrote beside them.

``<out>/train/7/00004.png``, ``<out>/train/labels.txt``, ``<out>/train/train.txt`` (lines ``path label``), and the same for test.
A file is called after its place in the set, so ``test/7/00000.png`` is MNIST's first test digit, as with DIGITS.

Legend: N = pictures, HW = height and width, C = channels (RGB).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digits.core.errors import DigitsError, SetupError
from digits.core.files import write_text
from digits.data.encode import encode_png

CHUNK = 1000  # pictures between two words of progress: a few milliseconds of work for a thread


@dataclass(frozen=True)
class Pictures:
    """One part of a set in memory: ``images`` [N, H, W] or [N, H, W, C] of uint8, ``labels`` [N] of class ids."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.labels)

    def inverted(self) -> Pictures:
        """Return black on white as white on black, and the other way round."""
        return Pictures(255 - self.images, self.labels)

    def first(self, count: int | None) -> Pictures:
        """Return the first ``count`` pictures; all for None."""
        return Pictures(self.images[:count], self.labels[:count])


@dataclass(frozen=True)
class Written:
    """What was written where."""

    folder: Path
    list_file: Path
    count: int


def refuse_filled(folders: Sequence[Path], *, clean: bool) -> None:
    """Make room: what is in the way is deleted if ``clean``.

    Raises:
        DigitsError: something is in the way.
    """
    for folder in folders:
        if folder.is_dir() and clean:
            shutil.rmtree(folder)
        elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DigitsError(f"{folder} is there already.", hint="-c deletes it first.")


def write_class_folders(
    pictures: Pictures,
    out: Path,
    phase: str,
    *,
    labels: Sequence[str],
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Write one part of a set below ``out/phase``.

    Args:
        pictures: what to write.
        out: the set's folder.
        phase: "train" or "test".
        labels: names of the classes, in order of their ids; each is a folder.
        progress: told pictures so far and in all.

    Raises:
        SetupError: the disk is full, or the folder may not be written to.
    """
    folder = (out / phase).absolute()
    paths = [folder / labels[label] / f"{index:05d}.png" for index, label in enumerate(pictures.labels)]
    try:
        for label in sorted(set(pictures.labels.tolist())):
            (folder / labels[label]).mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
            starts = range(0, len(paths), CHUNK)
            for start, written in zip(
                starts, threads.map(lambda at: _write_pngs(pictures.images, paths, at), starts), strict=True
            ):
                if progress:
                    progress(start + written, len(paths))
        write_text(folder / "labels.txt", "".join(f"{label}\n" for label in labels))
        list_file = folder / f"{phase}.txt"
        lines = (f"{path} {label}\n" for path, label in zip(paths, pictures.labels, strict=True))
        write_text(list_file, "".join(lines))
    except OSError as error:
        raise SetupError(f"The pictures could not be written: {error.strerror or error}.", where=str(out)) from error
    return Written(folder, list_file, len(paths))


def _write_pngs(images: NDArray[np.uint8], paths: Sequence[Path], start: int) -> int:
    for index in range(start, min(start + CHUNK, len(paths))):
        image = images[index]
        paths[index].write_bytes(encode_png(image if image.ndim == 3 else image[:, :, None]))
    return min(CHUNK, len(paths) - start)
