"""``answers.npy``: what is kept of the answer to each record, so that a page finds the pictures of a cell, or the worst, at once.

One row a record, in the order of the database, whatever kind of answer it is; read as a memory map.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ANSWERS_FILE = "answers.npy"
NO_CLASS = -1
KEPT = np.dtype(
    [
        ("read", "?"),  # False for a broken record
        ("wrong", "?"),
        ("truth", "<i4"),  # id of the class that it is, or that was missed; NO_CLASS where there is none
        ("said", "<i4"),  # id of the class that was found
        ("score", "<f4"),  # how sure that was, 0 to 1; of numbers, how far off
    ]
)


def kept(
    *, truth: NDArray[Any] | int, said: NDArray[Any] | int, wrong: NDArray[Any] | bool, score: NDArray[Any]
) -> NDArray[Any]:
    """Return rows for a batch of records that could be read."""
    rows = np.zeros(len(score), KEPT)
    rows["read"], rows["truth"], rows["said"], rows["wrong"], rows["score"] = True, truth, said, wrong, score
    return rows


def read_kept(folder: Path) -> NDArray[Any]:
    """Open the rows below ``folder``.

    Raises:
        OSError: there are none.
    """
    rows: NDArray[Any] = np.load(folder / ANSWERS_FILE, mmap_mode="r", allow_pickle=False)
    return rows
